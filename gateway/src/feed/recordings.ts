import { countOf } from '../domain/count-of.ts';
import { decodeLeaf, segmentName } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { OpenedRecord } from '../domain/record.ts';
import type { SessionPage, SessionSummary, ShownRecord } from './shown-record.ts';
import type { MessageRange } from '../recording/message-bytes.ts';
import { Turn } from '../recording/turn.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { readMessageBytes } from '../recording/message-bytes.ts';
import { readSession, SessionOpener, SessionWalk, type SessionExtent } from '../recording/session-reader.ts';
import { findLeaf, type PolicyPlace } from './evidence.ts';
import type { Follower } from './follower.ts';
import { sayBehind } from './index-state.ts';
import { IndexDiffers } from './row-seals.ts';
import { summarize, type IndexedSession, type SessionIndex } from './session-index.ts';
import { Timeline, type FindProtocol } from './timeline.ts';

/** A question waits at most this long for an index that is not whole. */
const questionMs = 2000;

export interface RecordingsParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: SessionIndex;
  readonly follower: Follower;
  readonly findProtocol: FindProtocol;
  /**
   * Number of records that the gateway in this process has written. While it runs, an open session need not be searched for its end. Null if no gateway runs in
   * this process.
   */
  readonly written: (() => number) | null;
  /**
   * Number of records under the published checkpoint: the journal must reach that far. 0 if the gateway in this process writes the journal. Rejects if the
   * checkpoint is damaged.
   */
  readonly published: Promise<number>;
  /** Told when the index did not agree with the journal, and is made again. */
  readonly onDifference: (what: string) => void;
}

/** A record that was found: its session, and its number there. */
export interface FoundRecord {
  readonly found: IndexedSession;
  readonly seq: number;
}

/** Makes of each record of a session, in order, what is shown of it; null: nothing. `needed` are the indexes in the log of those without which it cannot be opened. */
export type ShowRecord = (record: OpenedRecord, needed: ReadonlySet<number>) => ShownRecord | null;

/** The error for a session that there is not, or of which nothing may be seen. */
export function noSession(id: string): GatewayError {
  return new GatewayError('not_found', `There is no session ${id.slice(0, 64)}: countersign session list names them.`);
}

/** A session that is being read, from its beginning on. */
interface Reading {
  readonly walk: SessionWalk;
  readonly opener: SessionOpener;
  readonly show: ShowRecord;
}

/** Reads recordings. The index says where to look; the journal says what is there. */
export class Recordings {
  readonly #parts: RecordingsParts;
  #isBehind = false;

  constructor(parts: RecordingsParts) {
    this.#parts = parts;
  }

  /** Lists sessions. Throws GatewayError `not_found`, `catching_up`; and `store_damaged`, after the sessions that are there. */
  async *list(page: SessionPage): AsyncGenerator<SessionSummary> {
    for await (const session of this.sessions(page)) {
      yield summarize(session);
    }
  }

  /** Yields the sessions of a page as the index has them. A session counts for the limit if it is wanted. Throws as `list` does. */
  async *sessions(
    { which, after, begin, order, limit = Infinity }: SessionPage,
    isWanted: (session: IndexedSession) => boolean = () => true,
  ): AsyncGenerator<IndexedSession> {
    if (begin !== undefined) {
      yield* await this.#trusted(() => this.#parts.index.beginningWith(begin));
      return;
    }
    let last = after === undefined ? null : (await this.find(after)).id;
    let left = limit;
    const turn = new Turn();
    for (;;) {
      const page = await this.#trusted(() => this.#parts.index.page(last, order));
      for (const session of page) {
        if (left > 0 && (which === 'all' || !session.own) && isWanted(session)) {
          left -= 1;
          yield session;
        }
        await turn.spend(0);
      }
      last = page.at(-1)?.id ?? last;
      if (page.length === 0 || left === 0) {
        break;
      }
    }
    await this.#requireWhole();
  }

  /** Finds a session. Rejects with GatewayError `not_found` or `catching_up`. */
  async find(id: string): Promise<IndexedSession> {
    const session = await this.#trusted(() => this.#parts.follower.findLive(id) ?? this.#parts.index.find(id));
    if (session === null) {
      throw noSession(id);
    }
    return session;
  }

  /** Yields the records that the session had when it was found, or the one with the number `only`. Throws GatewayError `store_damaged`, after the records that are whole. */
  async *show(found: IndexedSession, only: number | null = null, show: ShowRecord = this.whole()): AsyncGenerator<ShownRecord> {
    // All are read up to the one that is wanted, because it may repeat parts of earlier ones.
    for await (const record of this.#show(this.#begin(found.session, show), this.extentOf(found))) {
      if (only === null || record.seq === only) {
        yield record;
      }
      if (only !== null && record.seq >= only) {
        return;
      }
    }
  }

