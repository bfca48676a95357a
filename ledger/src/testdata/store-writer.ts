/**
 * A second writer of stores, for tests: written from docs/formats alone, it imports nothing of the code that it tests.
 * Deterministic: the same calls give the same bytes.
 */
import { createCipheriv, createPrivateKey, createPublicKey, hash, sign, type KeyObject } from 'node:crypto';

const kinds = {
  open: 1,
  close: 2,
  request: 4,
  response: 5,
  decision: 6,
  incident: 11,
  epoch: 32,
  heartbeat: 33,
  seal: 34,
  key: 35,
  policy: 36,
  hold: 37,
  erasure: 38,
  pause: 40,
  keep: 41,
  secrets: 42,
  wrap: 43,
  signer: 44,
} as const;
export type Kind = keyof typeof kinds;

const sealedKinds: readonly string[] = ['request', 'response', 'decision'] satisfies readonly Kind[];
const clearKinds: ReadonlySet<Kind> = new Set(Object.keys(kinds).filter((kind): kind is Kind => !sealedKinds.includes(kind)));

export function sha(...parts: readonly Uint8Array[]): Buffer {
  return hash('sha256', Buffer.concat(parts), 'buffer');
}

/** RFC 6962 §2.1, as it is written there. */
export function treeHash(leafHashes: readonly Uint8Array[]): Buffer {
  const [only] = leafHashes;
  if (only === undefined) {
    return sha();
  }
  if (leafHashes.length === 1) {
    return Buffer.from(only);
  }
  let k = 1;
  while (2 * k < leafHashes.length) {
    k *= 2;
  }
  return sha(Uint8Array.of(1), treeHash(leafHashes.slice(0, k)), treeHash(leafHashes.slice(k)));
}

export interface Signer {
  readonly name: string;
  readonly key: KeyObject;
  readonly publicKey: Buffer;
  readonly id: Buffer;
  readonly vkey: string;
}

/** A signer whose private key is 32 times the byte `seed`. */
export function signerOf(name: string, seed: number): Signer {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  const id = sha(Buffer.from(`${name}\n\u0001`), publicKey).subarray(0, 4);
  const encoded = Buffer.concat([Uint8Array.of(1), publicKey]).toString('base64');
  return { name, key, publicKey, id, vkey: `${name}+${id.toString('hex')}+${encoded}` };
}

export function signText(text: string, signer: Signer): string {
  const signature = Buffer.concat([signer.id, sign(null, Buffer.from(text), signer.key)]);
  return `${text}\n\u2014 ${signer.name} ${signature.toString('base64')}\n`;
}

export function signBoth(text: string, before: Signer, next: Signer): string {
  return signText(text, before) + signText(text, next).slice(text.length + 1);
}

export interface WrittenRecord {
  readonly index: number;
  readonly kind: Kind;
  readonly leaf: Buffer;
  readonly entry: Buffer;
  readonly meta: Buffer | undefined;
  readonly content: Buffer | undefined;
  readonly metaSalt: Buffer;
  readonly contentSalt: Buffer;
}

export interface WrittenSession {
  readonly id: Buffer;
  readonly records: WrittenRecord[];
  position: number;
}

export interface Bodies {
  /** An object for clear kinds, bytes for the others. */
  readonly meta?: object | string;
  readonly content?: string;
  readonly continues?: boolean;
  /** Changes the leaf before it is hashed: what a faulty gateway would sign. */
  readonly patch?: (leaf: Buffer) => void;
}

/** Makes the bytes of one frame without its chain value, which depends on the bytes before the frame. */
export function frameOf(type: 1 | 2, body: Buffer, numbers: { entries: number; index: number; durable: number }): Buffer {
  const header = Buffer.alloc(32);
  header.write('CSJF', 'latin1');
  header[4] = type;
  header.writeUInt32BE(body.length, 8);
  header.writeUInt32BE(numbers.entries, 12);
  header.writeBigUInt64BE(BigInt(numbers.index), 16);
  header.writeBigUInt64BE(BigInt(numbers.durable), 24);
  return Buffer.concat([header, body, Buffer.alloc((8 - (body.length % 8)) % 8)]);
}

