import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export const cpuMeaning = 'CPU is user + system time of the process between, with all of its threads and children';

/** Linux shows processor time in hundredths of a second, on every architecture. */
const tickMicroseconds = 10_000;
/** A process is at rest when its time stands still for so long. */
const restMs = 100;
const restLimitMs = 3_000;

/**
 * Runs a load, and gives its result with the processor time (user + system, in microseconds) that a process took for it: all of its threads, and the processes
 * that it started. The time ends when the process is at rest, so what it does after an answer counts too. Null in the place of a process: NaN.
 */
export async function withCpuTime<Result>(
  pid: number | null,
  load: () => Result | Promise<Result>,
): Promise<{ readonly result: Result; readonly cpu: number }> {
  if (pid === null) {
    return { result: await load(), cpu: Number.NaN };
  }
  const before = await cpuAtRest(pid);
  const result = await load();
  return { result, cpu: (await cpuAtRest(pid)) - before };
}

async function cpuAtRest(pid: number): Promise<number> {
  await whenAtRest(pid, restLimitMs);
  return cpuMicroseconds(pid);
}

/** Resolves when a process takes no processor time any more, and at the limit. */
export async function whenAtRest(pid: number, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (let last = -1, taken = cpuMicroseconds(pid); taken !== last && performance.now() < deadline; taken = cpuMicroseconds(pid)) {
    last = taken;
    await delay(restMs);
  }
}

/** Processor time that a process and those that it started have taken, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.reduce((sum, child) => sum + cpuMicroseconds(child), readStat(`/proc/${pid}/stat`));
}

/** Processor time that each thread of a process has taken, in microseconds, by the thread's name; threads of one name together. */
export function cpuByThread(pid: number): Map<string, number> {
  const times = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim();
    times.set(name, (times.get(name) ?? 0) + readStat(`/proc/${pid}/task/${thread}/stat`));
  }
  return times;
}

/** User + system time in a `stat` file of proc(5), where they are the fields 14 and 15. */
function readStat(file: string): number {
  const stat = readFileSync(file, 'utf8');
  // The name of the program, in brackets, may hold anything; the state, behind it, is field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMicroseconds;
}
