import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { wholeSight, type Sight } from '../access/rights.ts';
import { decodeLeaf } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { findLeaf, openCheckpoint, openLog, Prover, type HiddenBodies } from '../feed/evidence.ts';
import type { GovernanceRecords } from '../feed/evidence-archive.ts';
import { noSession, type FoundRecord as LocatedRecord, type Recordings, type ShowRecord } from '../feed/recordings.ts';
import type { Erasable, WantedErasable } from '../recording/erasable.ts';
import type { FoundSecret, FoundSecrets, WantedSecrets } from '../recording/found-secrets.ts';
import { IndexDiffers } from '../feed/row-seals.ts';
import type { IndexedSession } from '../feed/session-index.ts';
import type { SessionPage, SessionSummary } from '../feed/shown-record.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import { matches } from '../query/matches.ts';
import { parseField } from '../query/parse-query.ts';
import { both, either, everything, isEverything, isNothing, specialFields, termsOf, type Query } from '../query/query.ts';
import type { DaySpan, KeyStore } from '../recording/key-store.ts';
import { startOf } from '../recording/retention.ts';
import { readSession, SessionOpener, SessionWalk } from '../recording/session-reader.ts';
import { Turn, turnBytesMax } from '../recording/turn.ts';
import type { Block } from './block.ts';
import { findErasable } from './erasable-records.ts';
import { blockCost, findRows, isExact } from './find-rows.ts';
import type {
  CountedValue,
  ExportedRecord,
  FoundRecord,
  FoundSession,
  SearchLine,
  SessionOverview,
  WantedExport,
  WantedRecords,
  WantedSessions,
} from './found.ts';
import { findHiddenBodies, type Hiding } from './hidden-bodies.ts';
import { Pass } from './pass.ts';
import { FactReader, type ReadRecord } from './record-facts.ts';
import { orMalformed, readQuery } from './read-query.ts';
import type { SearchedIndex } from './searched-index.ts';
import { RecordOpener, type OpenedAlone, type RecordOpenerParts, type SealingSecrets } from './record-opener.ts';
import { RowSet } from './row-set.ts';
import { SecretsAlong } from './secrets-along.ts';
import { overviewsOf, summariesOf, type WantedOverviews } from './session-overviews.ts';
import { sees, viewOf, type Boundary } from './sight.ts';
import { snippetOf } from './snippet.ts';

/** A search waits at most this long for the newest records when many are missing, and says how many. */
const catchUpMs = 2000;
/** So few missing records take no time but that in which a busy machine lets the index wait, so a search rather waits too than leaves them out. */
const fewMissing = 1000;
const busyMs = 10_000;
/** An export that follows the record looks for new ones this often. */
const followMs = 500;
/** Most different sessions, or values, that an answer counts. */
const countedMax = 100_000;
/** So many sessions are looked for in the index together. */
const togetherMax = 200;

export interface RecordSearchParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: SearchedIndex;
  readonly recordings: Recordings;
  readonly findProtocol: FindProtocol;
  readonly boundary: Boundary;
  /** Returns the number of the key of a session; null: it has none. */
  readonly keyOf: RecordOpenerParts['keyOf'];
  /** Returns the number of records in the log. */
  readonly written: () => number;
  /** Told when the index was changed from outside, and is made again. */
  readonly onDifference: (what: string) => void;
}

/** Searches the records. The index says which may be meant; each record of the answer is opened, and compared with its leaf and with the query. */
export class RecordSearch {
  readonly #parts: RecordSearchParts;

  constructor(parts: RecordSearchParts) {
    this.#parts = parts;
  }

  /** Waits until the index has everything that was recorded before the call. Resolves with false if that takes too long, or if something cannot be read or stored now: the index then stays as it is. */
  async catchUp(): Promise<boolean> {
    const { index } = this.#parts;
    const caughtUp = index.catchUp().then(
      () => index.isComplete,
      (error: unknown) => {
        if (error instanceof GatewayError && error.code === 'cannot_record') {
          return false;
        }
        throw error;
      },
    );
    // Who does not wait for it any more leaves its failure to the next search.
    caughtUp.catch(() => undefined);
    const isSoon = this.#parts.written() - this.#parts.index.size <= fewMissing;
    return Promise.race([caughtUp, delay(isSoon ? busyMs : catchUpMs, false, { ref: false })]);
  }