export class StoreWriter {
  readonly gatewayId: string;
  readonly origin: string;
  signer: Signer;
  /** The keys so far, each as the line of a handover, once there is more than one. */
  readonly keyLines: string[] = [];
  readonly files = new Map<string, Buffer>();
  readonly leafHashes: Buffer[] = [];
  timeMs = 1_790_000_000_000;
  epoch = 0;
  segment = 0;
  gateway: WrittenSession = { id: Buffer.alloc(16), records: [], position: 0 };
  /** The newest checkpoint, signed. */
  note = '';
  #bytes: Buffer = Buffer.alloc(0);
  #chain: Buffer = Buffer.alloc(32);
  #first = 0;
  #sessions = 0;
  #pending: WrittenRecord[] = [];

  constructor(gatewayId = '00000000000000a7', seed = 1) {
    this.gatewayId = gatewayId;
    this.origin = `countersign/${gatewayId}`;
    this.signer = signerOf(this.origin, seed);
    this.files.set('log/key', Buffer.from(`${this.signer.vkey}\n`));
    this.keyLines.push(`key 0 ${this.signer.vkey}\n`);
  }

  get segmentPath(): string {
    return `journal/${String(this.segment).padStart(12, '0')}.segment`;
  }

  /** Length of the current segment. */
  get offset(): number {
    return this.#bytes.length;
  }

  newSession(): WrittenSession {
    this.#sessions += 1;
    return {
      id: sha(Buffer.from(`session ${this.#sessions}`)).subarray(0, 16),
      records: [],
      position: 0,
    };
  }

