/**
 * `npm run profile -- postgres|llm`: where a gateway spends its time, its memory and its system calls under one load. Each is measured in a window of its own,
 * because measuring one disturbs the others. The words behind the name say the load: `postgres [MODE] [CLIENTS] [plain|inspect]`,
 * `llm [whole|streamed] [CONNECTIONS] [plain|inspect]`. With `inspect`, values of all classes are looked for.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireStrace } from '../tests/support/strace.ts';
import { allocationsByFile, idle, timeByFile, type AllocationNode, type CpuProfile } from './by-file.ts';
import { cpuByThread } from './cpu-time.ts';
import { startDatabaseGateway, startModelGateway } from './gateway.ts';
import { builtInClasses } from '../gateway/src/classes/catalogue.ts';
import { evaluate, inspect, inspectable, type InspectedThread } from './inspector.ts';
import { loadModel, modelThroughGateway } from './model-load.ts';
import { startScript } from './peer.ts';
import { pgbench, startDatabase, throughGateway } from './pgbench.ts';
import { countSyscalls } from './syscalls.ts';
import { printMachine, printTable, thousands } from './table.ts';

/** The gateway is warm when just-in-time compilers have seen some hundred thousand requests. */
const warmUpSeconds = 25;
const windowSeconds = 5;
const samplingMicroseconds = 200;
const allocationSampleBytes = 16 * 1024;
/** Files with less of the time and of the memory are one row together. */
const leastShare = 0.005;
const allocated = "process.getBuiltinModule('node:v8').getHeapStatistics().total_allocated_bytes";

interface Subject {
  readonly pid: number;
  readonly inspectorPort: number;
  readonly text: string;
  /** Gives the number of requests that were answered. */
  readonly load: (seconds: number) => number;
}

function lookedFor(looks: string): readonly string[] {
  return looks === 'inspect' ? builtInClasses.map(({ name }) => name) : [];
}

async function profilePostgres([mode = 'prepared', clients = '8', looks = 'plain']: readonly string[]): Promise<void> {
  await using database = await startDatabase();
  const { port, environment } = await inspectable();
  await using gateway = await startDatabaseGateway(database, { environment, inspect: lookedFor(looks) });
  const way = throughGateway('gateway', gateway, 'process');
  await profile({
    pid: gateway.pid,
    inspectorPort: port,
    text: `pgbench -S -M ${mode} -c ${clients}`,
    load: (seconds) => pgbench(way, { mode, clients: Number(clients), seconds }).transactions,
  });
}

async function profileLlm([kind = 'whole', connections = '10', looks = 'plain']: readonly string[]): Promise<void> {
  await using model = await startScript('model-server.ts');
  const { port, environment } = await inspectable();
  await using gateway = await startModelGateway(model, { environment, inspect: lookedFor(looks) });
  const way = modelThroughGateway('gateway', gateway, 'process');
  await profile({
    pid: gateway.pid,
    inspectorPort: port,
    text: `requests to a model, ${kind} answers, ${connections} connections`,
    load: (seconds) => loadModel(way, { connections: Number(connections), seconds, streams: kind === 'streamed' }).requests,
  });
}

async function profile({ pid, inspectorPort, text, load }: Subject): Promise<void> {
  printMachine();
  console.log(`${text}, durability process, ${windowSeconds} s for each window after a warm-up; all figures are for one request`);
  load(warmUpSeconds);
  const directory = mkdtempSync(join(tmpdir(), 'countersign-profile-'));
  using inspected = await inspect(inspectorPort);
  await printCost(pid, inspected.threads, load);
  const sampled = await sample(inspected.threads, load);
  for (const { name, profile: cpuProfile, times, bytes } of sampled) {
    const file = join(directory, `${name.replaceAll(/\W+/g, '-')}.cpuprofile`);
    writeFileSync(file, JSON.stringify(cpuProfile));
    printByFile(name, times, bytes);
    console.log(`\n${file}`);
  }
  await printSyscalls(pid, load);
}

/** Undisturbed: processor time of each thread, and all that V8 has allocated on each heap. */
async function printCost(pid: number, threads: readonly InspectedThread[], load: Subject['load']): Promise<void> {
  const heapsBefore = await Promise.all(threads.map((thread) => evaluate<number>(thread, allocated)));
  const before = cpuByThread(pid);
  const requests = load(windowSeconds);
  const after = cpuByThread(pid);
  const heaps = await Promise.all(threads.map((thread) => evaluate<number>(thread, allocated)));
  const times = [...after].map(([name, time]) => [name, (time - (before.get(name) ?? 0)) / requests] as const).filter(([, time]) => time > 0);
  const sum = times.reduce((all, [, time]) => all + time, 0);
  const rows = [...times.toSorted(([, a], [, b]) => b - a), ['all threads', sum] as const].map(([name, time]) => [name, time.toFixed(1)]);
  console.log(`\nProcessor time (user + system), ${thousands(requests / windowSeconds)} requests a second\n`);
  printTable([['thread, as the kernel names it', 'µs'], ...rows]);
  console.log('\nAllocated on the heap of V8 (`total_allocated_bytes`), which does not hold the bytes of buffers\n');
  printTable([['thread', 'bytes'], ...threads.map(({ name }, i) => [name, thousands(((heaps[i] ?? Number.NaN) - (heapsBefore[i] ?? Number.NaN)) / requests)])]);
}

