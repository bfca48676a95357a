import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { wholeSight } from '../gateway/src/access/rights.ts';
import { Reader } from '../gateway/src/reader/reader.ts';
import { journalStart, isPlacedFrame, readJournal } from '../gateway/src/recording/journal-reader.ts';
import { openStore } from '../gateway/src/recording/open-store.ts';
import { SessionOpener } from '../gateway/src/recording/session-reader.ts';
import { BlockStore, parseBucket } from '../gateway/src/search/block-store.ts';
import { FactReader } from '../gateway/src/search/record-facts.ts';
import { RecordIndex } from '../gateway/src/search/record-index.ts';
import type { WantedRecords } from '../gateway/src/search/found.ts';
import { findProtocol } from '../gateway/src/protocols/registry.ts';
import { openSqlite } from '../gateway/src/store/sqlite.ts';
import { decodeLeaf, frameEntries } from '@countersign/ledger/format';
import { printAims } from './aims.ts';
import { FactsInPostgres } from './search-postgres.ts';
import { makeStore } from './search-store.ts';
import { percentile, printMachine, printTable, thousands } from './table.ts';

const recordsDefault = 500_000;
const rounds = 20;
const limit = 50;

interface AnalystQuestion {
  readonly query: string;
  readonly answer?: WantedRecords['answer'];
  /** A pattern of `grep` over the facts as NDJSON that finds about the same. */
  readonly grep: string;
  /** Statements that ask the table of `search-postgres.ts` for as much: the lines of the answer, and how many records there are. */
  readonly sql: string;
}

const newest = (where: string): string => `SELECT facts FROM facts WHERE ${where} ORDER BY time DESC LIMIT ${limit}; SELECT count(*) FROM facts WHERE ${where}`;
const ago = (byMs: number): string => `(extract(epoch FROM now()) * 1000 - ${byMs})::bigint`;

/** The questions of an analyst. */
const questions: Readonly<Record<string, AnalystQuestion>> = {
  'everything touching a model': {
    query: 'model:gpt-4o* kind:(prompt or output or change) since:90d',
    grep: '"model":\\["gpt-4o[^"]*"\\].*"kind":\\[[^]]*"(prompt|output|change)"',
    sql: newest(`model LIKE 'gpt-4o%' AND kinds && '{prompt,output,change}' AND time >= ${ago(90 * 86_400_000)}`),
  },
  'who read a table': {
    query: 'table:customers effect:read kind:statement',
    answer: { countBy: 'principal' },
    grep: '"table-read":\\["public.customers"\\]',
    sql: "SELECT principal, count(*) FROM facts WHERE reads @> '{public.customers}' AND kinds @> '{statement}' GROUP BY principal ORDER BY 2 DESC",
  },
  'sessions that returned a class': {
    query: 'class:card',
    answer: 'sessions',
    grep: '"class":\\[[^]]*"card"',
    sql: `SELECT session, count(*) FROM facts WHERE classes @> '{card}' GROUP BY session ORDER BY max(time) DESC LIMIT ${limit}; SELECT count(*) FROM facts WHERE classes @> '{card}'`,
  },
  'one agent in one hour': {
    query: 'principal:agent-7 time:>=1h',
    grep: '"principal":\\["agent-7"\\]',
    sql: newest(`principal = 'agent-7' AND time >= ${ago(3_600_000)}`),
  },
  'words in a text': {
    query: '"refund policy" kind:prompt',
    grep: 'refund policy',
    sql: newest("to_tsvector('simple', text) @@ phraseto_tsquery('simple', 'refund policy') AND kinds @> '{prompt}'"),
  },
};