  /** A segment, and in it the seal of the one before unless `seal` is false. */
  beginSegment(seal = true): void {
    const previous = { segment: this.segment, bytes: this.#bytes.length, first: this.#first };
    const sealBody = {
      ...previous,
      records: this.leafHashes.length - this.#first,
      chain: this.#chain.toString('hex'),
    };
    this.segment += 1;
    this.#first = this.leafHashes.length;
    const header = Buffer.alloc(96);
    header.write('CSSEGv1\n', 'latin1');
    header.write(this.gatewayId, 8, 'hex');
    header.writeBigUInt64BE(BigInt(this.segment), 16);
    header.writeBigUInt64BE(BigInt(this.#first), 24);
    header.writeBigUInt64BE(BigInt(this.timeMs), 32);
    header.writeUInt32BE(this.epoch, 40);
    this.#chain.copy(header, 64);
    this.#chain = sha(header);
    this.#bytes = Buffer.concat([header, this.#chain]);
    this.#save();
    if (seal && this.segment > 1) {
      this.record(this.gateway, 'seal', { meta: sealBody });
    }
  }

  /** A start of the gateway: a new epoch in a new segment. */
  start(previous: object | null): void {
    this.epoch += 1;
    this.gateway = this.newSession();
    const seal = { segment: this.segment, bytes: this.#bytes.length, first: this.#first };
    const records = this.leafHashes.length - this.#first;
    const chain = this.#chain.toString('hex');
    this.beginSegment(false);
    this.record(this.gateway, 'epoch', { meta: { epoch: this.epoch, software: 'test', previous } });
    if (this.segment > 1) {
      this.record(this.gateway, 'seal', { meta: { ...seal, records, chain } });
    }
  }

  record(session: WrittenSession, kind: Kind, bodies: Bodies = {}): WrittenRecord {
    const isClear = clearKinds.has(kind);
    const meta = bodies.meta === undefined ? undefined : Buffer.from(typeof bodies.meta === 'string' ? bodies.meta : JSON.stringify(bodies.meta));
    const content = bodies.content === undefined ? undefined : Buffer.from(bodies.content);
    const seq = session.records.length;
    const sealedMeta = isClear ? undefined : this.#seal(session, 1, meta);
    const sealedContent = this.#seal(session, 2, content);
    const leaf = Buffer.alloc(164);
    leaf[0] = 1;
    leaf[1] = kinds[kind];
    leaf.writeUInt16BE((isClear ? 1 : 0) | (meta ? 2 : 0) | (content ? 4 : 0) | (bodies.continues === true ? 8 : 0), 2);
    session.id.copy(leaf, 4);
    leaf.writeBigUInt64BE(BigInt(seq), 20);
    leaf.writeBigUInt64BE(BigInt(this.timeMs), 28);
    leaf.write(this.gatewayId, 36, 'hex');
    leaf.writeUInt32BE(this.epoch, 44);
    leaf.writeBigUInt64BE(BigInt(this.leafHashes.length), 48);
    leaf.writeUInt16BE(sealedMeta ? 1 : 0, 56);
    leaf.writeUInt32BE(sealedMeta ? 20_800 : 0xffff_ffff, 58);
    leaf.writeUInt16BE(sealedContent ? 1 : 0, 62);
    leaf.writeUInt32BE(sealedContent ? 20_800 : 0xffff_ffff, 64);
    const last = session.records.at(-1);
    if (last !== undefined) {
      sha(Uint8Array.of(0), last.leaf).copy(leaf, 68);
    }
    if (meta !== undefined) {
      (sealedMeta?.commit(seq) ?? sha(Uint8Array.of(3), meta)).copy(leaf, 100);
    }
    sealedContent?.commit(seq).copy(leaf, 132);
    bodies.patch?.(leaf);
    const head = Buffer.alloc(32);
    const storedMeta = sealedMeta?.stored ?? meta ?? Buffer.alloc(0);
    const storedContent = sealedContent?.stored ?? Buffer.alloc(0);
    for (const [at, stored, sealed, stream] of [
      [0, storedMeta, sealedMeta, 1],
      [16, storedContent, sealedContent, 2],
    ] as const) {
      head.writeUInt32BE(stored.length, at);
      head[at + 4] = sealed ? stream : 0;
      head.writeBigUInt64BE(BigInt(sealed?.position ?? 0), at + 8);
    }
    const written = {
      index: this.leafHashes.length,
      kind,
      leaf,
      entry: Buffer.concat([leaf, head, storedMeta, storedContent]),
      meta,
      content,
      metaSalt: sealedMeta?.salt ?? Buffer.alloc(32),
      contentSalt: sealedContent?.salt ?? Buffer.alloc(32),
    };
    this.leafHashes.push(sha(Uint8Array.of(0), leaf));
    session.records.push(written);
    this.#pending.push(written);
    this.timeMs += 10;
    return written;
  }

  close(session: WrittenSession, reason = 'done'): void {
    this.record(session, 'close', { meta: { records: session.records.length + 1, reason } });
  }

  /** Writes the pending records as a batch. */
  commit(durable = this.#bytes.length): void {
    const [first] = this.#pending;
    if (first !== undefined) {
      const body = Buffer.concat(this.#pending.map(({ entry }) => entry));
      this.#append(frameOf(1, body, { entries: this.#pending.length, index: first.index, durable }));
      this.#pending = [];
    }
  }

  /** A checkpoint frame over all that was committed. */
  checkpoint(): void {
    this.note = signText(this.checkpointText(), this.signer);
    const numbers = { entries: 0, index: this.leafHashes.length, durable: this.#bytes.length };
    this.#append(frameOf(2, Buffer.from(this.note), numbers));
  }

  /** Hands over to a key with another seed: announces it, writes the keyring and signs with it from now on. */
  rotate(seed: number, announced?: string): void {
    const next = signerOf(this.origin, seed);
    this.record(this.gateway, 'signer', { meta: { vkey: announced ?? next.vkey } });
    this.commit();
    this.keyLines.push(`key ${this.leafHashes.length} ${next.vkey}\n`);
    const handover = signBoth(this.checkpointText() + this.keyLines.join(''), this.signer, next);
    const before = this.files.get('log/keys');
    this.files.set('log/keys', Buffer.from(before === undefined ? handover : `${before.toString()}\n${handover}`));
    this.files.set('log/key', Buffer.from(`${next.vkey}\n`));
    this.signer = next;
    this.checkpoint();
  }

  checkpointText(): string {
    const root = treeHash(this.leafHashes).toString('base64');
    const chain = this.#chain.toString('base64');
    return `${this.origin}\n${this.leafHashes.length}\n${root}\njournal ${this.segment} ${this.#bytes.length} ${chain}\n`;
  }

  /** Publishes the newest checkpoint and the tiles of a log of its size. */
  publish(): void {
    this.files.set('log/checkpoint', Buffer.from(this.note));
    let hashes: Buffer[] = this.leafHashes;
    for (let level = 0; hashes.length > 0; level++) {
      const full = Math.floor(hashes.length / 256);
      const above: Buffer[] = [];
      for (let n = 0; n < full; n++) {
        const tile = hashes.slice(256 * n, 256 * (n + 1));
        this.files.set(`log/tile/${level}/${String(n).padStart(3, '0')}`, Buffer.concat(tile));
        above.push(treeHash(tile));
      }
      const rest = hashes.slice(256 * full);
      if (rest.length > 0) {
        const path = `log/tile/${level}/${String(full).padStart(3, '0')}.p/${rest.length}`;
        this.files.set(path, Buffer.concat(rest));
      }
      hashes = above;
    }
  }

  /** Appends zeros after the last frame, as a gateway does that prepares space. */
  preallocate(bytes: number): void {
    this.files.set(this.segmentPath, Buffer.concat([this.#bytes, Buffer.alloc(bytes)]));
  }

  #append(frame: Buffer): void {
    this.#chain = sha(this.#chain, frame);
    this.#bytes = Buffer.concat([this.#bytes, frame, this.#chain]);
    this.#save();
  }

  #save(): void {
    this.files.set(this.segmentPath, this.#bytes);
  }

  #seal(session: WrittenSession, slot: 1 | 2, plaintext: Buffer | undefined) {
    if (plaintext === undefined) {
      return undefined;
    }
    const position = session.position;
    session.position = Math.ceil((position + 32 + plaintext.length) / 16) * 16;
    const counter = Buffer.alloc(16);
    counter.writeBigUInt64BE(BigInt(position / 16), 8);
    const secret = sha(session.id, Uint8Array.of(slot));
    const keystream = createCipheriv('aes-256-ctr', secret, counter).update(Buffer.alloc(32 + plaintext.length));
    const salt = keystream.subarray(0, 32);
    const stored = Buffer.from(plaintext.map((byte, i) => byte ^ (keystream[32 + i] ?? 0)));
    const commit = (seq: number): Buffer => {
      const number = Buffer.alloc(8);
      number.writeBigUInt64BE(BigInt(seq));
      return sha(Uint8Array.of(2, slot), session.id, number, salt, plaintext);
    };
    return { position, salt, stored, commit };
  }
}

/** A witness whose private key is 32 times the byte `seed`, written from c2sp.org/tlog-cosignature. */
export function witnessOf(name: string, seed: number): { readonly vkey: string; readonly cosign: (note: string, timeS: number) => string } {
  const { key, publicKey } = signerOf(name, seed);
  const id = sha(Buffer.from(`${name}\n\u0004`), publicKey).subarray(0, 4);
  return {
    vkey: `${name}+${id.toString('hex')}+${Buffer.concat([Uint8Array.of(4), publicKey]).toString('base64')}`,
    cosign: (note, timeS) => {
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(timeS));
      const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${timeS}\n${text}`), key);
      return `\u2014 ${name} ${Buffer.concat([id, time, signature]).toString('base64')}\n`;
    },
  };
}
