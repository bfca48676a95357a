import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../tests/support/wait-until.ts';

/** Runs a load and counts the system calls that all threads of a process make meanwhile, by name. Needs strace. */
export async function countSyscalls<Result>(
  pid: number,
  load: () => Result,
): Promise<{ readonly result: Result; readonly calls: ReadonlyMap<string, number> }> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-strace-'));
  try {
    const output = join(directory, 'calls');
    const child = spawn('strace', ['-c', '-f', '-o', output, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    let said = '';
    child.stderr.on('data', (piece: Buffer) => {
      said += piece.toString();
    });
    await waitUntil(() => {
      if (child.exitCode !== null) {
        throw new Error(`strace did not attach: ${said}`);
      }
      return said.includes('attached');
    });
    const result = load();
    child.kill('SIGINT');
    await exited;
    return { result, calls: parseCounts(readFileSync(output, 'utf8')) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Rows of `strace -c`: % time, seconds, microseconds a call, calls, errors where there are any, name. */
function parseCounts(table: string): Map<string, number> {
  const rows = [...table.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?([a-z]\w*)$/gm)];
  return new Map(rows.map(([, calls, name]) => [name ?? '', Number(calls)] as const).filter(([name]) => name !== 'total'));
}
