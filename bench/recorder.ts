import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../cli/src/store-files.ts';
import { bunVersion, installBun } from './bun.ts';
import { median, percentile, printMachine, printTable, thousands } from './table.ts';
import type { RecorderRun } from './recorder-run.ts';

const sizesBytes = [200, 1024, 8192];
const rounds = 3;
/** Bytes of content in one measured run; the number of records follows from it. */
const runBytes = 96 * 1024 * 1024;
const recordsMax = 120_000;
const outputBytesMax = 256 * 1024 * 1024;
const verifiedBytes = 200;
const verifiedRecords = 500_000;

interface Variant {
  readonly name: string;
  readonly arguments: readonly string[];
}

/**
 * One process a run, in alternation: a plain file appended to (one write for each batch, with and without fdatasync), and the recorder with
 * everything on (sealing, commitment, leaf, chain, tree, signatures), durability `process` and `disk`.
 */
export async function benchRecorder(): Promise<void> {
  printMachine();
  measureRuntime('Node', process.execPath);
  const bun = installBun();
  if (bun === null) {
    console.log('\nBun could not be installed from the npm registry: not measured.');
  } else {
    measureRuntime(`Bun ${bunVersion}`, bun);
  }
  await measureVerification();
}

/** In this process and one thread; the first time is warming up. */
async function measureVerification(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  try {
    recordInto(directory, process.execPath, ['recorder', 'process', String(verifiedBytes), String(verifiedRecords), '0']);
    const rates: number[] = [];
    for (let time = 0; time <= rounds; time++) {
      const { verdict, leavesPerSecond } = await verifyStore(openStoreFiles(directory));
      if (verdict !== 'holds') {
        throw new Error(`the store that was recorded does not verify: ${verdict}`);
      }
      rates.push(leavesPerSecond);
    }
    console.log(
      `\nVerification of ${thousands(verifiedRecords)} records of ${verifiedBytes} B: ${thousands(median(rates.slice(1)))} leaves/s, median of ${rounds}`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function measureRuntime(name: string, program: string): void {
  console.log(`\n${name}: 8 sessions, batches of 64 records, median of ${rounds} runs in alternation\n`);
  const rows = [['content', 'what', 'records/s', 'MB/s', 'of plain append', 'commit p50 ms', 'p99 ms', 'p99 at half load ms']];
  for (const bytes of sizesBytes) {
    for (const durability of ['process', 'disk'] as const) {
      rows.push(...measureSize(program, bytes, durability));
    }
  }
  printTable(rows);
}

function measureSize(program: string, bytes: number, durability: string): string[][] {
  const records = Math.min(recordsMax, Math.floor(runBytes / bytes));
  const variants: Variant[] = [
    { name: `append to file${durability === 'disk' ? ' + fdatasync' : ''}`, arguments: ['append', durability] },
    { name: `recorder, ${durability}`, arguments: ['recorder', durability] },
  ];
  const runs = variants.map((): RecorderRun[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, variant] of variants.entries()) {
      runs[i]?.push(runOnce(program, [...variant.arguments, String(bytes), String(records), '0']));
    }
  }
  const rates = runs.map((all) => median(all.map((run) => run.recordsPerSecond)));
  return variants.map((variant, i) => {
    const rate = rates[i] ?? Number.NaN;
    const half = runOnce(program, [...variant.arguments, String(bytes), String(Math.floor(records / 4)), String(Math.floor(rate / 2))]);
    const latencies = runs[i]?.flatMap((run) => run.commitMs) ?? [];
    return [
      `${bytes} B`,
      variant.name,
      thousands(rate),
      thousands((rate * bytes) / 1e6),
      (rate / (rates[0] ?? Number.NaN)).toFixed(2),
      percentile(latencies, 0.5).toFixed(2),
      percentile(latencies, 0.99).toFixed(2),
      percentile(half.commitMs, 0.99).toFixed(2),
    ];
  });
}

function runOnce(program: string, runArguments: readonly string[]): RecorderRun {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  try {
    return recordInto(directory, program, runArguments);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function recordInto(directory: string, program: string, runArguments: readonly string[]): RecorderRun {
  const script = join(import.meta.dirname, 'recorder-run.ts');
  const { stdout, stderr, status } = spawnSync(program, [script, directory, ...runArguments], { encoding: 'utf8', maxBuffer: outputBytesMax });
  if (status !== 0) {
    throw new Error(`the measured process failed: ${stderr}`);
  }
  return JSON.parse(stdout);
}