  /** Yields what was found, the newest first, and in the end the summary. Throws GatewayError `malformed` if the query cannot be read, `limit_exceeded`, `catching_up`, `store_damaged`. */
  async *search(wanted: WantedRecords): AsyncGenerator<SearchLine> {
    const query = this.#readQuery([wanted.query, ...wanted.besides], wanted);
    yield* this.#fromIndex(() => this.#answer(query, wanted));
  }

  /** Yields sessions. Throws as `search` does, and GatewayError `not_found`. */
  async *sessions(wanted: WantedSessions): AsyncGenerator<SessionOverview> {
    const query = wanted.query === null ? null : this.#readQuery([wanted.query], wanted);
    const began = both(wanted.began.map((text) => readQuery(text, wanted.nowMs)));
    yield* this.#fromIndex(() => this.#list(query, began, wanted));
  }

  /** Yields the verified records for which a query holds that the gateway itself asks, the newest first. Throws as `search` does, also `catching_up` if the index lacks some. */
  async *verified(text: string, { nowMs, checkpoint }: Pick<WantedRecords, 'nowMs' | 'checkpoint'>): AsyncGenerator<FoundRecord> {
    const query = readQuery(text, nowMs);
    const wanted = { limit: Infinity, before: null, sight: wholeSight, checkpoint };
    for await (const found of this.#fromIndex((isCaughtUp) => {
      requireCaughtUp(isCaughtUp);
      return this.#records(this.#pass(query), query, wanted);
    })) {
      if (found.verified) {
        yield found;
      }
    }
  }

  /** Yields the sessions of a page with records that are seen, and of each what is seen of it. Throws as `sessions` does. */
  async *list(page: SessionPage, seen: Query): AsyncGenerator<SessionSummary> {
    yield* this.#fromIndex(() => summariesOf(this.#parts.index, this.#parts.recordings.sessions(page), seen));
  }

  /** Finds a session of which records are seen. Rejects with GatewayError `not_found`, in the same way if there is none and if none of its records is seen. */
  async findSession(session: string, seen: Query): Promise<IndexedSession> {
    if (!(await this.#holdsForAny(both([ofSession(session), seen])))) {
      throw noSession(session);
    }
    return this.#parts.recordings.find(session);
  }

  /** Returns whether all records of a session are seen. */
  async covers(session: string, seen: Query): Promise<boolean> {
    return !(await this.#holdsForAny(both([ofSession(session), { is: 'not', part: seen }])));
  }

  /** Finds a record that is seen by its index in the log. Rejects with GatewayError `not_found`, in the same way if there is none. */
  async locate(index: number, seen: Query): Promise<LocatedRecord> {
    for await (const isSeen of this.#fromIndex((isCaughtUp) => this.#holdsAt(index, seen, isCaughtUp))) {
      if (isSeen) {
        return this.#parts.recordings.locate(index);
      }
    }
    throw new GatewayError('not_found', `There is no record ${index}.`);
  }

  /** Yields the records for which a query holds, the oldest first, and with `follows` those that are recorded until the signal aborts. Throws as `search` does. */
  async *inOrder(wanted: WantedExport, left: AbortSignal): AsyncGenerator<ExportedRecord> {
    const query = this.#readQuery([wanted.query, ...wanted.besides], wanted);
    let from = wanted.from;
    do {
      for await (const exported of this.#fromIndex(() => this.#from(query, { ...wanted, from }))) {
        from = exported.index + 1;
        yield exported;
        if (left.aborted) {
          return;
        }
      }
      await delay(wanted.follows ? followMs : 0, null, { ref: false, signal: left }).catch(() => undefined);
    } while (wanted.follows && !left.aborted);
  }

  async *#from(query: Query, { from, sight, checkpoint }: WantedExport): AsyncGenerator<ExportedRecord> {
    const { data, keys, index: records, findProtocol, keyOf, boundary } = this.#parts;
    const log = await openLog(data);
    const prover = new Prover(log, await openCheckpoint(log, checkpoint.note));
    const turn = new Turn();
    const blocks = [...records.blocks()].filter(({ next }) => next > from);
    // A block that was looked into is let go, with what was opened of it.
    for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
      using opener = new RecordOpener({ data, keys, findProtocol, blockOf: (at) => records.blockOf(at), keyOf });
      const { first } = block;
      for (const row of [...findRows(query, block, 'most').newestFirst()].toReversed()) {
        const index = first + row;
        const opened = index < from ? null : await this.#open(index, { query, seen: sight.facts }, opener);
        if (opened !== null) {
          const { read, leaf } = opened;
          const shown = sees(sight.content, read) ? read.shown : boundary.factsOf(read.shown);
          const found = foundRecord({ ...read, shown }, { snippet: null, isProven: await prover.holds(index, leaf) });
          yield { index, shown, values: read.facts.values, found };
        }
        await turn.spend(0);
      }
      await turn.spend(blockCost);
    }
  }

  /** Yields the secrets of the records for which a query holds that the gateway itself asks, in the order of the log. Throws as `verified` does. */
  async *secrets(wanted: WantedSecrets): AsyncGenerator<FoundSecrets> {
    const query = readQuery(wanted.query, wanted.nowMs);
    const during = wanted.days === undefined ? query : both([ofDays(wanted.days), query]);
    yield* this.#fromIndex((isCaughtUp) => {
      requireCaughtUp(isCaughtUp);
      return this.#secrets(during, wanted.from);
    });
  }

  async *#secrets(query: Query, from: number): AsyncGenerator<FoundSecrets> {
    for (const block of this.#blocksFrom(from)) {
      const found = new Map<string, FoundSecret>();
      let [count, oldestMs] = [0, Infinity];
      for await (const { leaf, secrets } of this.#sealing(block, query, from)) {
        count += 1;
        oldestMs = Math.min(oldestMs, leaf.timeMs);
        for (const { key, slot, under } of secrets) {
          const name = `${key} ${slot}`;
          found.set(name, { key, slot, under, lastMs: Math.max(leaf.timeMs, found.get(name)?.lastMs ?? 0) });
        }
      }
      yield { secrets: [...found.values()], records: count, oldestMs: count === 0 ? null : oldestMs, next: block.next };
    }
  }

  /** Finds the secrets that seal the records for which a query holds that the gateway itself asks. Rejects as `verified` does, and with GatewayError `limit_exceeded`. */
  async erasable(wanted: WantedErasable): Promise<Erasable> {
    const query = readQuery(wanted.query, wanted.nowMs);
    const found: Erasable[] = [];
    for await (const erasable of this.#fromIndex((isCaughtUp) => {
      requireCaughtUp(isCaughtUp);
      return this.#erasable(query, wanted);
    })) {
      found.push(erasable);
    }
    assert(found[0] !== undefined);
    return found[0];
  }

  async *#erasable(query: Query, wanted: WantedErasable): AsyncGenerator<Erasable> {
    const { recordings, keys } = this.#parts;
    const known = new Map<string, boolean>();
    yield await findErasable(query, wanted, {
      sealing: (of) => this.#allSealing(of),
      isOwn: async (session) => (await recordings.find(session)).own,
      isThere: ({ key, slot, under }) => {
        const name = `${key} ${slot}`;
        const isThere = known.get(name) ?? keys.find(key, slot, under) !== null;
        known.set(name, isThere);
        return isThere;
      },
    });
  }

  async *#allSealing(query: Query): AsyncGenerator<SealingSecrets> {
    for (const block of this.#blocksFrom(0)) {
      yield* this.#sealing(block, query, 0);
    }
  }

  /** Yields the blocks with records from an index of the log on, the oldest first. One that was looked into is let go, with what was opened of it. */
  *#blocksFrom(from: number): Generator<Block> {
    const blocks = [...this.#parts.index.blocks()].filter(({ next }) => next > from);
    for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
      yield block;
    }
  }

  /** Yields the secrets of the records of a block for which a query holds, in the order of the log. */
  async *#sealing(block: Block, query: Query, from: number): AsyncGenerator<SealingSecrets> {
    const { data, keys, index: records, recordings, findProtocol, keyOf } = this.#parts;
    const turn = new Turn();
    await using along = new SecretsAlong(keys, async (session) =>
      readSession(data, recordings.extentOf(await recordings.find(session)), new SessionWalk(session)),
    );
    using opener = new RecordOpener({ data, keys, findProtocol, blockOf: (at) => records.blockOf(at), keyOf });
    for (const row of [...findRows(query, block, 'most').newestFirst()].toReversed()) {
      const index = block.first + row;
      if (index >= from && (isExact(query) || (await this.#open(index, { query, seen: everything }, opener)) !== null)) {
        yield (await opener.secretsOf(index)) ?? (await along.find(decodeLeaf(await findLeaf(data, index)))) ?? unreadable(index);
      }
      await turn.spend(0);
    }
    await turn.spend(blockCost);
  }

  /** Finds the sessions of clients with records for which a query holds, the oldest first. Rejects as `search` does, also `catching_up` if the index lacks some. */
  async sessionsWith(wanted: Pick<WantedRecords, 'query' | 'besides' | 'nowMs' | 'sight' | 'limit'>): Promise<readonly IndexedSession[]> {
    const query = this.#readQuery([wanted.query, ...wanted.besides], wanted);
    const all: IndexedSession[] = [];
    for await (const found of this.#fromIndex((isCaughtUp) => this.#sessionsOf(query, wanted.limit, isCaughtUp))) {
      all.push(found);
    }
    return all.toSorted((a, b) => a.openedMs - b.openedMs || (a.session < b.session ? -1 : 1));
  }

  async *#sessionsOf(query: Query, limit: number, isCaughtUp: boolean): AsyncGenerator<IndexedSession> {
    requireCaughtUp(isCaughtUp);
    let count = 0;
    for (const session of (await valuesOf(this.#pass(query), 'session', countedMax)).keys()) {
      const found = await this.#parts.recordings.find(session);
      if (!found.own) {
        count += 1;
        yield found;
      }
      if (count > limit) {
        throw new GatewayError('limit_exceeded', `There are more than ${limit} such sessions: ask for a shorter time, or narrow the query.`);
      }
    }
  }

  /** Finds the records of some kinds in the gateway's own sessions, in order. Rejects as `sessionsWith` does. */
  async governance(kinds: readonly string[], { before, limit }: { readonly before: number; readonly limit: number }): Promise<readonly GovernanceRecords[]> {
    const { recordings } = this.#parts;
    const query = either(kinds.map((value): Query => ({ is: 'term', field: 'kind', test: { by: 'equal', value } })));
    const bySession = new Map<string, { readonly extent: ReturnType<Recordings['extentOf']>; readonly seqs: number[] }>();
    let count = 0;
    for await (const index of this.#fromIndex((isCaughtUp) => {
      requireCaughtUp(isCaughtUp);
      return candidates(this.#pass(query, before), before);
    })) {
      count += 1;
      if (count > limit) {
        throw new GatewayError('limit_exceeded', `More than ${limit} records say what is kept and what was erased, and a page holds no more.`);
      }
      const { found, seq } = await recordings.locate(index);
      const known = bySession.get(found.session) ?? { extent: recordings.extentOf(found), seqs: [] };
      bySession.set(found.session, known);
      known.seqs.unshift(seq);
    }
    return [...bySession.values()].toReversed();
  }

  /** Finds the bodies of a session that are left out of evidence. */
  async hiddenBodies(extent: ReturnType<Recordings['extentOf']>, hiding: Hiding): Promise<HiddenBodies> {
    return isNothing(hiding.content) && isNothing(hiding.facts)
      ? { content: new Set(), facts: new Set() }
      : findHiddenBodies(this.#readUpTo(extent, Infinity), hiding, this.#parts.boundary);
  }

  viewOf(sight: Sight, hasTables = false): ShowRecord {
    return viewOf(sight, this.#parts, hasTables);
  }

  /** Returns whether a query holds for any record. Rejects with GatewayError `catching_up` if it holds for none of those that are in the index and some are not. */
  async #holdsForAny(query: Query): Promise<boolean> {
    for await (const holds of this.#fromIndex((isCaughtUp) => this.#holdsInBlocks(query, isCaughtUp))) {
      if (holds) {
        return true;
      }
    }
    return false;
  }

  async *#holdsInBlocks(query: Query, isCaughtUp: boolean): AsyncGenerator<boolean> {
    for await (const { rows } of this.#pass(query)) {
      yield !rows.isEmpty;
    }
    requireCaughtUp(isCaughtUp);
  }

  async *#holdsAt(index: number, query: Query, isCaughtUp: boolean): AsyncGenerator<boolean> {
    const block = this.#parts.index.blockOf(index);
    if (block === null) {
      requireCaughtUp(isCaughtUp);
      return;
    }
    const only = new RowSet();
    only.add(index - block.first);
    only.keep(findRows(query, block, 'most'));
    yield !only.isEmpty;
  }

  /** Answers with the index when it has caught up with the journal, or after a while. */
  async *#fromIndex<Line>(answer: (isCaughtUp: boolean) => AsyncGenerator<Line>): AsyncGenerator<Line> {
    const { index } = this.#parts;
    const isCaughtUp = await this.catchUp();
    try {
      yield* answer(isCaughtUp);
    } catch (error) {
      if (!(error instanceof IndexDiffers)) {
        throw error;
      }
      // A part of the answer may be given out already, so it is not begun again.
      this.#parts.onDifference(error.message);
      index.rebuild().catch(() => undefined);
      throw new GatewayError('catching_up', 'The index of records did not agree with the journal, and is being made again. Ask again in a moment.', {
        cause: error,
      });
    }
  }

  /** Makes the index again from the journal. */
  async rebuild(): Promise<void> {
    await this.#parts.index.rebuild();
  }

  async *#answer(query: Query, wanted: WantedRecords): AsyncGenerator<SearchLine> {
    let next: string | null = null;
    const { answer, sight, before } = wanted;
    const pass = this.#pass(query, answer === 'records' ? (before ?? undefined) : undefined);
    if (answer === 'records') {
      next = yield* this.#records(pass, query, wanted);
    } else if (answer === 'sessions') {
      yield* this.#sessions(pass, wanted);
    } else {
      const field = orMalformed(answer.countBy, () => parseField(answer.countBy));
      yield* await this.#values(pass, field, wanted);
    }
    const count = await pass.count();
    const behind = Math.max(0, this.#parts.written() - this.#parts.index.size);
    yield { summary: { count, isExact: isExact(query), behind: behind > 0 && !isEverything(sight.facts) ? null : behind, next } };
  }

  #pass(query: Query, before?: number): Pass {
    return new Pass(query, this.#parts.index.blocks(), before);
  }

  /** Yields the records, and returns where the rest begins. */
  async *#records(
    pass: Pass,
    query: Query,
    { limit, before, sight, checkpoint }: Pick<WantedRecords, 'limit' | 'before' | 'sight' | 'checkpoint'>,
  ): AsyncGenerator<FoundRecord, string | null> {
    const { data, keys, index: records, findProtocol, keyOf, boundary } = this.#parts;
    using opener = new RecordOpener({ data, keys, findProtocol, blockOf: (at) => records.blockOf(at), keyOf });
    const log = await openLog(data);
    const prover = new Prover(log, await openCheckpoint(log, checkpoint.note));
    const turn = new Turn();
    let left = limit;
    for await (const index of candidates(pass, before ?? Infinity)) {
      const opened = await this.#open(index, { query, seen: sight.facts }, opener);
      if (opened !== null) {
        const { read, leaf } = opened;
        const hasContent = sees(sight.content, read);
        yield foundRecord(
          { ...read, shown: hasContent ? read.shown : boundary.factsOf(read.shown) },
          {
            snippet: hasContent ? (askedOf(read.shown) ?? (read.text === '' ? null : snippetOf(read.text, query))) : null,
            isProven: await prover.holds(index, leaf),
          },
        );
        left -= 1;
      }
      if (left === 0) {
        return String(index);
      }
      // The first line does not wait for those after it.
      await turn.spend(left === limit - 1 ? turnBytesMax : 0);
    }
    return null;
  }

  /** Yields the sessions with records that were found, those with the newest first. */
  async *#sessions(pass: Pass, wanted: WantedRecords): AsyncGenerator<FoundSession> {
    const counts = new Map<string, number>();
    const sessions: IndexedSession[] = [];
    for await (const { block, rows, toMs } of pass) {
      const isFull = counts.size === wanted.limit;
      // A session that began later than a block has no records in it, nor in those before it.
      if (isFull && sessions.every(({ openedMs }) => openedMs > toMs)) {
        break;
      }
      for (const { value, count } of countsIn(block, rows, 'session', (session) => !isFull || counts.has(session))) {
        const known = counts.get(value);
        if (known === undefined && counts.size === wanted.limit) {
          continue;
        }
        if (known === undefined) {
          sessions.push(await this.#parts.recordings.find(value));
        }
        counts.set(value, (known ?? 0) + count);
      }
    }
    for await (const overview of this.#overviews(sessions, wanted)) {
      yield { ...overview, found: counts.get(overview.session) ?? 0 };
    }
  }

  async *#list(query: Query | null, began: Query, wanted: WantedSessions): AsyncGenerator<SessionOverview> {
    const { sight, after } = wanted;
    if (after !== undefined && !isEverything(sight.facts)) {
      await this.findSession(after, sight.facts);
    }
    const wantedQuery = query ?? sight.facts;
    const having = isEverything(wantedQuery) ? null : await valuesOf(this.#pass(wantedQuery), 'session', Infinity);
    const isWanted = ({ session, openedMs }: IndexedSession): boolean =>
      having?.has(session) !== false && matches(began, { timeMs: openedMs, values: new Map(), words: [] });
    yield* this.#overviews(this.#parts.recordings.sessions(wanted, isWanted), wanted);
  }

  /** Yields the overviews of sessions. So many at a time are looked for in the index together. */
  async *#overviews(sessions: Iterable<IndexedSession> | AsyncIterable<IndexedSession>, wanted: WantedOverviews): AsyncGenerator<SessionOverview> {
    let some: IndexedSession[] = [];
    for await (const session of sessions) {
      some.push(session);
      if (some.length === togetherMax) {
        yield* overviewsOf(this.#parts, some, wanted);
        some = [];
      }
    }
    yield* overviewsOf(this.#parts, some, wanted);
  }

  async #values(pass: Pass, field: string, { limit, sight }: WantedRecords): Promise<readonly CountedValue[]> {
    const counts = await valuesOf(pass, field, countedMax, this.#parts.boundary.scopeOfField(field, sight.content));
    return [...counts]
      .map(([value, count]) => ({ value, count }))
      .toSorted((a, b) => b.count - a.count)
      .slice(0, limit);
  }

  /** Opens a record by itself, if that is possible and it is then one for which the query holds, otherwise along its session. Returns null if the query does not hold for it. */
  async #open(index: number, wanted: SeenQuery, opener: RecordOpener): Promise<OpenedAlone | null> {
    const alone = await opener.open(index);
    if (alone !== null && holdsFor(alone.read, wanted)) {
      return alone;
    }
    const inSession = await this.#openInSession(index);
    return inSession !== null && holdsFor(inSession.read, wanted) ? inSession : null;
  }

  async #openInSession(index: number): Promise<OpenedAlone | null> {
    const { data, recordings } = this.#parts;
    const leaf = await findLeaf(data, index);
    const { session, sessionSeq } = decodeLeaf(leaf);
    for await (const read of this.#readUpTo(recordings.extentOf(await recordings.find(session)), sessionSeq)) {
      if (read.shown.seq === sessionSeq) {
        return { read, leaf };
      }
    }
    return null;
  }

  async *#readUpTo(extent: ReturnType<Recordings['extentOf']>, seq: number): AsyncGenerator<ReadRecord> {
    const { data, keys, findProtocol } = this.#parts;
    const opener = new SessionOpener(keys);
    const facts = new FactReader(findProtocol);
    const turn = new Turn();
    for await (const raw of readSession(data, extent, new SessionWalk(extent.session))) {
      const read = facts.read(opener.open(raw), opener.needed);
      yield read;
      if (read.shown.seq >= seq) {
        return;
      }
      await turn.spend(read.shown.content?.bytes ?? 0);
    }
  }

  /** Reads a query that somebody asks, as it counts for them. */
  #readQuery(texts: readonly string[], { nowMs, sight }: { readonly nowMs: number; readonly sight: Sight }): Query {
    const { boundary } = this.#parts;
    const query = both(texts.map((text) => readQuery(text, nowMs)));
    if (isNothing(sight.content) && termsOf(query).some(({ field }) => isNothing(boundary.scopeOfField(field, sight.content)))) {
      throw new GatewayError(
        'malformed',
        'Words of the text, and what else is content, are not looked for in a search for facts alone (--no-content), nor for who has no role that reads content.',
      );
    }
    return boundary.seen(query, sight);
  }
}

