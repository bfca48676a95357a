/**
 * The leaf: the fixed public part of one record. Layout: docs/formats/leaf.md.
 */
import { sha256, sha256Into } from './crypto.ts';
import { decodeHex, encodeHex } from './hex.ts';
import { MalformedError } from './malformed.ts';

export const leafBytes = 164;
export const hashBytes = 32;
export const sessionIdBytes = 16;
export const gatewayIdBytes = 8;
export const neverExpires = 0xffff_ffff;

/** The kinds of leaf and their codes. A code keeps its meaning: a new kind gets a new code. */
export const leafKinds = {
  open: 1,
  close: 2,
  resume: 3,
  request: 4,
  response: 5,
  decision: 6,
  approval: 7,
  mask: 8,
  alert: 9,
  access: 10,
  incident: 11,
  event: 12,
  epoch: 32,
  heartbeat: 33,
  seal: 34,
  key: 35,
  policy: 36,
  hold: 37,
  erasure: 38,
  reconcile: 39,
  pause: 40,
  keep: 41,
  secrets: 42,
  wrap: 43,
  signer: 44,
} as const;

export type LeafKind = keyof typeof leafKinds;

function isLeafKind(name: string): name is LeafKind {
  return Object.hasOwn(leafKinds, name);
}

const kindNames = new Map(
  Object.keys(leafKinds)
    .filter(isLeafKind)
    .map((name) => [leafKinds[name] as number, name] as const),
);

export const leafFlags = { metaClear: 1, hasMeta: 2, hasContent: 4, continues: 8, factsOnly: 16 } as const;
const allLeafFlags = 31;

/** Byte offsets of the leaf's fields. */
export const leafOffsets = {
  version: 0,
  kind: 1,
  flags: 2,
  session: 4,
  sessionSeq: 20,
  timeMs: 28,
  gatewayId: 36,
  epoch: 44,
  logIndex: 48,
  metaClass: 56,
  metaExpiryDay: 58,
  contentClass: 62,
  contentExpiryDay: 64,
  previous: 68,
  metaCommit: 100,
  contentCommit: 132,
} as const;

export interface Leaf {
  readonly kind: LeafKind;
  readonly flags: number;
  /** 32 hex digits. */
  readonly session: string;
  readonly sessionSeq: number;
  readonly timeMs: number;
  /** 16 hex digits. */
  readonly gatewayId: string;
  readonly epoch: number;
  readonly logIndex: number;
  readonly metaClass: number;
  readonly metaExpiryDay: number;
  readonly contentClass: number;
  readonly contentExpiryDay: number;
  readonly previous: Uint8Array;
  readonly metaCommit: Uint8Array;
  readonly contentCommit: Uint8Array;
}

/** The kinds whose meta is a clear JSON body. For all other kinds it is sealed. */
const governanceKinds: ReadonlySet<LeafKind> = new Set<LeafKind>([
  'open',
  'close',
  'resume',
  'access',
  'incident',
  'epoch',
  'heartbeat',
  'seal',
  'key',
  'policy',
  'hold',
  'erasure',
  'reconcile',
  'pause',
  'keep',
  'secrets',
  'wrap',
  'signer',
]);

const leafVersion = 1;

/** The form of each kind, by its code: 0 unknown, 1 sealed, 2 governance. It is a table for speed, because the verifier asks for every leaf of a store. */
const kindForms = new Uint8Array(256);
for (const [code, name] of kindNames) {
  kindForms[code] = governanceKinds.has(name) ? 2 : 1;
}

export function isGovernance(kind: LeafKind): boolean {
  return governanceKinds.has(kind);
}

/** The name of a kind code; undefined if this version does not know the code. */
export function leafKindOf(code: number): LeafKind | undefined {
  return kindNames.get(code);
}

/** Reads a big-endian u64; NaN if it is above 2^53 - 1. */
export function readUint53(view: DataView, offset: number): number {
  const high = view.getUint32(offset);
  return high < 0x20_0000 ? high * 0x1_0000_0000 + view.getUint32(offset + 4) : Number.NaN;
}

/** Writes a safe non-negative integer as a big-endian u64. */
export function writeUint53(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / 0x1_0000_0000));
  view.setUint32(offset + 4, value % 0x1_0000_0000);
}

function isZero(view: DataView, offset: number): boolean {
  for (let at = offset; at < offset + hashBytes; at += 4) {
    if (view.getUint32(at) !== 0) {
      return false;
    }
  }
  return true;
}