interface Sampled {
  readonly name: string;
  readonly profile: CpuProfile;
  /** By file, for one request: microseconds and bytes. */
  readonly times: ReadonlyMap<string, number>;
  readonly bytes: ReadonlyMap<string, number>;
}

/** One window with samples of time, one with samples of allocations. */
async function sample(threads: readonly InspectedThread[], load: Subject['load']): Promise<Sampled[]> {
  await sendAll(threads, 'Profiler.enable');
  await sendAll(threads, 'Profiler.setSamplingInterval', { interval: samplingMicroseconds });
  await sendAll(threads, 'Profiler.start');
  const timed = load(windowSeconds);
  const profiles = await sendAll<{ readonly profile: CpuProfile }>(threads, 'Profiler.stop');
  await sendAll(threads, 'Profiler.disable');
  const isCollectedToo = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  await sendAll(threads, 'HeapProfiler.startSampling', { samplingInterval: allocationSampleBytes, ...isCollectedToo });
  const allocating = load(windowSeconds);
  const allocations = await sendAll<{ readonly profile: { readonly head: AllocationNode } }>(threads, 'HeapProfiler.stopSampling');
  return threads.flatMap(({ name }, i) => {
    const cpu = profiles[i]?.profile;
    const head = allocations[i]?.profile.head;
    return cpu === undefined || head === undefined
      ? []
      : [{ name, profile: cpu, times: perRequest(timeByFile(cpu), timed), bytes: perRequest(allocationsByFile(head), allocating) }];
  });
}

function sendAll<Result>(threads: readonly InspectedThread[], method: string, parameters?: object): Promise<Result[]> {
  return Promise.all(threads.map((thread) => thread.send<Result>(method, parameters)));
}

function perRequest(sums: ReadonlyMap<string, number>, requests: number): Map<string, number> {
  return new Map([...sums].filter(([file]) => file !== idle).map(([file, sum]) => [file, sum / requests]));
}

function printByFile(thread: string, times: ReadonlyMap<string, number>, bytes: ReadonlyMap<string, number>): void {
  const timeSum = sumOf(times.values());
  const byteSum = sumOf(bytes.values());
  const files = [...new Set([...times.keys(), ...bytes.keys()])].map((file) => ({ file, time: times.get(file) ?? 0, size: bytes.get(file) ?? 0 }));
  const [few, many] = [true, false].map((isFew) => files.filter(({ time, size }) => (time < timeSum * leastShare && size < byteSum * leastShare) === isFew));
  const rest = { file: `${few?.length} others`, time: sumOf(few?.map(({ time }) => time) ?? []), size: sumOf(few?.map(({ size }) => size) ?? []) };
  const rows = [...(many?.toSorted((a, b) => b.time - a.time) ?? []), rest, { file: 'all', time: timeSum, size: byteSum }].map(({ file, time, size }) => {
    return [file, time.toFixed(1), `${((time / timeSum) * 100).toFixed(1)} %`, thousands(size), `${((size / byteSum) * 100).toFixed(1)} %`];
  });
  console.log(`\nThread ${thread}: samples of time (on the wall: a thread that waits for a core seems to work) and of allocations on V8's heap, by file\n`);
  printTable([['file', 'self µs', 'of all', 'bytes', 'of all'], ...rows]);
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) {
    sum += value;
  }
  return sum;
}

async function printSyscalls(pid: number, load: Subject['load']): Promise<void> {
  const { skip } = requireStrace();
  if (skip !== undefined) {
    console.log(`\nSystem calls are not counted: ${skip}`);
    return;
  }
  const { result: requests, calls } = await countSyscalls(pid, () => load(windowSeconds));
  const rows = [...calls].toSorted(([, a], [, b]) => b - a).map(([name, count]) => [name, (count / requests).toFixed(2)]);
  console.log(`\nSystem calls of all threads (strace slows the gateway to ${thousands(requests / windowSeconds)} requests a second)\n`);
  printTable([['system call', 'calls'], ...rows.filter(([, count]) => count !== '0.00'), ['all', (sumOf(calls.values()) / requests).toFixed(2)]]);
}

const profiles: Readonly<Record<string, (words: readonly string[]) => Promise<void>>> = { postgres: profilePostgres, llm: profileLlm };
const [name = '', ...words] = process.argv.slice(2);
const run = profiles[name];
if (run === undefined) {
  process.stderr.write(`usage: npm run profile -- ${Object.keys(profiles).join('|')}\n`);
  process.exit(2);
}
await run(words);
