import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { decodeHex } from '@countersign/ledger/hex.ts';
import { bodyEncodings, bodyStreams, type StoredBody } from '@countersign/ledger/journal.ts';
import { commitClear, commitSealed, decodeLeaf, leafFlags, type BodySlot, type Leaf } from '@countersign/ledger/leaf.ts';
import { equalBytes } from '@countersign/ledger/proof.ts';
import { frameEntries, type Entry } from '@countersign/ledger/segment-reader.ts';
import type { ChannelFacts, OpenedRecord, RecordMeta } from '../domain/record.ts';
import { partBytesMax } from './batch.ts';
import { readJournal, type JournalPlace } from './journal-reader.ts';
import type { ClassDay, KeyStore } from './key-store.ts';
import { unseal } from './keystream.ts';
import { joinSpliced, splicedHeaderBytes, type Joined } from './spliced-body.ts';

const decompress = promisify(zstdDecompress);

/** One entry of a session with its leaf decoded; the byte arrays are copies. */
export interface RawRecord {
  readonly leaf: Leaf;
  readonly leafBytes: Uint8Array;
  readonly entry: Entry;
}

/** A sealed body, opened and checked against its commitment. */
export type OpenedBody = { readonly state: 'open'; readonly salt: Uint8Array; readonly plain: Uint8Array } | { readonly state: 'erased' | 'mismatch' };

interface FoundSecret extends ClassDay {
  readonly secret: KeyObject | null;
}

/** The entries of one session between two places of the journal, in order. */
export async function* readEntries(
  data: string,
  session: string,
  range: { readonly from: JournalPlace; readonly to?: JournalPlace },
): AsyncGenerator<RawRecord> {
  const id = Buffer.from(decodeHex(session, 16));
  for await (const { frame } of readJournal(data, range.from, range.to)) {
    if (frame.header.type !== 'batch') {
      continue;
    }
    for (const entry of frameEntries(frame)) {
      if (id.equals(entry.leaf.subarray(4, 20))) {
        yield { leaf: decodeLeaf(entry.leaf), leafBytes: entry.leaf.slice(), entry };
      }
    }
  }
}

/** Opens the bodies of one session's records. A body that is not what its leaf commits to is never passed on. */
export class SessionOpener {
  readonly #keys: Pick<KeyStore, 'find'>;
  #keyId: number | null;
  readonly #secrets: Partial<Record<'meta' | 'content', FoundSecret>> = {};
  readonly #channels = new Map<number, ChannelFacts>();
  /** The bodies that later ones may copy from, by their places. */
  readonly #kept: (Uint8Array | undefined)[] = [];
  #keptBytes = 0;

  /** `keyId` when the record that tells it has been passed already. */
  constructor(keys: Pick<KeyStore, 'find'>, keyId: number | null = null) {
    this.#keys = keys;
    this.#keyId = keyId;
  }

  /** Records must come in order, each once: the first tells the key, a channel's opening tells its facts, and bodies repeat earlier ones. */
  async open(raw: RawRecord): Promise<OpenedRecord> {
    const { leaf } = raw;
    const governance = openClear(raw);
    this.#learnKey(leaf, governance);
    const metaBody = sealedMeta(leaf) ? await this.openBody(raw, 'meta') : null;
    const contentBody = (leaf.flags & leafFlags.hasContent) === 0 ? null : await this.openBody(raw, 'content');
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
      withheld: mismatch ? 'mismatch' : erased ? 'erased' : null,
    };
  }

  /** About what it holds of bodies that later ones may copy from. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** From here on, what copies from earlier bodies is a mismatch. */
  forgetKept(): void {
    this.#kept.fill(undefined);
    this.#keptBytes = 0;
  }

  /** For who opens bodies one by one: the first record of a session tells its key. */
  learnKey(raw: RawRecord): void {
    if (raw.leaf.kind === 'open' || raw.leaf.kind === 'epoch') {
      this.#learnKey(raw.leaf, openClear(raw));
    }
  }

  /** One body of a record; in order, each once, as in `open`. */
  async openBody(raw: RawRecord, slot: BodySlot): Promise<OpenedBody> {
    const { leaf, entry } = raw;
    const stored = slot === 'meta' ? entry.storedMeta : entry.storedContent;
    const header = entry.header[slot];
    const kept = slot === 'meta' ? { class: leaf.metaClass, day: leaf.metaExpiryDay } : { class: leaf.contentClass, day: leaf.contentExpiryDay };
    const secret = this.#secret(header.stream === bodyStreams.meta ? 'meta' : 'content', kept);
    if (secret === null) {
      return { state: 'erased' };
    }
    const { salt, encoded } = unseal(secret, header.position, stored);
    const decoded = await this.#decode(header, encoded);
    if (decoded === null) {
      return { state: 'mismatch' };
    }
    const { plain, place } = decoded;
    const commit = commitSealed({
      slot,
      session: decodeHex(leaf.session, 16),
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
    }
    return { state: 'open', salt, plain };
  }

  #learnKey(leaf: Leaf, governance: Readonly<Record<string, unknown>> | null): void {
    if ((leaf.kind === 'open' || leaf.kind === 'epoch') && typeof governance?.['key'] === 'number') {
      this.#keyId = governance['key'];
    }
  }

  /** Those of a session have one class and day each; only the leaves are believed that they do. */
  #secret(name: 'meta' | 'content', kept: ClassDay): KeyObject | null {
    const known = this.#secrets[name];
    if (known?.class === kept.class && known.day === kept.day) {
      return known.secret;
    }
    const secret = this.#keyId === null ? null : this.#keys.find(this.#keyId, name, kept);
    this.#secrets[name] = { ...kept, secret };
    return secret;
  }

  /** `place` of a spliced body: where it is kept once it is known to be what its leaf commits to. */
  async #decode({ encoding }: StoredBody, encoded: Buffer): Promise<Joined | { readonly place: null; readonly plain: Uint8Array } | null> {
    const isPacked = (encoding & bodyEncodings.zstd) !== 0;
    const form = isPacked ? await decompress(encoded, { maxOutputLength: partBytesMax + splicedHeaderBytes }).catch(() => null) : encoded;
    if (form === null || (encoding & bodyEncodings.spliced) === 0) {
      return form === null ? null : { place: null, plain: form };
    }
    return joinSpliced(form, this.#kept, partBytesMax);
  }
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
  return JSON.parse(Buffer.from(bytes).toString()) as RecordMeta;
}