/**
 * Checks the 164 bytes at `offset` by themselves. Returns the fault in words; undefined if the bytes are a leaf. Reads no other bytes and allocates nothing.
 */
export function findLeafFault(view: DataView, offset: number): string | undefined {
  if (view.getUint8(offset + leafOffsets.version) !== leafVersion) {
    return 'leaf of an unknown version';
  }
  const kind = view.getUint8(offset + leafOffsets.kind);
  const form = kindForms[kind];
  if (form === undefined || form === 0) {
    return 'leaf of an unknown kind';
  }
  const flags = view.getUint16(offset + leafOffsets.flags);
  const hasMeta = (flags & leafFlags.hasMeta) !== 0;
  const clear = (flags & leafFlags.metaClear) !== 0;
  if ((flags & ~allLeafFlags) !== 0) {
    return 'leaf with unknown flags';
  }
  if (clear !== (form === 2) || (clear && !hasMeta)) {
    return 'leaf flags do not fit its kind';
  }
  if ((flags & leafFlags.continues) !== 0 && kind !== leafKinds.request && kind !== leafKinds.response) {
    return 'leaf flags do not fit its kind';
  }
  const factsOnly = (flags & leafFlags.factsOnly) !== 0;
  if (factsOnly && clear) {
    return 'leaf flags do not fit its kind';
  }
  if (factsOnly && (view.getUint16(offset + leafOffsets.contentClass) !== 0 || view.getUint32(offset + leafOffsets.contentExpiryDay) !== 0)) {
    return 'leaf with a class of content that is not kept';
  }
  const seq = readUint53(view, offset + leafOffsets.sessionSeq);
  if (Number.isNaN(seq) || Number.isNaN(readUint53(view, offset + leafOffsets.timeMs)) || Number.isNaN(readUint53(view, offset + leafOffsets.logIndex))) {
    return 'leaf number out of range';
  }
  if (view.getUint32(offset + leafOffsets.epoch) === 0) {
    return 'leaf of epoch 0';
  }
  if (seq === 0 && !isZero(view, offset + leafOffsets.previous)) {
    return 'first leaf of a session with a previous one';
  }
  const hasContent = (flags & leafFlags.hasContent) !== 0;
  if ((!hasMeta && !isZero(view, offset + leafOffsets.metaCommit)) || (!hasContent && !isZero(view, offset + leafOffsets.contentCommit))) {
    return 'leaf with a commitment to no body';
  }
  return undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Decodes exactly 164 bytes. Throws `MalformedError`. The hashes of the result are copies. */
export function decodeLeaf(bytes: Uint8Array): Leaf {
  if (bytes.length !== leafBytes) {
    throw new MalformedError(`a leaf is ${leafBytes} bytes`);
  }
  const view = viewOf(bytes);
  const fault = findLeafFault(view, 0);
  const kind = kindNames.get(view.getUint8(leafOffsets.kind));
  if (fault !== undefined || kind === undefined) {
    throw new MalformedError(fault ?? 'leaf of an unknown kind');
  }
  // `slice` would not copy if the bytes are a Buffer.
  const part = (offset: number, length: number): Uint8Array => new Uint8Array(bytes.subarray(offset, offset + length));
  return {
    kind,
    flags: view.getUint16(leafOffsets.flags),
    session: encodeHex(part(leafOffsets.session, sessionIdBytes)),
    sessionSeq: readUint53(view, leafOffsets.sessionSeq),
    timeMs: readUint53(view, leafOffsets.timeMs),
    gatewayId: encodeHex(part(leafOffsets.gatewayId, gatewayIdBytes)),
    epoch: view.getUint32(leafOffsets.epoch),
    logIndex: readUint53(view, leafOffsets.logIndex),
    metaClass: view.getUint16(leafOffsets.metaClass),
    metaExpiryDay: view.getUint32(leafOffsets.metaExpiryDay),
    contentClass: view.getUint16(leafOffsets.contentClass),
    contentExpiryDay: view.getUint32(leafOffsets.contentExpiryDay),
    previous: part(leafOffsets.previous, hashBytes),
    metaCommit: part(leafOffsets.metaCommit, hashBytes),
    contentCommit: part(leafOffsets.contentCommit, hashBytes),
  };
}

/** Encodes a leaf in 164 bytes. Throws `MalformedError` for a leaf that `decodeLeaf` would refuse. */
export function encodeLeaf(leaf: Leaf): Uint8Array {
  const bytes = new Uint8Array(leafBytes);
  const view = viewOf(bytes);
  bytes[leafOffsets.version] = leafVersion;
  bytes[leafOffsets.kind] = leafKinds[leaf.kind];
  view.setUint16(leafOffsets.flags, leaf.flags);
  bytes.set(decodeHex(leaf.session, sessionIdBytes), leafOffsets.session);
  writeUint53(view, leafOffsets.sessionSeq, leaf.sessionSeq);
  writeUint53(view, leafOffsets.timeMs, leaf.timeMs);
  bytes.set(decodeHex(leaf.gatewayId, gatewayIdBytes), leafOffsets.gatewayId);
  view.setUint32(leafOffsets.epoch, leaf.epoch);
  writeUint53(view, leafOffsets.logIndex, leaf.logIndex);
  view.setUint16(leafOffsets.metaClass, leaf.metaClass);
  view.setUint32(leafOffsets.metaExpiryDay, leaf.metaExpiryDay);
  view.setUint16(leafOffsets.contentClass, leaf.contentClass);
  view.setUint32(leafOffsets.contentExpiryDay, leaf.contentExpiryDay);
  for (const [offset, hash] of [
    [leafOffsets.previous, leaf.previous],
    [leafOffsets.metaCommit, leaf.metaCommit],
    [leafOffsets.contentCommit, leaf.contentCommit],
  ] as const) {
    if (hash.length !== hashBytes) {
      throw new MalformedError(`a hash is ${hashBytes} bytes`);
    }
    bytes.set(hash, offset);
  }
  const fault = findLeafFault(view, 0);
  if (fault !== undefined) {
    throw new MalformedError(fault);
  }
  return bytes;
}

const leafInput = new Uint8Array(1 + leafBytes);

/** Writes the leaf hash, `SHA-256(0x00 ‖ leaf)`, of the 164 bytes at `offset` to the first 32 bytes of `target`. */
function leafHashInto(bytes: Uint8Array, offset: number, target: Uint8Array): void {
  leafInput.set(bytes.subarray(offset, offset + leafBytes), 1);
  sha256Into(leafInput, target, 0);
}

/** Returns the leaf hash of RFC 6962. */
export function leafHash(bytes: Uint8Array): Uint8Array {
  const hash = new Uint8Array(hashBytes);
  leafHashInto(bytes, 0, hash);
  return hash;
}

/** True if a leaf says that the record's content is stored: it has content, and not its facts alone were kept. */
export function storesContent(flags: number): boolean {
  return (flags & (leafFlags.hasContent | leafFlags.factsOnly)) === leafFlags.hasContent;
}

/** The two slots of a record, with their numbers in commitments. */
export const bodySlots = { meta: 1, content: 2 } as const;
export type BodySlot = keyof typeof bodySlots;

export const saltBytes = 32;

export interface SealedBody {
  readonly slot: BodySlot;
  /** 16 bytes. */
  readonly session: Uint8Array;
  readonly sessionSeq: number;
  /** 32 bytes of the session's keystream. */
  readonly salt: Uint8Array;
  readonly plaintext: Uint8Array;
}

/** Here the input of a short body's commitment is put together: to get memory for each one costs as much as to hash it. */
const shortInput = new Uint8Array(4096);

/** Computes `SHA-256(0x02 ‖ slot ‖ session ‖ session_seq ‖ salt ‖ plaintext)`. */
export function commitSealed(body: SealedBody): Uint8Array {
  if (body.session.length !== sessionIdBytes || body.salt.length !== saltBytes) {
    throw new MalformedError('session id or salt of a wrong length');
  }
  const bytes = 26 + saltBytes + body.plaintext.length;
  const input = bytes > shortInput.length ? new Uint8Array(bytes) : shortInput.subarray(0, bytes);
  input[0] = 2;
  input[1] = bodySlots[body.slot];
  input.set(body.session, 2);
  writeUint53(viewOf(input), 18, body.sessionSeq);
  input.set(body.salt, 26);
  input.set(body.plaintext, 26 + saltBytes);
  return sha256(input);
}

/** Computes `SHA-256(0x03 ‖ body)`. */
export function commitClear(body: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + body.length);
  input[0] = 3;
  input.set(body, 1);
  return sha256(input);
}
