import { execFile, spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeLeaf, frameEntries } from '@countersign/ledger/format';
import { findProtocol } from '../gateway/src/protocols/registry.ts';
import { isPlacedFrame, journalStart, readJournal } from '../gateway/src/recording/journal-reader.ts';
import { openStore } from '../gateway/src/recording/open-store.ts';
import { SessionOpener } from '../gateway/src/recording/session-reader.ts';
import { FactReader } from '../gateway/src/search/record-facts.ts';
import { printAims } from './aims.ts';
import type { AskedResult } from './search-asked.ts';
import { benchLag } from './search-lag.ts';
import type { MadeResult } from './search-made.ts';
import { FactsInPostgres } from './search-postgres.ts';
import { questions } from './search-questions.ts';
import { aimedStore, makeStore } from './search-store.ts';
import { percentile, printMachine, printTable, thousands } from './table.ts';

/** Two sizes say how times grow with the number of records. */
const sizesDefault = ['200000', '600000'];
const rounds = 20;
const progressMs = 5000;
const runFile = promisify(execFile);

/** The measurements over a store of one size. */
interface Measured extends MadeResult {
  readonly journalBytes: number;
  readonly indexBytes: number;
  readonly postgres: { readonly seconds: number; readonly bytes: number };
  readonly searching: AskedResult;
}

/** Prints how fast the index of records is made, how large it is, and how long questions take. `search [RECORDS ...]` says over stores of how many records; `search lag` prints how far the index falls behind. */
export async function benchSearch(words: readonly string[]): Promise<void> {
  if (words[0] === 'lag') {
    await benchLag();
    return;
  }
  printMachine();
  const measured: Measured[] = [];
  for (const records of words.length === 0 ? sizesDefault : words) {
    measured.push(await measureStore(Number(records)));
  }
  console.log('');
  printTable([
    [
      'records',
      'records/s of one core',
      'records/s',
      'index, bytes a record',
      'of the journal',
      'PostgreSQL, bytes a record',
      'records/s, loading it',
      'memory at rest',
      'most while searching',
    ],
    ...measured.map(({ records, cpuSeconds, seconds, indexBytes, journalBytes, postgres, searching }) => [
      thousands(records),
      thousands(records / cpuSeconds),
      thousands(records / seconds),
      (indexBytes / records).toFixed(1),
      `${((100 * indexBytes) / journalBytes).toFixed(1)} %`,
      (postgres.bytes / records).toFixed(1),
      thousands(records / postgres.seconds),
      megabytes(searching.restBytes),
      megabytes(searching.mostBytes),
    ]),
  ]);
  const [largest] = measured.toSorted((a, b) => b.records - a.records);
  if (largest !== undefined) {
    printAims([
      { text: 'records a second of one core', measured: largest.records / largest.cpuSeconds, least: 20_000 },
      { text: 'index, as a part of the journal', measured: largest.indexBytes / largest.journalBytes, most: 0.2 },
      ...aimsOfQuestions(measured),
    ]);
  }
}

/** The aims for answers, over the largest store, and, if there are two sizes, over as many records as are aimed at: the times grow as they did from the smallest to the largest store. */
function aimsOfQuestions(measured: readonly Measured[]): Parameters<typeof printAims>[0] {
  const [smallest, ...others] = measured.toSorted((a, b) => a.records - b.records);
  const largest = others.at(-1) ?? smallest;
  if (smallest === undefined || largest === undefined) {
    return [];
  }
  const slowest = (records: number, of: 'firstMs' | 'allMs'): number =>
    Math.max(
      // The first line of counts is their end: they have no first hit.
      ...Object.entries(questions).flatMap(([name, { answer }]) => {
        if (of === 'firstMs' && typeof answer === 'object') {
          return [];
        }
        const [from, to] = [smallest, largest].map(({ searching }) => percentile(searching.asked[name]?.[of] ?? [], 0.95));
        const growth = smallest === largest ? 0 : ((to ?? 0) - (from ?? 0)) / (largest.records - smallest.records);
        return (to ?? 0) + Math.max(0, growth) * (records - largest.records);
      }),
    );
  return (smallest === largest ? [largest.records] : [largest.records, aimedStore.records]).flatMap((records) => {
    const over = `over ${thousands(records)} records${records === largest.records ? '' : ', extrapolated'}`;
    return [
      { text: `p95 of the slowest question ${over}, ms`, measured: slowest(records, 'allMs'), most: 1000 },
      { text: `p95 of the slowest first hit ${over}, ms`, measured: slowest(records, 'firstMs'), most: 200 },
    ];
  });
}

