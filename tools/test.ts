/**
 * `npm test [-- check|GROUP|FILE|FOLDER...]` runs tests. Without words it runs the checks and all groups except `browser` and `long`, which
 * `npm run test:long` runs. At the end it prints all failures again, and one line `N passed, N failed, N skipped`. It exits with 0 only if nothing failed,
 * something ran, and, in CI, nothing was skipped that the machine allows.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundle } from './bundle.ts';
import { failuresIn } from './failures.ts';

const root = join(import.meta.dirname, '..');
/** A test file, or a folder of them, that runs longer than this, in ms, is ended and counts as failed. A limit that only ends files that hang: beside others, the longest take some eight minutes. */
const fileMs = 1_200_000;
/** A test that runs longer than this, in ms, fails, and the tests behind it run. A limit that only ends tests that hang. */
const testMs = 480_000;
/** Number of slowest files that are printed at the end. */
const slowestMax = 15;
/** A file waits for much of its time: for disks, for processes that start, and for deadlines. So more files run at a time than there are cores. */
const concurrency = availableParallelism() * 3;
/** So many files with a browser run at a time, because each alone keeps the cores busy. */
const browsersMax = 2;
/** The code that Node compiled is kept, because tests start hundreds of processes with the same code. */
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules', '.compile-cache');
/** A directory for what is made once for all files: a data directory of PostgreSQL, which runs as another user than root and must be able to read it. */
const shared = mkdtempSync(join(tmpdir(), 'countersign-tests-'));
chmodSync(shared, 0o755);
process.env['COUNTERSIGN_TEST_SHARED'] = shared;
process.once('exit', () => rmSync(shared, { recursive: true }));
(['SIGINT', 'SIGTERM'] as const).forEach((signal) => process.once(signal, () => process.exit(1)));

const filesOf = (...patterns: readonly string[]): string[] => globSync(patterns, { cwd: root });

/** Returns the folder whose tests run in one process, because loading the code takes longer than most of them; outside of these folders, the file itself. */
const folderOf = (file: string): string => /^(?:ledger\/src|cli\/src|web\/src|gateway\/src\/(?:protocols\/)?[a-z]+)(?=\/)/.exec(file)?.[0] ?? file;

/** The groups. */
const groups: Readonly<Record<string, readonly string[]>> = {
  whole: filesOf('tests/*.test.ts'),
  controls: filesOf('tests/controls/*.test.ts'),
  faults: filesOf('tests/faults/*.test.ts'),
  commands: filesOf('tests/commands/*.test.ts'),
  units: [...new Set(filesOf('{ledger,gateway,cli,web}/src/**/*.test.ts', 'tests/support/*.test.ts').map(folderOf))],
  interop: filesOf('tests/interop/*.test.ts'),
  browser: filesOf('tests/browser/*.test.ts'),
  long: filesOf('tests/{long,independent}/*.test.ts'),
};
/** Words that stand for several groups, in the order in which they start. Short files come last, so that no long one runs alone at the end. */
const unions: Readonly<Record<string, readonly string[]>> = {
  all: ['lint', 'whole', 'controls', 'faults', 'commands', 'units', 'interop'],
  fast: ['lint', 'whole', 'units'],
  check: ['lint', 'tests/tidy.test.ts'],
};

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** Number of skipped tests that need what the machine does not allow, or that are extra checks. */
  notAllowed: number;
  /** How each test ended that guards a fault found in a trial, `T4.1` to `T4.51`. */
  items: string[];
  /** The processor time in seconds of the files that have ended. */
  countedCpuSeconds: number;
  /** The time that each file took. */
  readonly files: { readonly file: string; readonly seconds: number; readonly cpuSeconds: number }[];
  /** The failures with their files, to be shown at the end. */
  readonly failures: string[];
}

const statFile = '/proc/self/stat';
const ticksPerSecond = 100;

/**
 * Returns the processor time in seconds of all ended processes below this one, as Linux counts it (`cutime` and `cstime` of proc_pid_stat(5)); 0 on other
 * systems.
 */
function endedCpuSeconds(): number {
  const fields = existsSync(statFile) ? readFileSync(statFile, 'latin1').split(' ') : [];
  return (Number(fields[15] ?? 0) + Number(fields[16] ?? 0)) / ticksPerSecond;
}

/** Returns the words that run a test file, or all test files of a folder one after the other, in a process of its own. */
function testWords(place: string): readonly string[] {
  const words = ['--no-warnings', '--test-reporter=tap', `--test-timeout=${testMs}`];
  const inFolder = filesOf(`${place}/**/*.test.ts`);
  return inFolder.length === 0 ? [...words, join(root, place)] : [...words, '--test', '--test-isolation=none', ...inFolder];
}

/**
 * Runs a test file, or those of a folder, in a process of its own. Its TAP output says how many tests passed. `lint` counts as one test. The output is shown if
 * something failed.
 */
function runFile(file: string, tally: Tally): Promise<void> {
  return new Promise((resolve) => {
    const started = performance.now();
    const isLint = file === 'lint';
    const [program, words] = isLint ? ['npm', ['run', '--silent', 'lint']] : [process.execPath, testWords(file)];
    const child = spawn(program, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: fileMs });
    let cpuSeconds = 0;
    child.once('exit', () => {
      const ended = endedCpuSeconds();
      cpuSeconds = ended - tally.countedCpuSeconds;
      tally.countedCpuSeconds = ended;
    });
    const lines: string[] = [];
    const counts = new Map<string, number>();
    /** TAP does not count a suite that is skipped as a whole, so it is counted here. */
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
        tally.notAllowed += / # SKIP (?:this machine does not allow it|an extra check)/.test(line) ? 1 : 0;
      });
    }
    child.once('close', (code) => {
      const count = (...names: readonly string[]): number => names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
      const passed = isLint ? Number(code === 0) : count('pass');
      const ranNothing = passed + skipped === 0;
      const failed = Math.max(count('fail', 'cancelled'), code === 0 && !ranNothing ? 0 : 1);
      tally.passed += passed;
      tally.failed += failed;
      tally.skipped += skipped;
      const seconds = (performance.now() - started) / 1000;
      tally.files.push({ file, seconds, cpuSeconds });
      console.log(`${failed === 0 ? 'ok    ' : 'FAILED'} ${file} (${seconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, ${passed} passed)`);
      if (failed > 0) {
        const ended = child.killed ? [`was ended after ${fileMs / 1000} s, the limit for one process`] : [];
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
const isOfBrowser = (file: string): boolean => groups['browser']?.includes(file) === true;
let browsers = 0;
const worker = async (): Promise<void> => {
  for (;;) {
    const at = queue.findIndex((file) => browsers < browsersMax || !isOfBrowser(file));
    const [file] = at < 0 ? [] : queue.splice(at, 1);
    if (file === undefined) {
      return;
    }
    browsers += isOfBrowser(file) ? 1 : 0;
    await runFile(file, tally);
    browsers -= isOfBrowser(file) ? 1 : 0;
  }
};
process.env['COUNTERSIGN_TEST_MAIN'] ??= await bundle(join(root, 'dist', 'tests'));
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
