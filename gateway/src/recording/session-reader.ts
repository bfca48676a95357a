import { zstdDecompressSync } from 'node:zlib';
import {
  announcedMax,
  bodyEncodings,
  bodyStreams,
  commitClear,
  commitSealed,
  decodeHex,
  decodeLeaf,
  equalBytes,
  frameEntries,
  hashBytes,
  leafFlags,
  leafHash,
  leafOffsets,
  segmentName,
  storesContent,
  type BodySlot,
  type Entry,
  type Leaf,
  type StoredBody,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { ChannelFacts, OpenedRecord, RecordMeta } from '../domain/record.ts';
import { partBytesMax } from './batch.ts';
import { isPlacedFrame, journalStart, readJournal, type DamagedPlace, type JournalPlace, type JournalStep } from './journal-reader.ts';
import type { ClassDay, KeyStore } from './key-store.ts';
import { KeystreamReader } from './keystream.ts';
import type { SecretName } from './wraps.ts';
import { joinSpliced, placedSecretsMax, splicedHeaderBytes, useLast, type Joined } from './spliced-body.ts';

/** A packed body is unpacked into buffers of so many bytes. A part of 64 KiB, the usual one of a long answer, goes into one. */
const chunkBytes = 72 * 1024;

/** One entry of a session with its leaf decoded; the byte arrays are copies. */
export interface RawRecord {
  readonly leaf: Leaf;
  readonly leafBytes: Uint8Array;
  readonly entry: Entry;
}

/** A sealed body, opened and checked against its commitment. */
export type OpenedBody = { readonly state: 'open'; readonly salt: Uint8Array; readonly plain: Uint8Array } | { readonly state: 'erased' | 'mismatch' };

type Slot = 'meta' | 'content';

/** Two secrets of a session, as a record of it announced them. */
export interface AnnouncedPair {
  /** The number of the record in its session. */
  readonly seq: number;
  /** The number of the secrets in the key store. */
  readonly key: number;
  /** Class and day of the bodies that they seal. Null: of all, for the record of a session of before does not say it. */
  readonly kept: Readonly<Record<Slot, ClassDay>> | null;
}

/** Returns what a record says about secrets of its session; null if it announces none. `governance` is its clear body. */
export function announcedIn({ kind, sessionSeq: seq }: Leaf, governance: Readonly<Record<string, unknown>> | null): AnnouncedPair | null {
  const { key, meta, content } = governance ?? {};
  if ((kind !== 'open' && kind !== 'epoch' && kind !== 'secrets') || typeof key !== 'number') {
    return null;
  }
  const [ofMeta, ofContent] = [classDayOf(meta), classDayOf(content)];
  return { seq, key, kept: ofMeta === null || ofContent === null ? null : { meta: ofMeta, content: ofContent } };
}

function classDayOf(pair: unknown): ClassDay | null {
  return Array.isArray(pair) ? { class: Number(pair[0]), day: Number(pair[1]) } : null;
}

/** The secrets of a session of which only the number of the first ones is known. */
export function firstSecrets(key: number | null): readonly AnnouncedPair[] {
  return key === null ? [] : [{ seq: 0, key, kept: null }];
}

interface FoundSecret extends ClassDay {
  readonly stream: KeystreamReader | null;
}

interface KnownSecrets extends AnnouncedPair {
  /** The index in the log of the record that announced them; null: it need not be read, for they were known before. */
  readonly index: number | null;
  found: Partial<Record<Slot, FoundSecret>>;
}

/** A body that later bodies may copy from, and the index in the log of its record. */
interface KeptBody {
  readonly plain: Uint8Array;
  readonly index: number;
}

/** A range of the journal that holds frames of a session, from its record `seq` on. */
export interface SessionPart {
  readonly seq: number;
  readonly segment: number;
  readonly start: number;
  /** The offset of the end, where a frame ends. */
  readonly end: number;
}

/** The part of a session that a reader must find. If the places in `parts` are wrong, the journal itself is searched. */
export interface SessionExtent {
  readonly session: string;
  /** Number of records that the session has at least. */
  readonly records: number;
  /** `closed`: a `close` ends the session. `live`: it is not closed, and exactly these records are asked for. `open`: the journal ends without its `close`. */
  readonly state: 'closed' | 'live' | 'open';
  /** The parts of the journal from the part on that holds record `seq`. */
  readonly parts: (seq: number) => Iterable<SessionPart>;
}

/** How far a session was read. Each record must follow the one before it, by its number and by the hash that it names. */
export class SessionWalk {
  readonly #id: Buffer;
  #previous: Uint8Array = new Uint8Array(hashBytes);
  #damage: DamagedPlace | null = null;
  #isBroken = false;
  isClosed = false;
  /** The number of the record that comes next. */
  next = 0;
  /** The place of the frame with the last record. */
  place: JournalPlace = journalStart;

  constructor(session: string) {
    this.#id = Buffer.from(decodeHex(session, 16));
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The first damage that was met since the last record; null if there was none. */
  get damage(): DamagedPlace | null {
    return this.#damage;
  }

  /** Clears the damage, so that the journal after the last record can be read again. */
  resume(): void {
    this.#damage = null;
    this.#isBroken = false;
  }

  /** Yields the session's next records in a frame, as long as each follows the one before it. */
  *take(step: JournalStep): Generator<RawRecord> {
    if (!isPlacedFrame(step)) {
      this.#damage ??= step;
      return;
    }
    if (step.frame.header.type !== 'batch') {
      return;
    }
    for (const entry of frameEntries(step.frame)) {
      if (this.#id.equals(entry.leaf.subarray(leafOffsets.session, leafOffsets.sessionSeq))) {
        const leaf = decodeLeaf(entry.leaf);
        if (leaf.sessionSeq < this.next) {
          continue;
        }
        if (leaf.sessionSeq > this.next || this.isClosed || !equalBytes(leaf.previous, this.#previous)) {
          this.#damage ??= { ...step.place, what: `what is recorded there does not follow record ${this.next - 1} of the session` };
          this.#isBroken = true;
          return;
        }
        this.#previous = leafHash(entry.leaf);
        this.#damage = null;
        this.place = step.place;
        this.next += 1;
        this.isClosed = leaf.kind === 'close';
        yield { leaf, leafBytes: entry.leaf.slice(), entry };
      }
    }
  }
}

/**
 * Yields the records of a session that the walk has not passed yet, in order. All records that it yields are whole. If they are not all there, it throws
 * GatewayError `store_damaged` at the end, which names the place.
 */
export async function* readSession(data: string, extent: SessionExtent, walk: SessionWalk): AsyncGenerator<RawRecord> {
  const isLive = extent.state === 'live';
  const isDone = (): boolean => walk.isBroken || walk.isClosed || (isLive && walk.next >= extent.records);
  const take = function* take(step: JournalStep): Generator<RawRecord> {
    for (const raw of walk.take(step)) {
      yield raw;
      if (isLive && walk.next >= extent.records) {
        return;
      }
    }
  };
  for (const part of extent.parts(walk.next)) {
    const isPast = walk.next > 0 && walk.place.segment === part.segment && walk.place.offset > part.start;
    const from = isPast ? walk.place : { segment: part.segment, offset: part.start };
    for await (const step of readJournal(data, from, { segment: part.segment, offset: part.end })) {
      yield* take(step);
      if (isDone()) {
        break;
      }
    }
    if (isDone()) {
      break;
    }
  }
  if (walk.isBroken || !isDone()) {
    walk.resume();
    for await (const step of readJournal(data, walk.place)) {
      yield* take(step);
      if (isDone()) {
        break;
      }
    }
  }
  const isWhole = extent.state === 'closed' ? walk.isClosed : walk.next >= extent.records && walk.damage === null;
  if (!isWhole || walk.isBroken) {
    throw damagedSession(extent, walk);
  }
}

function damagedSession({ session, state }: SessionExtent, { next, damage, place }: SessionWalk): GatewayError {
  const at = damage ?? place;
  const what = damage?.what ?? (state === 'closed' ? 'the journal ends without the `close` of the session' : 'the journal ends before what was recorded');
  const whole = next === 0 ? 'None of its records can be shown' : `Whole is what comes before: its records up to number ${next - 1}`;
  return new GatewayError(
    'store_damaged',
    `The recording of session ${session} is damaged in ${segmentName(at.segment)} at offset ${at.offset}: ${what}. ${whole}. countersign verify --data DIR says more.`,
  );
}

/** Yields the entries of one session from a place of the journal on, as they come. Throws GatewayError `store_damaged`. */
export async function* readEntries(data: string, session: string, { from }: { readonly from: JournalPlace }): AsyncGenerator<RawRecord> {
  const walk = new SessionWalk(session);
  for await (const step of readJournal(data, from)) {
    yield* walk.take(step);
  }
  if (walk.damage !== null) {
    throw damagedSession({ session, records: 0, state: 'open', parts: () => [] }, walk);
  }
}

/** Opens the bodies of one session's records. It never returns a body that is not what its leaf commits to. */
export class SessionOpener {
  readonly #keys: Pick<KeyStore, 'find'>;
  /** The secrets that the session announced, the newest first. */
  #secrets: readonly KnownSecrets[];
  readonly #channels = new Map<number, ChannelFacts>();
  /** The bodies that later bodies may copy from, by the number of their secret and by their places. */
  readonly #kept = new Map<number, (KeptBody | undefined)[]>();
  readonly #needed = new Set<number>();

  /** `announced` are the secrets that records before those that will be opened announced, in order. */
  constructor(keys: Pick<KeyStore, 'find'>, announced: readonly AnnouncedPair[] = []) {
    this.#keys = keys;
    this.#secrets = announced.map((each) => ({ ...each, index: null, found: {} })).toReversed();
  }

  /** Opens a record. Records must come in order, each once: the first names the key, a channel's opening states its facts, and bodies repeat earlier ones. */
  open(raw: RawRecord): OpenedRecord {
    const { leaf } = raw;
    this.#needed.clear();
    const governance = openClear(raw);
    this.#learn(leaf, governance);
    const metaBody = sealedMeta(leaf) ? this.openBody(raw, 'meta') : null;
    const contentBody = storesContent(leaf.flags) ? this.openBody(raw, 'content') : null;
    const meta = metaBody?.state === 'open' ? parseMeta(metaBody.plain) : null;
    if (meta?.opens !== undefined) {
      this.#channels.set(meta.channel, meta.opens);
    }
    const mismatch = [metaBody, contentBody].some((body) => body?.state === 'mismatch') || (governance === null && clearMeta(leaf));
    const erased = [metaBody, contentBody].some((body) => body?.state === 'erased');
    return {
      session: leaf.session,
      seq: leaf.sessionSeq,
      timeMs: leaf.timeMs,
      kind: leaf.kind,
      record: `${leaf.gatewayId}/${leaf.logIndex}`,
      meta,
      channelFacts: meta === null ? null : (this.#channels.get(meta.channel) ?? null),
      governance,
      content: contentBody?.state === 'open' ? contentBody.plain : null,
      continues: (leaf.flags & leafFlags.continues) !== 0,
      withheld: mismatch ? 'mismatch' : erased ? 'erased' : isFactsOnly(leaf) ? 'not_kept' : null,
    };
  }

  /** The indexes in the log of the records without which the one that was opened last cannot be opened: those whose bodies it repeats, and those that announce its secrets. */
  get needed(): ReadonlySet<number> {
    return this.#needed;
  }

  /** Number of bytes that are kept for later bodies to copy from. */
  get keptBytes(): number {
    let bytes = 0;
    for (const places of this.#kept.values()) {
      for (const body of places) {
        bytes += body?.plain.length ?? 0;
      }
    }
    return bytes;
  }

  /** Forgets the kept bodies. From here on, a body that copies from an earlier one is a mismatch. */
  forgetKept(): void {
    this.#kept.clear();
  }

  /** Learns the secrets that a record announces. For callers that open single bodies. */
  learnSecrets(raw: RawRecord): void {
    const { kind } = raw.leaf;
    if (kind === 'open' || kind === 'epoch' || kind === 'secrets') {
      this.#learn(raw.leaf, openClear(raw));
    }
  }

  /** Returns the secrets that seal the bodies of a record, and learns those that it announces. Records come in order, each once, in place of `open`. */
  secretsOf(raw: RawRecord): readonly (SecretName & { readonly under: ClassDay })[] {
    this.learnSecrets(raw);
    const bodies = [...(sealedMeta(raw.leaf) ? (['meta'] as const) : []), ...(storesContent(raw.leaf.flags) ? (['content'] as const) : [])];
    return bodies.flatMap((body) => {
      const { name, kept, secrets } = this.#sealing(raw, body);
      return secrets === undefined ? [] : [{ key: secrets.key, slot: name, under: kept }];
    });
  }

  /** Opens one body of a record. Bodies must come in order, each once, as in `open`. */
  openBody(raw: RawRecord, slot: BodySlot): OpenedBody {
    const { leaf, entry } = raw;
    const stored = slot === 'meta' ? entry.storedMeta : entry.storedContent;
    const header = entry.header[slot];
    const { name, kept, secrets } = this.#sealing(raw, slot);
    if (secrets === undefined) {
      return { state: this.#secrets.length === 0 ? 'erased' : 'mismatch' };
    }
    if (secrets.index !== null) {
      this.#needed.add(secrets.index);
    }
    const stream = this.#stream(secrets, name, kept);
    if (stream === null) {
      return { state: 'erased' };
    }
    const { salt, encoded } = stream.unseal(header.position, stored);
    const decoded = this.#decode(header, encoded, secrets.key);
    if (decoded === null) {
      return { state: 'mismatch' };
    }
    const { plain, place, repeats } = decoded;
    const commit = commitSealed({
      slot,
      session: raw.leafBytes.subarray(leafOffsets.session, leafOffsets.sessionSeq),
      sessionSeq: leaf.sessionSeq,
      salt,
      plaintext: plain,
    });
    if (!equalBytes(commit, slot === 'meta' ? leaf.metaCommit : leaf.contentCommit)) {
      return { state: 'mismatch' };
    }
    if (place !== null) {
      const places = useLast(this.#kept, secrets.key, placedSecretsMax, () => []);
      for (const from of repeats) {
        this.#needed.add(places[from]?.index ?? leaf.logIndex);
      }
      places[place] = { plain, index: leaf.logIndex };
    }
    return { state: 'open', salt, plain };
  }

  /** Finds the secrets with which a body is sealed, which of the two it is, and the class and day that its leaf names. */
  #sealing({ leaf, entry }: RawRecord, slot: BodySlot): { readonly name: Slot; readonly kept: ClassDay; readonly secrets: KnownSecrets | undefined } {
    const kept = slot === 'meta' ? { class: leaf.metaClass, day: leaf.metaExpiryDay } : { class: leaf.contentClass, day: leaf.contentExpiryDay };
    const name = entry.header[slot].stream === bodyStreams.meta ? 'meta' : 'content';
    return { name, kept, secrets: this.#secrets.find((each) => each.kept === null || isSame(each.kept[name], kept)) };
  }

  #learn(leaf: Leaf, governance: Readonly<Record<string, unknown>> | null): void {
    const announced = announcedIn(leaf, governance);
    if (announced !== null) {
      // The first record of a session need not be read for another one: who opens that one knows its secrets.
      const known = { ...announced, index: leaf.kind === 'secrets' ? leaf.logIndex : null, found: {} };
      this.#secrets = [known, ...this.#secrets].slice(0, announcedMax);
    }
  }

  /** Finds the keystream of a secret. Each secret has one class and day, but only those that the leaves name are trusted. */
  #stream({ key, found }: KnownSecrets, name: Slot, kept: ClassDay): KeystreamReader | null {
    const known = found[name];
    if (known !== undefined && isSame(known, kept)) {
      return known.stream;
    }
    const secret = this.#keys.find(key, name, kept);
    const stream = secret === null ? null : new KeystreamReader(secret);
    found[name] = { ...kept, stream };
    return stream;
  }

  /** Undoes the encoding of a body; null if that fails. `place` is where a spliced body is kept once it is known to be what its leaf commits to. */
  #decode({ encoding }: StoredBody, encoded: Buffer, key: number): Joined | (Omit<Joined, 'place'> & { readonly place: null }) | null {
    const isPacked = (encoding & bodyEncodings.zstd) !== 0;
    const form = isPacked ? unpack(encoded) : encoded;
    if (form === null || (encoding & bodyEncodings.spliced) === 0) {
      return form === null ? null : { place: null, plain: form, repeats: [] };
    }
    const places = this.#kept.get(key) ?? [];
    return joinSpliced(
      form,
      places.map((body) => body?.plain),
      partBytesMax,
    );
  }
}

function isSame(a: ClassDay, b: ClassDay): boolean {
  return a.class === b.class && a.day === b.day;
}

function isFactsOnly(leaf: Leaf): boolean {
  return (leaf.flags & leafFlags.factsOnly) !== 0;
}

function clearMeta(leaf: Leaf): boolean {
  return (leaf.flags & leafFlags.metaClear) !== 0;
}

function sealedMeta(leaf: Leaf): boolean {
  return (leaf.flags & leafFlags.hasMeta) !== 0 && !clearMeta(leaf);
}

function openClear({ leaf, entry }: RawRecord): Readonly<Record<string, unknown>> | null {
  if (!clearMeta(leaf) || !equalBytes(commitClear(entry.storedMeta), leaf.metaCommit)) {
    return null;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the recorder writes an object; what anybody else wrote does not have the commitment of a leaf
  return JSON.parse(Buffer.from(entry.storedMeta).toString()) as Readonly<Record<string, unknown>>;
}

function parseMeta(bytes: Uint8Array): RecordMeta {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the recorder wrote it, and its commitment was checked
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as RecordMeta;
}

/** Unpacks a body; null if that fails. A body is short enough for the turn in which it is opened. */
function unpack(packed: Buffer): Buffer | null {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: partBytesMax + splicedHeaderBytes, chunkSize: chunkBytes });
  } catch {
    return null;
  }
}
