import type { KeyObject } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Alert } from '../alerts/alert.ts';
import { isEverything } from '../query/query.ts';
import { makeBundle, makeReceipt, openLog } from '../feed/evidence.ts';
import type { Follower } from '../feed/follower.ts';
import { readLeftActivities } from '../feed/left-activities.ts';
import { readUsage, type LimitPolicies, type LimitRules } from '../feed/recorded-usage.ts';
import type { SessionIndex } from '../feed/session-index.ts';
import type { Recordings } from '../feed/recordings.ts';
import { findReviews } from '../search/reviews.ts';
import { findSavedSearches } from '../search/saved-searches.ts';
import type { RecordSearch } from '../search/record-search.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { compareIn } from './compare-in.ts';
import { evidenceIn } from './evidence-in.ts';
import { exportLines } from './export-lines.ts';
import type { IndexRebuilt, Question } from './questions.ts';
import { traceIn } from './trace-in.ts';
import { viewOf } from './view-of.ts';

/** A piece is sent when it has this many characters, or when the next text is not there yet. */
const pieceCharacters = 64 * 1024;

export interface AnswerParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: SessionIndex;
  readonly follower: Follower;
  readonly recordings: Recordings;
  /** Opens the index of records when it is needed for the first time. */
  readonly openSearch: () => Promise<RecordSearch>;
  /** Returns the alerts as far as they are known, oldest first. */
  readonly alerts: () => Promise<readonly Alert[]>;
  /** Drops what the index of records has, in memory and stored, of records whose keys were destroyed. */
  readonly dropErasedRecords: (from: number | null) => Promise<void>;
  /** Gives a root secret to the thread of the index of records. */
  readonly shareRoot: (next: KeyObject) => Promise<void>;
  /** Called before anything is rendered. */
  readonly loadProtocols: () => Promise<void>;
  /** Called when limits are to be counted that policies brought later than the requests were made. */
  readonly loadRules: (policies: LimitPolicies) => Promise<LimitRules>;
}

/** Answers a question, in pieces that may be sent to another thread. `left` aborts when nobody waits for the rest. */
export async function* answerQuestion(parts: AnswerParts, question: Question, left: AbortSignal): AsyncGenerator {
  const { data, keys, index, follower, recordings, loadProtocols } = parts;
  switch (question.ask) {
    case 'find':
      yield isEverything(question.seen)
        ? await recordings.find(question.session)
        : await (await parts.openSearch()).findSession(question.session, question.seen);
      break;
    case 'covers':
      yield isEverything(question.seen) || (await (await parts.openSearch()).covers(question.session, question.seen));
      break;
    case 'locate':
      yield isEverything(question.seen) ? await recordings.locate(question.index) : await (await parts.openSearch()).locate(question.index, question.seen);
      break;
    case 'locatePolicy':
      yield await recordings.locatePolicy(question.version);
      break;
    case 'list':
      yield* inPieces(jsonLines(isEverything(question.seen) ? recordings.list(question.page) : (await parts.openSearch()).list(question.page, question.seen)));
      break;
    case 'show':
      await loadProtocols();
      yield* inPieces(jsonLines(recordings.show(question.found, question.only, await viewOf(parts, question))));
      break;
    case 'trace':
      await loadProtocols();
      yield await traceIn(parts, question);
      break;
    case 'compare':
      await loadProtocols();
      yield* inPieces(jsonLines(compareIn(parts, question)));
      break;
    case 'watch':
      await loadProtocols();
      yield* inPieces(jsonLines(recordings.watch(question.found, left, await viewOf(parts, question))));
      break;
    case 'bytes':
      for await (const bytes of recordings.bytes(recordings.extentOf(question.found), question.range)) {
        // The piece is a copy, because the bytes may be a view of memory that holds more.
        yield Uint8Array.from(bytes);
      }
      break;
    case 'bundle':
      yield* inPieces(
        makeBundle(await openLog(data), keys, recordings.extentOf(question.found), {
          checkpoint: question.checkpoint,
          findPolicy: question.policies ? async (version) => recordings.findPolicy(version) : null,
        }),
      );
      break;
    case 'sessionsWith':
      yield await (await parts.openSearch()).sessionsWith(question.wanted);
      break;
    case 'evidence':
      await loadProtocols();
      yield* inPieces(evidenceIn(parts, question.wanted));
      break;
    case 'receipt':
      yield await makeReceipt(await openLog(data), question.checkpoint, question.index);
      break;
    case 'usage':
      yield* readUsage(parts, question.wanted, left);
      break;
    case 'activities':
      yield* readLeftActivities({ data, keys, index, follower }, question.wanted, left);
      break;
    case 'search':
      yield* inPieces(jsonLines((await parts.openSearch()).search(question.wanted)));
      break;
    case 'export':
      yield* inPieces(jsonLines(exportLines((await parts.openSearch()).inOrder(question.wanted, left), question.form)));
      break;
    case 'alerts':
      yield await parts.alerts();
      break;
    case 'sessions':
      yield* inPieces(jsonLines((await parts.openSearch()).sessions(question.wanted)));
      break;
    case 'reviews':
      yield await findReviews(await parts.openSearch(), question.wanted);
      break;
    case 'verified':
      yield* (await parts.openSearch()).verified(question.query, question);
      break;
    case 'secrets':
      yield* (await parts.openSearch()).secrets(question.wanted);
      break;
    case 'erasable':
      yield await (await parts.openSearch()).erasable(question.wanted);
      break;
    case 'savedSearches':
      yield await findSavedSearches(await parts.openSearch(), question);
      break;
    case 'keptSecrets':
      yield await keys.countSecrets();
      break;
    case 'rebuild': {
      await follower.rebuild();
      await (await parts.openSearch()).rebuild();
      const { sessions, size } = follower.position;
      yield { sessions, records: size } satisfies IndexRebuilt;
      break;
    }
    case 'dropErased':
      await follower.dropErased();
      await parts.dropErasedRecords(question.from);
      yield null;
      break;
    case 'expectRoot':
      keys.expectRoot(question.next);
      await parts.shareRoot(question.next);
      yield null;
      break;
    default:
      question satisfies never;
  }
}

/** Writes each row as a line of JSON. */
async function* jsonLines(rows: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const row of rows) {
    yield `${JSON.stringify(row)}\n`;
  }
}

/** Joins texts into pieces of UTF-8. Each piece ends where a text ends and owns its memory. An error comes after all texts that were made before it. */
async function* inPieces(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const iterator = texts[Symbol.asyncIterator]();
  let held = '';
  let next = iterator.next();
  try {
    for (;;) {
      const step = held === '' ? await next : await Promise.race([next, nextTurn(null)]);
      if (step === null || (step.done === true && held !== '') || held.length >= pieceCharacters) {
        yield encoder.encode(held);
        held = '';
        continue;
      }
      if (step.done === true) {
        return;
      }
      held += step.value;
      next = iterator.next();
    }
  } catch (error) {
    if (held !== '') {
      yield encoder.encode(held);
    }
    throw error;
  } finally {
    await iterator.return?.();
  }
}