/** Yields the indexes of the records before one, the newest first. */
async function* candidates(pass: Pass, before: number): AsyncGenerator<number> {
  for await (const { block, rows } of pass) {
    if (block.first >= before) {
      return;
    }
    for (const row of rows.newestFirst()) {
      if (block.first + row < before) {
        yield block.first + row;
      }
    }
  }
}

/** Counts the records with each value of a field, of those for which `scope` holds. The values of the newest records come first. Throws GatewayError `limit_exceeded`. */
async function valuesOf(pass: Pass, field: string, most: number, scope = everything): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { block, rows } of pass) {
    if (!isEverything(scope) && !rows.isEmpty) {
      rows.keep(findRows(scope, block, 'most'));
    }
    for (const { value, count } of countsIn(block, rows, field)) {
      counts.set(value, (counts.get(value) ?? 0) + count);
    }
    if (counts.size > most) {
      throw new GatewayError('limit_exceeded', `More than ${most} values of ${field} are to be counted: narrow the query.`);
    }
  }
  return counts;
}

/** Returns the values of a field that rows have and that are wanted, each with the number of the rows. The values of the newest rows come first. */
function countsIn(block: Block, rows: RowSet, field: string, isWanted?: (value: string) => boolean): readonly CountedValue[] {
  return [...(rows.isEmpty ? [] : block.valuesOf(field, isWanted))]
    .flatMap(({ value, rows: of }) => {
      of.keep(rows);
      const [newest] = of.newestFirst();
      return newest === undefined ? [] : [{ value, newest, count: of.count }];
    })
    .toSorted((a, b) => b.newest - a.newest);
}

