import { zstdDecompressSync } from 'node:zlib';
import {
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
import { joinSpliced, splicedHeaderBytes, type Joined } from './spliced-body.ts';

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

interface FoundSecret extends ClassDay {
  readonly stream: KeystreamReader | null;
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
  #keyId: number | null;
  readonly #secrets: Partial<Record<'meta' | 'content', FoundSecret>> = {};
  readonly #channels = new Map<number, ChannelFacts>();
  /** The bodies that later bodies may copy from, by their places. */
  readonly #kept: (Uint8Array | undefined)[] = [];
  #keptBytes = 0;
  /** The indexes in the log of the records with the kept bodies. */
  readonly #keptBy: number[] = [];
  readonly #repeated = new Set<number>();

  /** `keyId` is the number of the session's key, if the record that names it was read already. */
  constructor(keys: Pick<KeyStore, 'find'>, keyId: number | null = null) {
    this.#keys = keys;
    this.#keyId = keyId;
  }

  /** Opens a record. Records must come in order, each once: the first names the key, a channel's opening states its facts, and bodies repeat earlier ones. */
  open(raw: RawRecord): OpenedRecord {
    const { leaf } = raw;
    this.#repeated.clear();
    const governance = openClear(raw);
    this.#learnKey(leaf, governance);
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

  /** The indexes in the log of the records whose bodies the one that was opened last repeats. */
  get repeated(): ReadonlySet<number> {
    return this.#repeated;
  }

  /** Number of bytes that are kept for later bodies to copy from. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Forgets the kept bodies. From here on, a body that copies from an earlier one is a mismatch. */
  forgetKept(): void {
    this.#kept.fill(undefined);
    this.#keptBytes = 0;
  }

  /** Learns the session's key from its first record. For callers that open single bodies. */
  learnKey(raw: RawRecord): void {
    if (raw.leaf.kind === 'open' || raw.leaf.kind === 'epoch') {
      this.#learnKey(raw.leaf, openClear(raw));
    }
  }

  /** Opens one body of a record. Bodies must come in order, each once, as in `open`. */
  openBody(raw: RawRecord, slot: BodySlot): OpenedBody {
    const { leaf, entry } = raw;
    const stored = slot === 'meta' ? entry.storedMeta : entry.storedContent;
    const header = entry.header[slot];
    const kept = slot === 'meta' ? { class: leaf.metaClass, day: leaf.metaExpiryDay } : { class: leaf.contentClass, day: leaf.contentExpiryDay };
    const stream = this.#stream(header.stream === bodyStreams.meta ? 'meta' : 'content', kept);
    if (stream === null) {
      return { state: 'erased' };
    }
    const { salt, encoded } = stream.unseal(header.position, stored);
    const decoded = this.#decode(header, encoded);
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
      this.#keptBytes += plain.length - (this.#kept[place]?.length ?? 0);
      this.#kept[place] = plain;
      for (const from of repeats) {
        this.#repeated.add(this.#keptBy[from] ?? leaf.logIndex);
      }
      this.#keptBy[place] = leaf.logIndex;
    }
    return { state: 'open', salt, plain };
  }

  #learnKey(leaf: Leaf, governance: Readonly<Record<string, unknown>> | null): void {
    if ((leaf.kind === 'open' || leaf.kind === 'epoch') && typeof governance?.['key'] === 'number') {
      this.#keyId = governance['key'];
    }
  }

  /** Finds the keystream of a secret of the session. Each secret has one class and day, but only those that the leaves name are trusted. */
  #stream(name: 'meta' | 'content', kept: ClassDay): KeystreamReader | null {
    const known = this.#secrets[name];
    if (known?.class === kept.class && known.day === kept.day) {
      return known.stream;
    }
    const secret = this.#keyId === null ? null : this.#keys.find(this.#keyId, name, kept);
    const stream = secret === null ? null : new KeystreamReader(secret);
    this.#secrets[name] = { ...kept, stream };
    return stream;
  }

  /** Undoes the encoding of a body; null if that fails. `place` is where a spliced body is kept once it is known to be what its leaf commits to. */
  #decode({ encoding }: StoredBody, encoded: Buffer): Joined | (Omit<Joined, 'place'> & { readonly place: null }) | null {
    const isPacked = (encoding & bodyEncodings.zstd) !== 0;
    const form = isPacked ? unpack(encoded) : encoded;
    if (form === null || (encoding & bodyEncodings.spliced) === 0) {
      return form === null ? null : { place: null, plain: form, repeats: [] };
    }
    return joinSpliced(form, this.#kept, partBytesMax);
  }
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
