/** Asks the reader of a data directory the questions of `search-questions.ts`, in a process of its own, whose memory is then that of searches. `search-asked.ts DATA ROUNDS` prints an `AskedResult`. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { wholeSight } from '../gateway/src/access/rights.ts';
import { GatewayError } from '../gateway/src/domain/errors.ts';
import { Reader } from '../gateway/src/reader/reader.ts';
import { openStore } from '../gateway/src/recording/open-store.ts';
import type { WantedRecords } from '../gateway/src/search/found.ts';
import { questions, type AnalystQuestion } from './search-questions.ts';

export interface AskedResult {
  /** The answers by the names of the questions: how many records there are, and for each round the ms to the first piece of the answer and to its end. */
  readonly asked: Readonly<Record<string, { readonly count: number; readonly firstMs: readonly number[]; readonly allMs: readonly number[] }>>;
  /** Bytes of resident memory before the first question, and the most that there ever were. */
  readonly restBytes: number;
  readonly mostBytes: number;
}

const retryMs = 100;

const [data = '', rounds = ''] = process.argv.slice(2);
const {
  keys,
  root: { secret: root },
} = await openStore(data, {}, false);
const thread = pathToFileURL(join(import.meta.dirname, '..', 'gateway', 'src', 'reader-thread.ts'));
const fail = (error: unknown): void => {
  throw error;
};
const reader = await Reader.open({ data, thread, root, cacheKey: keys.cacheKey(), written: () => 0, onTrouble: fail, onDifference: fail });
await reader.state.whenWhole(Infinity);
const note = readFileSync(join(data, 'log', 'checkpoint'), 'utf8');
const checkpoint: WantedRecords['checkpoint'] = { note, size: Number(note.split('\n')[1]) };

interface Asked {
  readonly count: number;
  readonly firstMs: number;
  readonly allMs: number;
}

async function ask({ query, answer, limit }: AnalystQuestion): Promise<Asked> {
  const begun = performance.now();
  let firstMs = 0;
  let text = '';
  for await (const piece of reader.search({ query, besides: [], nowMs: Date.now(), checkpoint, limit, before: null, answer, sight: wholeSight })) {
    firstMs ||= performance.now() - begun;
    text += Buffer.from(piece).toString();
  }
  const allMs = performance.now() - begun;
  const { count } = Object.assign({ count: 0 }, JSON.parse(text.trimEnd().split('\n').at(-1) ?? '').summary);
  return { count, firstMs, allMs };
}

/** Asks again as long as a thread is still being started. */
async function askPatiently(question: AnalystQuestion): Promise<Asked> {
  for (;;) {
    try {
      return await ask(question);
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'catching_up')) {
        throw error;
      }
      await delay(retryMs);
    }
  }
}

const asked: Record<string, AskedResult['asked'][string]> = {};
const restBytes = process.memoryUsage.rss();
for (const [name, question] of Object.entries(questions)) {
  // The first time is not counted: it loads what the thread needs for any search.
  const { count } = await askPatiently(question);
  const each: Asked[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    each.push(await askPatiently(question));
  }
  asked[name] = { count, firstMs: each.map(({ firstMs }) => firstMs), allMs: each.map(({ allMs }) => allMs) };
}
const mostBytes = process.resourceUsage().maxRSS * 1024;
await reader[Symbol.asyncDispose]();
keys[Symbol.dispose]();
process.stdout.write(JSON.stringify({ asked, restBytes, mostBytes } satisfies AskedResult));