/** Prints how fast the index of records is made, how large it is, and how long questions take. `search RECORDS` says over how many records. */
export async function benchSearch([records = String(recordsDefault)]: readonly string[]): Promise<void> {
  printMachine();
  const data = mkdtempSync(join(tmpdir(), 'countersign-bench-search-'));
  try {
    await makeStore(data, Number(records));
    const made = await measureIndex(data);
    const journalBytes = bytesIn(join(data, 'journal'));
    const indexBytes = statSync(join(data, 'records.db')).size;
    await using postgres = await FactsInPostgres.load(factsFile(data));
    console.log(`${thousands(made.records)} records, ${thousands(journalBytes / 1e6)} MB of journal\n`);
    printTable([
      ['index', ''],
      ['records a second of one core', thousands(made.records / made.seconds)],
      ['bytes a record', (indexBytes / made.records).toFixed(1)],
      ['of the journal', `${((100 * indexBytes) / journalBytes).toFixed(1)} %`],
      ['the same facts in PostgreSQL, with indexes: bytes a record', (postgres.bytes / made.records).toFixed(1)],
      ['records a second, loading them there', thousands(made.records / postgres.seconds)],
    ]);
    console.log('');
    const worst = await measureQuestions(data, postgres);
    printAims([
      { text: 'records a second of one core', measured: made.records / made.seconds, least: 20_000 },
      { text: 'index, as a part of the journal', measured: indexBytes / journalBytes, most: 0.2 },
      { text: 'p95 of the slowest question, ms', measured: worst.answerMs, most: 1000 },
      { text: 'p95 of its first line, ms', measured: worst.firstMs, most: 200 },
    ]);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** Makes the index from the journal. Also writes the facts as NDJSON, for `grep`, outside of what is measured. */
async function measureIndex(data: string): Promise<{ readonly records: number; readonly seconds: number }> {
  const { keys } = await openStore(data, {}, false);
  using database = openSqlite(join(data, 'records.db'), { journal: 'wal' });
  const store = new BlockStore(database, { heads: keys.cacheKey(), ofBucket: (bucket) => keys.indexKey(parseBucket(bucket)) });
  const index = new RecordIndex({ data, keys, store, findProtocol, recall: () => Promise.resolve(null) });
  const begun = process.cpuUsage();
  await index.rebuild();
  const { user, system } = process.cpuUsage(begun);
  await writeFacts(data, keys);
  keys[Symbol.dispose]();
  return { records: index.size, seconds: (user + system) / 1e6 };
}

async function writeFacts(data: string, keys: ConstructorParameters<typeof SessionOpener>[0]): Promise<void> {
  const file = createWriteStream(factsFile(data));
  const live = new Map<string, { readonly opener: SessionOpener; readonly facts: FactReader }>();
  for await (const step of readJournal(data, journalStart)) {
    for (const entry of isPlacedFrame(step) && step.frame.header.type === 'batch' ? frameEntries(step.frame) : []) {
      const leafBytes = entry.leaf.slice();
      const leaf = decodeLeaf(leafBytes);
      const session = live.get(leaf.session) ?? { opener: new SessionOpener(keys), facts: new FactReader(findProtocol) };
      live.set(leaf.session, session);
      const { facts, text } = session.facts.read(await session.opener.open({ leaf, leafBytes, entry }), new Set());
      if (!file.write(`${JSON.stringify({ time: facts.timeMs, ...Object.fromEntries(facts.values), text })}\n`)) {
        await new Promise((resolve) => file.once('drain', resolve));
      }
      if (leaf.kind === 'close') {
        live.delete(leaf.session);
      }
    }
  }
  await new Promise((resolve) => file.end(resolve));
}

async function measureQuestions(data: string, postgres: FactsInPostgres): Promise<{ readonly answerMs: number; readonly firstMs: number }> {
  const { keys, root } = await openStore(data, {}, false);
  const thread = pathToFileURL(join(import.meta.dirname, '..', 'gateway', 'src', 'reader-thread.ts'));
  const fail = (error: unknown): void => {
    throw error;
  };
  await using reader = await Reader.open({ data, thread, root, cacheKey: keys.cacheKey(), written: () => 0, onTrouble: fail, onDifference: fail });
  const checkpoint = newestCheckpoint(data);
  const rows = [['question', 'records', 'first line p95', 'all p50', 'all p95', 'PostgreSQL p50', 'p95', 'grep over NDJSON']];
  const worst = { answerMs: 0, firstMs: 0 };
  await reader.state.whenWhole(600_000);
  for (const [name, { query, answer = 'records', grep, sql }] of Object.entries(questions)) {
    const firsts: number[] = [];
    const alls: number[] = [];
    let count = 0;
    // The first round loads what the thread needs for any search.
    for (let round = 0; round <= rounds; round++) {
      const begun = performance.now();
      let first = 0;
      let text = '';
      for await (const piece of reader.search({
        query,
        besides: [],
        nowMs: Date.now(),
        checkpoint,
        limit,
        before: null,
        answer,
        sight: wholeSight,
      })) {
        first ||= performance.now() - begun;
        text += Buffer.from(piece).toString();
      }
      ({ count } = Object.assign({ count: 0 }, JSON.parse(text.trimEnd().split('\n').at(-1) ?? '').summary));
      if (round > 0) {
        firsts.push(first);
        alls.push(performance.now() - begun);
      }
    }
    await postgres.ask(sql);
    const asked: number[] = [];
    for (let round = 0; round < rounds; round++) {
      asked.push(await postgres.ask(sql));
    }
    worst.answerMs = Math.max(worst.answerMs, percentile(alls, 0.95));
    worst.firstMs = Math.max(worst.firstMs, percentile(firsts, 0.95));
    rows.push([
      name,
      thousands(count),
      ...[percentile(firsts, 0.95), percentile(alls, 0.5), percentile(alls, 0.95), percentile(asked, 0.5), percentile(asked, 0.95), grepMs(data, grep)].map(ms),
    ]);
  }
  keys[Symbol.dispose]();
  printTable(rows);
  return worst;
}

function newestCheckpoint(data: string): WantedRecords['checkpoint'] {
  const note = readFileSync(join(data, 'log', 'checkpoint'), 'utf8');
  return { note, size: Number(note.split('\n')[1]) };
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

function bytesIn(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).blocks * 512, 0);
}
