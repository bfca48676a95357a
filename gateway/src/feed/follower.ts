import { bodyStreams, frameBytes } from '@countersign/ledger/journal.ts';
import { encodeHex } from '@countersign/ledger/hex.ts';
import { decodeLeaf, leafKinds, leafOffsets, type Leaf } from '@countersign/ledger/leaf.ts';
import { frameEntries, type Entry } from '@countersign/ledger/segment-reader.ts';
import { targetAttribute, toldAttribute, type RecordMeta } from '../domain/record.ts';
import { chainAt, journalStart, readJournal, type JournalPlace } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { SessionOpener } from '../recording/session-reader.ts';
import type { IndexedSession, IndexedTold, IndexPosition, SessionIndex } from './session-index.ts';

/** Between two looks at the journal when nobody asks. */
const followMs = 500;

interface Followed {
  readonly indexed: IndexedSession;
  readonly opener: SessionOpener;
}

/**
 * Follows the journal and keeps the index, from wherever the index stands: after a crash and in normal service it is the same code. Whoever
 * wants to read something newer asks `catchUp` first.
 */
export class Follower implements AsyncDisposable {
  readonly #data: string;
  readonly #keys: KeyStore;
  readonly #index: SessionIndex;
  readonly #live = new Map<string, Followed>();
  readonly #onTrouble: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #position: JournalPlace;
  #catchingUp: Promise<void> | null = null;
  readonly #watchers = new Set<() => void>();
  #size = 0;

  private constructor(data: string, keys: KeyStore, index: SessionIndex, onTrouble: (error: unknown) => void) {
    this.#data = data;
    this.#keys = keys;
    this.#index = index;
    this.#onTrouble = onTrouble;
    this.#position = index.position() ?? journalStart;
    for (const indexed of index.open()) {
      this.#live.set(indexed.session, { indexed, opener: new SessionOpener(keys, indexed.key) });
    }
    this.#timer = setInterval(() => {
      this.catchUp().catch(onTrouble);
    }, followMs);
    this.#timer.unref();
  }

  static async open(data: string, keys: KeyStore, index: SessionIndex, onTrouble: (error: unknown) => void): Promise<Follower> {
    const position = index.position();
    if (position === null || !(await chainAt(data, position))?.equals(position.chain)) {
      index.clear();
    }
    const follower = new Follower(data, keys, index, onTrouble);
    await follower.catchUp();
    return follower;
  }

  /** Records that were looked at, from the beginning of the log. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when everything written before the call is in the index. */
  async catchUp(): Promise<void> {
    // A look that is under way may have passed the end already: another one follows it.
    const before = this.#catchingUp;
    const run = (async () => {
      await before?.catch(() => undefined);
      await this.#follow();
    })();
    this.#catchingUp = run;
    try {
      await run;
    } finally {
      if (this.#catchingUp === run) {
        this.#catchingUp = null;
      }
    }
  }

  /** Resolves after the next look that found something, or when the signal aborts. */
  progress(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#watchers.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#watchers.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    // What the index does not have yet the next start finds in the journal.
    await this.catchUp().catch(this.#onTrouble);
  }

  async #follow(): Promise<void> {
    const touched = new Map<string, IndexedSession>();
    const told: IndexedTold[] = [];
    let position: IndexPosition | null = null;
    for await (const { frame, place } of readJournal(this.#data, this.#position)) {
      this.#size = frame.header.index + frame.header.entries;
      position = { segment: place.segment, offset: place.offset + frameBytes(frame.header.bodyBytes), chain: frame.chain };
      if (frame.header.type === 'batch') {
        for (const entry of frameEntries(frame)) {
          const known = this.#live.get(sessionOf(entry.leaf));
          if (known !== undefined && isTraffic(entry.leaf)) {
            known.indexed.records += 1;
            known.indexed.last = place;
            touched.set(known.indexed.session, known.indexed);
          } else {
            const session = await this.#count(entry, place, told);
            touched.set(session.session, session);
          }
        }
      }
    }
    if (position !== null) {
      this.#index.save(position, touched.values(), told);
      this.#position = position;
      for (const watcher of this.#watchers) {
        watcher();
      }
    }
  }

  async #count(entry: Entry, place: JournalPlace, told: IndexedTold[]): Promise<IndexedSession> {
    const leaf = decodeLeaf(entry.leaf);
    const { indexed, opener } = this.#followed(leaf, place);
    indexed.records = leaf.sessionSeq + 1;
    indexed.last = place;
    if (leaf.kind === 'open' || leaf.kind === 'epoch') {
      const { governance } = await opener.open({ leaf, leafBytes: entry.leaf, entry });
      indexed.key = Number(governance?.['key']);
    } else if (leaf.kind === 'decision' && !indexed.own && entry.header.meta.stream === bodyStreams.meta) {
      const { meta } = await opener.open({ leaf, leafBytes: entry.leaf, entry });
      indexed.principal ??= meta?.opens?.principal ?? null;
      told.push(...toldBy(meta));
      const target = meta?.opens?.target;
      if (target !== undefined && target !== '' && !indexed.targets.includes(target)) {
        indexed.targets.push(target);
      }
    } else if (leaf.kind === 'close') {
      const { governance } = await new SessionOpener(this.#keys).open({ leaf, leafBytes: entry.leaf, entry });
      indexed.closedMs = leaf.timeMs;
      indexed.reason = String(governance?.['reason']);
      this.#live.delete(leaf.session);
    }
    return indexed;
  }

  #followed(leaf: Leaf, place: JournalPlace): Followed {
    const known = this.#live.get(leaf.session);
    if (known !== undefined) {
      return known;
    }
    const indexed: IndexedSession = {
      session: leaf.session,
      openedMs: leaf.timeMs,
      closedMs: null,
      reason: null,
      records: 0,
      principal: null,
      targets: [],
      key: null,
      first: place,
      last: place,
      own: leaf.kind === 'epoch',
    };
    const followed = { indexed, opener: new SessionOpener(this.#keys) };
    this.#live.set(leaf.session, followed);
    return followed;
  }
}

/** What a protocol noted of a target. The name of an action begins with its protocol. */
function toldBy(meta: RecordMeta | null): IndexedTold[] {
  const { action = '', attributes = {} } = meta ?? {};
  const { [toldAttribute]: texts, [targetAttribute]: target } = attributes;
  if (typeof texts !== 'object' || typeof target !== 'string') {
    return [];
  }
  const [protocol = ''] = action.split('.');
  return texts.map((text) => {
    const at = text.lastIndexOf(' ');
    return { protocol, target, key: text.slice(0, at), value: text.slice(at + 1) };
  });
}

/** Most of a journal: records that say nothing about the session but that there is one more. */
function isTraffic(leaf: Uint8Array): boolean {
  const kind = leaf[leafOffsets.kind];
  return kind === leafKinds.request || kind === leafKinds.response;
}

function sessionOf(leaf: Uint8Array): string {
  return encodeHex(leaf.subarray(leafOffsets.session, leafOffsets.sessionSeq));
}