  /** Finds a record by its index in the log. Rejects with GatewayError `not_found`, `catching_up` or `store_damaged`. */
  async locate(index: number): Promise<FoundRecord> {
    await this.#whole();
    await this.#catchUp();
    const { size } = this.#parts.follower.position;
    if (index >= size) {
      throw new GatewayError('not_found', `There is no record ${index}: the log has ${countOf(size, 'record')}.`);
    }
    const { session, sessionSeq } = decodeLeaf(await findLeaf(this.#parts.data, index));
    return { found: await this.find(session), seq: sessionSeq };
  }

  /** Finds the record of a version of the policies. Rejects with GatewayError `not_found` or `catching_up`. */
  async locatePolicy(version: string): Promise<FoundRecord> {
    const place = await this.#trusted(() => this.#parts.index.policyRecord(version));
    if (place === null) {
      throw new GatewayError('not_found', `No policies of the version ${version.slice(0, 64)} are on record.`);
    }
    return { found: await this.find(place.session), seq: place.seq };
  }

  /** Finds the record of a version of the policies for a bundle; null if it is not there. Rejects with GatewayError `catching_up`. */
  async findPolicy(version: string): Promise<PolicyPlace | null> {
    const place = await this.#trusted(() => this.#parts.index.policyRecord(version));
    return place === null ? null : { extent: this.extentOf(await this.find(place.session)), seq: place.seq };
  }

  /** Yields the records as `show` does, then each new record as it comes, until the session closes or the signal aborts. */
  async *watch(found: IndexedSession, signal: AbortSignal, show: ShowRecord = this.whole()): AsyncGenerator<ShownRecord> {
    const reading = this.#begin(found.session, show);
    yield* this.#show(reading, this.extentOf(found));
    while (!signal.aborted && !reading.walk.isClosed) {
      const now = await this.find(found.session);
      if (now.records > reading.walk.next) {
        yield* this.#show(reading, this.extentOf(now));
      } else {
        await this.#parts.follower.progress(signal);
      }
    }
  }

  /** Returns a function that shows all of each record; with `hasTables`, rows as tables too. */
  whole(hasTables = false): ShowRecord {
    const timeline = new Timeline(this.#parts.findProtocol, { hasTables });
    return (record) => timeline.show(record);
  }

  #begin(session: string, show: ShowRecord): Reading {
    return { walk: new SessionWalk(session), opener: new SessionOpener(this.#parts.keys), show };
  }

  /** Yields the records that the reading has not passed yet. */
  async *#show({ walk, opener, show }: Reading, extent: SessionExtent): AsyncGenerator<ShownRecord> {
    const turn = new Turn();
    let mismatch: number | null = null;
    for await (const raw of readSession(this.#parts.data, extent, walk)) {
      const record = opener.open(raw);
      const shown = show(record, opener.needed);
      if (shown !== null) {
        mismatch ??= record.withheld === 'mismatch' ? record.seq : null;
        yield shown;
      }
      await turn.spend(2 * (record.content?.length ?? 0));
    }
    if (!walk.isClosed) {
      await this.#requireReached();
    }
    if (mismatch !== null) {
      throw new GatewayError(
        'store_damaged',
        `Record ${mismatch} of session ${extent.session}, and whatever else is withheld as a mismatch, is not what its leaf commits to.`,
      );
    }
  }

  /** Yields the recorded bytes of the messages in the range. Throws GatewayError `not_found` or `store_damaged`. */
  async *bytes(extent: SessionExtent, range: MessageRange): AsyncGenerator<Uint8Array> {
    const { data, keys } = this.#parts;
    let failure: { readonly cause: unknown } | null = null;
    try {
      yield* readMessageBytes(data, extent, new SessionOpener(keys), range);
    } catch (cause) {
      failure = { cause };
    }
    if (extent.state === 'open') {
      await this.#requireReached();
    }
    if (failure !== null) {
      throw failure.cause;
    }
  }

  extentOf({ id, session, records, closedMs }: IndexedSession): SessionExtent {
    const state = closedMs !== null ? 'closed' : this.#parts.written !== null ? 'live' : 'open';
    return { session, records, state, parts: (seq) => this.#parts.index.parts(id, seq) };
  }

  /** Asks the index. If the index does not agree with the journal, it is made again and asked again. */
  async #trusted<Result>(ask: () => Result): Promise<Result> {
    const { follower, written, onDifference } = this.#parts;
    await this.#whole();
    await this.#catchUp();
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof IndexDiffers)) {
        throw error;
      }
      onDifference(error.message);
      const made = follower.rebuild();
      await (written === null ? made : Promise.race([made, this.#whole()]));
      return ask();
    }
  }

  /** Waits until the index is whole. Rejects with GatewayError `catching_up` if that takes too long. */
  async #whole(): Promise<void> {
    const { follower, written } = this.#parts;
    if (!(await follower.state.whenWhole(questionMs))) {
      throw new GatewayError('catching_up', `${sayBehind(follower.state, written?.() ?? 0)} Ask again in a moment.`);
    }
  }

  /** Brings the index up to date. On a full disk the index stays as it is: its sessions can be read, and little new is recorded. */
  async #catchUp(): Promise<void> {
    try {
      await this.#parts.follower.catchUp();
      this.#isBehind = false;
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'cannot_record')) {
        throw error;
      }
      this.#isBehind = true;
    }
  }

  async #requireReached(): Promise<void> {
    const { follower } = this.#parts;
    if (this.#isBehind) {
      return;
    }
    const { size, segment, offset } = follower.position;
    const published = await this.#parts.published;
    if (size < published) {
      throw new GatewayError(
        'store_damaged',
        `The journal is damaged in ${segmentName(segment)} at offset ${offset}: it ends after ${countOf(size, 'record')}, but a checkpoint over ${published} was given out. The records after it are missing.`,
      );
    }
  }

  async #requireWhole(): Promise<void> {
    await this.#requireReached();
    const [first, ...more] = this.#parts.index.damage();
    if (first !== undefined) {
      const others = more.length === 0 ? '' : ` and ${more.length} more ${more.length === 1 ? 'place' : 'places'}`;
      throw new GatewayError(
        'store_damaged',
        `The journal is damaged in ${segmentName(first.segment)} at offset ${first.offset}${others}: ${first.what}. Sessions may be missing from the list, or records from them.`,
      );
    }
  }
}