/** A query, and the records that are seen, which it does not go beyond. */
interface SeenQuery {
  readonly query: Query;
  readonly seen: Query;
}

/** Returns the query of a record that somebody searched or exported; null for other records. */
function askedOf({ kind, content }: ReadRecord['shown']): string | null {
  if (kind !== 'access' || content === null || content.base64 === undefined) {
    return null;
  }
  const { query }: Readonly<Record<string, unknown>> = JSON.parse(Buffer.from(content.base64, 'base64').toString());
  return typeof query === 'string' ? query : null;
}

/** Asks for the records of some days. */
function ofDays({ first, last }: DaySpan): Query {
  const test = { by: 'range', least: { value: startOf(first), isIn: true }, most: { value: startOf(last + 1), isIn: false } } as const;
  return { is: 'term', field: specialFields.time, test };
}

function ofSession(session: string): Query {
  return { is: 'term', field: 'session', test: { by: 'equal', value: session } };
}

/** For whom a record is not to be lost, one that cannot be read is no reason to go on without it. */
function unreadable(index: number): never {
  throw new GatewayError('store_damaged', `Record ${index} cannot be read, so it is not known which secrets open it. countersign verify --data DIR says more.`);
}

function requireCaughtUp(isCaughtUp: boolean): void {
  if (!isCaughtUp) {
    throw new GatewayError('catching_up', 'The newest records are not in the index yet. Ask again in a moment.');
  }
}

/** Returns whether a record is seen, and a query holds for it or nobody can say because a body of it is missing. */
function holdsFor(read: ReadRecord, { query, seen }: SeenQuery): boolean {
  const { shown, facts } = read;
  return sees(seen, read) && (matches(query, facts) || shown.attributes[ownAttributes.withheld] === 'mismatch');
}

function foundRecord({ shown, facts }: ReadRecord, { snippet, isProven }: { readonly snippet: string | null; readonly isProven: boolean }): FoundRecord {
  const { record, session, seq, time, principal, target, protocol, kind, action, verdict, policies, attributes } = shown;
  return {
    record,
    session,
    seq,
    time,
    // Two persons have a part in some erasures.
    principal: principal ?? facts.values.get('principal')?.join(', ') ?? null,
    onBehalfOf: facts.values.get('on-behalf-of')?.[0] ?? null,
    target,
    protocol,
    kind,
    action,
    verdict,
    policies,
    attributes,
    snippet,
    verified: isProven && attributes[ownAttributes.withheld] !== 'mismatch',
  };
}