async function measureStore(wanted: number): Promise<Measured> {
  const data = mkdtempSync(join(tmpdir(), 'countersign-bench-search-'));
  const begun = performance.now();
  let saidMs = begun;
  const say = (what: string): void => {
    saidMs = performance.now();
    process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(0)} s: ${what}\n`);
  };
  const sayOften = (what: () => string): void => {
    if (performance.now() - saidMs > progressMs) {
      say(what());
    }
  };
  try {
    say(`a store of ${thousands(wanted)} records is made`);
    await makeStore(data, wanted, (records) => {
      sayOften(() => `${thousands(records)} records`);
    });
    const journalBytes = bytesIn(join(data, 'journal'));
    say('the index is made');
    const index = await runFile(process.execPath, [join(import.meta.dirname, 'search-made.ts'), data]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- search-made.ts prints it
    const made = JSON.parse(index.stdout) as MadeResult;
    say('the questions are asked');
    const { stdout } = await runFile(process.execPath, [join(import.meta.dirname, 'search-asked.ts'), data, String(rounds)]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- search-asked.ts prints it
    const searching = JSON.parse(stdout) as AskedResult;
    say('the facts are written for grep and PostgreSQL');
    await writeFacts(data, (records) => {
      sayOften(() => `${thousands(records)} facts`);
    });
    say('PostgreSQL loads them');
    await using postgres = await FactsInPostgres.load(factsFile(data));
    say('PostgreSQL and grep are asked');
    console.log(`\n${thousands(made.records)} records, ${megabytes(journalBytes)} of journal\n`);
    await printQuestions(data, searching, postgres);
    say('done');
    return { ...made, journalBytes, indexBytes: statSync(join(data, 'records.db')).size, postgres, searching };
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** Writes the facts of all records as NDJSON. */
async function writeFacts(data: string, onProgress: (records: number) => void): Promise<void> {
  const { keys } = await openStore(data, {}, false);
  const file = createWriteStream(factsFile(data));
  const live = new Map<string, { readonly opener: SessionOpener; readonly facts: FactReader }>();
  let records = 0;
  for await (const step of readJournal(data, journalStart)) {
    for (const entry of isPlacedFrame(step) && step.frame.header.type === 'batch' ? frameEntries(step.frame) : []) {
      const leafBytes = entry.leaf.slice();
      const leaf = decodeLeaf(leafBytes);
      const session = live.get(leaf.session) ?? { opener: new SessionOpener(keys), facts: new FactReader(findProtocol) };
      live.set(leaf.session, session);
      const { facts, text } = session.facts.read(session.opener.open({ leaf, leafBytes, entry }), new Set());
      if (!file.write(`${JSON.stringify({ time: facts.timeMs, ...Object.fromEntries(facts.values), text })}\n`)) {
        await new Promise((resolve) => file.once('drain', resolve));
      }
      if (leaf.kind === 'close') {
        live.delete(leaf.session);
      }
      records += 1;
    }
    onProgress(records);
  }
  await new Promise((resolve) => file.end(resolve));
  keys[Symbol.dispose]();
}

async function printQuestions(data: string, { asked }: AskedResult, postgres: FactsInPostgres): Promise<void> {
  const rows = [['question', 'records', 'first line p95', 'all p50', 'all p95', 'PostgreSQL p50', 'p95', 'grep over NDJSON']];
  for (const [name, { grep, sql }] of Object.entries(questions)) {
    const { count, firstMs, allMs } = asked[name] ?? { count: 0, firstMs: [], allMs: [] };
    await postgres.ask(sql);
    const table: number[] = [];
    for (let round = 0; round < rounds; round++) {
      table.push(await postgres.ask(sql));
    }
    const times = [
      percentile(firstMs, 0.95),
      percentile(allMs, 0.5),
      percentile(allMs, 0.95),
      percentile(table, 0.5),
      percentile(table, 0.95),
      grepMs(data, grep),
    ];
    rows.push([name, thousands(count), ...times.map(ms)]);
  }
  printTable(rows);
}

function grepMs(data: string, pattern: string): number {
  const begun = performance.now();
  spawnSync('grep', ['-cE', pattern, factsFile(data)], { env: { ...process.env, LC_ALL: 'C' } });
  return performance.now() - begun;
}

function factsFile(data: string): string {
  return join(data, 'facts.ndjson');
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function megabytes(bytes: number): string {
  return `${thousands(bytes / 1e6)} MB`;
}

function bytesIn(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).blocks * 512, 0);
}
