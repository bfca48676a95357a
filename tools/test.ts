/**
 * `npm test [-- check|GROUP|FILE...]`: without words the checks and all groups but `long`, which `npm run test:long` runs. Ends with what failed, once more, and one line
 * `N passed, N failed, N skipped`; exits with 0 only if nothing failed, something ran, and, in CI, nothing was skipped that the machine allows.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { failuresIn } from './failures.ts';

const root = join(import.meta.dirname, '..');
/** A file that takes longer is ended, and has failed. */
const fileMs = 240_000;
/** So many of the files that take longest are printed at the end. */
const slowestMax = 15;
/** Tests wait as much as they compute. */
const concurrency = availableParallelism() + 1;
/** Tests start hundreds of processes of the same code. */
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules', '.compile-cache');
/** What is made once for all files: a data directory of PostgreSQL, which does not run as root and must get at it. */
const shared = mkdtempSync(join(tmpdir(), 'countersign-tests-'));
chmodSync(shared, 0o755);
process.env['COUNTERSIGN_TEST_SHARED'] = shared;
process.once('exit', () => rmSync(shared, { recursive: true }));
process.once('SIGINT', () => process.exit(1));

const filesOf = (...patterns: readonly string[]): string[] => globSync(patterns, { cwd: root });

/** In the order in which they start: what takes longest comes first, so that no long file is left over at the end. */
const groups: Readonly<Record<string, readonly string[]>> = {
  faults: filesOf('tests/faults/*.test.ts'),
  interop: filesOf('tests/interop/*.test.ts'),
  commands: filesOf('tests/commands/*.test.ts'),
  whole: filesOf('tests/*.test.ts'),
  units: filesOf('{ledger,gateway,cli}/src/**/*.test.ts', 'tests/support/*.test.ts'),
  long: filesOf('tests/long/*.test.ts'),
};
/** Words that stand for several groups. */
const unions: Readonly<Record<string, readonly string[]>> = {
  all: ['check', 'faults', 'interop', 'commands', 'whole', 'units'],
  fast: ['check', 'whole', 'units'],
};

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** Of those skipped: what the machine does not allow, and no installation would change. */
  notAllowed: number;
  /** Tests that guard a fault which a trial found, `T4.1` to `T4.51`: how each ended. */
  items: string[];
  /** The processor time of the files that have ended. */
  countedCpuSeconds: number;
  /** Where the time goes. */
  readonly files: { readonly file: string; readonly seconds: number; readonly cpuSeconds: number }[];
  /** Each with its file, to be shown at the end. */
  readonly failures: string[];
}

const statFile = '/proc/self/stat';
const ticksPerSecond = 100;

/** The processor time of all processes that have ended below this one, as Linux counts it (`cutime` and `cstime` of proc_pid_stat(5)); elsewhere 0. */
function endedCpuSeconds(): number {
  const fields = existsSync(statFile) ? readFileSync(statFile, 'latin1').split(' ') : [];
  return (Number(fields[15] ?? 0) + Number(fields[16] ?? 0)) / ticksPerSecond;
}

/** One process for each file; its TAP says how many tests passed. `check` counts as one test. Output is shown when something failed. */
function runFile(file: string, tally: Tally): Promise<void> {
  return new Promise((resolve) => {
    const started = performance.now();
    const isCheck = file === 'check';
    const [program, words] = isCheck ? ['npm', ['run', '--silent', 'check']] : [process.execPath, ['--no-warnings', '--test-reporter=tap', join(root, file)]];
    const child = spawn(program, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: fileMs });
    let cpuSeconds = 0;
    child.once('exit', () => {
      const ended = endedCpuSeconds();
      cpuSeconds = ended - tally.countedCpuSeconds;
      tally.countedCpuSeconds = ended;
    });
    const lines: string[] = [];
    const counts = new Map<string, number>();
    /** A suite that is skipped as a whole is in no count. */
    let skipped = 0;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const [, name, count] = /^# (pass|fail|cancelled|skipped|todo) (\d+)$/.exec(line) ?? [];
        if (name !== undefined) {
          counts.set(name, Number(count));
        }
        const [, named] = /^ *(?:not )?ok \d+ - (T4\.\d+.*)$/.exec(line) ?? [];
        if (named !== undefined) {
          tally.items.push(line.trim().replace(/ok \d+ - /, 'ok '));
        }
        skipped += /^ *(?:not )?ok \d+ - .* # SKIP/.test(line) ? 1 : 0;
        tally.notAllowed += / # SKIP this machine does not allow it/.test(line) ? 1 : 0;
      });
    }
    child.once('close', (code) => {
      const count = (...names: readonly string[]): number => names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
      const passed = isCheck ? Number(code === 0) : count('pass');
      const ranNothing = passed + skipped === 0;
      const failed = Math.max(count('fail', 'cancelled'), code === 0 && !ranNothing ? 0 : 1);
      tally.passed += passed;
      tally.failed += failed;
      tally.skipped += skipped;
      const seconds = (performance.now() - started) / 1000;
      tally.files.push({ file, seconds, cpuSeconds });
      console.log(`${failed === 0 ? 'ok    ' : 'FAILED'} ${file} (${seconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, ${passed} passed)`);
      if (failed > 0) {
        const ended = child.killed ? [`was ended after ${fileMs / 1000} s, the limit for one file`] : [];
        tally.failures.push(...[...ended, ...failuresIn(lines)].map((failure) => `FAILED ${file}: ${failure}`));
      }
      if (failed > 0 || skipped > 0) {
        console.log(lines.join('\n'));
      }
      resolve();
    });
  });
}

const tally: Tally = { passed: 0, failed: 0, skipped: 0, notAllowed: 0, items: [], countedCpuSeconds: 0, files: [], failures: [] };
const words = process.argv.slice(2);
const queue = (words.length === 0 ? ['all'] : words).flatMap((word) => unions[word] ?? [word]).flatMap((word) => groups[word] ?? [word]);
const worker = async (): Promise<void> => {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    await runFile(file, tally);
  }
};
await Promise.all(Array.from({ length: concurrency }, worker));
const numberOf = (item: string): number => Number(/T4\.(\d+)/.exec(item)?.[1]);
for (const item of tally.items.toSorted((a, b) => numberOf(a) - numberOf(b))) {
  console.log(item);
}
const slowest = tally.files.toSorted((a, b) => b.seconds - a.seconds).slice(0, slowestMax);
console.log(`slowest: ${slowest.map(({ file, seconds, cpuSeconds }) => `${file} ${seconds.toFixed(0)} s (CPU ${cpuSeconds.toFixed(0)} s)`).join(', ')}`);
for (const failure of tally.failures) {
  console.log(failure);
}
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
const skippedInCi = process.env['CI'] !== undefined && tally.skipped > tally.notAllowed;
process.exit(tally.failed > 0 || tally.passed === 0 || skippedInCi ? 1 : 0);
