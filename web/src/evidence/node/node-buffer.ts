/** The part of the `Buffer` of Node that the code which shows records needs, on top of what a browser has. */

const decoders: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  utf8: (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes),
  utf16le: (bytes) => new TextDecoder('utf-16le', { ignoreBOM: true }).decode(bytes),
  latin1: (bytes) => charactersOf(bytes),
  ascii: (bytes) => charactersOf(bytes.map((byte) => byte & 0x7f)),
  hex: (bytes) => bytes.toHex(),
  base64: (bytes) => bytes.toBase64(),
  base64url: (bytes) => bytes.toBase64({ alphabet: 'base64url', omitPadding: true }),
};

const encoders: Readonly<Record<string, (text: string) => Uint8Array>> = {
  utf8: (text) => new TextEncoder().encode(text),
  utf16le: (text) => new Uint8Array(Uint16Array.from(text, (_, at) => text.charCodeAt(at)).buffer),
  latin1: (text) => Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)),
  ascii: (text) => Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)),
  hex: (text) => Uint8Array.fromHex(/^(?:[0-9a-f]{2})*/i.exec(text)?.[0] ?? ''),
  base64: fromBase64,
  base64url: fromBase64,
};

/** Characters at a time that become a text: as arguments of a function, of which there may not be many. */
const piece = 8192;

function charactersOf(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += piece) {
    text += String.fromCharCode(...bytes.subarray(at, at + piece));
  }
  return text;
}

/** Decodes Base64 of either alphabet, up to what is none, as Node does. */
function fromBase64(text: string): Uint8Array {
  const [digits = ''] = /^[A-Za-z0-9+/]*/.exec(text.replaceAll('-', '+').replaceAll('_', '/').replaceAll(/\s/g, '')) ?? [];
  return Uint8Array.fromBase64(digits.length % 4 === 1 ? digits.slice(0, -1) : digits);
}

function nameOf(encoding: string): string {
  const name = encoding.toLowerCase();
  return { 'utf-8': 'utf8', binary: 'latin1', 'utf-16le': 'utf16le', ucs2: 'utf16le', 'ucs-2': 'utf16le' }[name] ?? name;
}

function encode(text: string, encoding: string): Uint8Array {
  const encoder = encoders[nameOf(encoding)];
  if (encoder === undefined) {
    throw new TypeError(`no encoding ${encoding}`);
  }
  return encoder(text);
}

/** A view of bytes, and the way from texts and back. */
export class Buffer extends Uint8Array<ArrayBuffer> {
  static bytesOf(source: string | ArrayBuffer | ArrayLike<number>, encoding: string | number = 'utf8', length?: number): Buffer {
    if (typeof source === 'string') {
      return Buffer.copyOf(encode(source, String(encoding)));
    }
    return source instanceof ArrayBuffer ? new Buffer(source, typeof encoding === 'number' ? encoding : 0, length) : Buffer.copyOf(new Uint8Array(source));
  }

  private static copyOf(bytes: Uint8Array): Buffer {
    const copy = ofLength(bytes.length);
    copy.set(bytes);
    return copy;
  }

  static alloc(length: number, fill = 0): Buffer {
    return ofLength(length).fill(fill);
  }

  static allocUnsafe(length: number): Buffer {
    return ofLength(length);
  }

  static isBuffer(value: unknown): boolean {
    return value instanceof Buffer;
  }

  static byteLength(source: string | Uint8Array, encoding = 'utf8'): number {
    return typeof source === 'string' ? encode(source, encoding).length : source.length;
  }

  static concat(list: readonly Uint8Array[], total: number = list.reduce((sum, { length }) => sum + length, 0)): Buffer {
    const all = ofLength(total);
    let at = 0;
    for (const bytes of list) {
      all.set(bytes.subarray(0, total - at), at);
      at += Math.min(bytes.length, total - at);
    }
    return all;
  }

  /** In Node a slice is a view, and not a copy. */
  override slice(start?: number, end?: number): Buffer {
    return this.subarray(start, end);
  }

  override subarray(start = 0, end: number = this.length): Buffer {
    const [from, to] = [placeIn(start, this.length), placeIn(end, this.length)];
    return new Buffer(this.buffer, this.byteOffset + from, Math.max(0, to - from));
  }

  override toString(encoding = 'utf8', start = 0, end: number = this.length): string {
    const decoder = decoders[nameOf(encoding)];
    if (decoder === undefined) {
      throw new TypeError(`no encoding ${encoding}`);
    }
    return decoder(Uint8Array.from(this.subarray(start, Math.min(end, this.length))));
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, at) => byte === other[at]);
  }

  override indexOf(wanted: number | string | Uint8Array, from = 0): number {
    if (typeof wanted === 'number') {
      return super.indexOf(wanted, from);
    }
    const bytes = typeof wanted === 'string' ? encode(wanted, 'utf8') : wanted;
    for (let at = from; at + bytes.length <= this.length; at += 1) {
      if (bytes.every((byte, i) => byte === this[at + i])) {
        return at;
      }
    }
    return -1;
  }

  override includes(wanted: number | string | Uint8Array, from = 0): boolean {
    return this.indexOf(wanted, from) !== -1;
  }

  copy(target: Uint8Array, at = 0, from = 0, to: number = this.length): number {
    const part = this.subarray(from, Math.min(to, from + target.length - at));
    target.set(part, at);
    return part.length;
  }

  readUInt8(at = 0): number {
    return this.#view().getUint8(at);
  }

  readUInt16BE(at = 0): number {
    return this.#view().getUint16(at);
  }

  readInt16BE(at = 0): number {
    return this.#view().getInt16(at);
  }

  readUInt32BE(at = 0): number {
    return this.#view().getUint32(at);
  }

  readInt32BE(at = 0): number {
    return this.#view().getInt32(at);
  }

  readBigInt64BE(at = 0): bigint {
    return this.#view().getBigInt64(at);
  }

  readBigUInt64BE(at = 0): bigint {
    return this.#view().getBigUint64(at);
  }

  readFloatBE(at = 0): number {
    return this.#view().getFloat32(at);
  }

  readDoubleBE(at = 0): number {
    return this.#view().getFloat64(at);
  }

  writeUInt8(value: number, at = 0): number {
    this.#view().setUint8(at, value);
    return at + 1;
  }

  writeUInt16BE(value: number, at = 0): number {
    this.#view().setUint16(at, value);
    return at + 2;
  }

  writeInt16BE(value: number, at = 0): number {
    this.#view().setInt16(at, value);
    return at + 2;
  }

  writeUInt32BE(value: number, at = 0): number {
    this.#view().setUint32(at, value);
    return at + 4;
  }

  writeInt32BE(value: number, at = 0): number {
    this.#view().setInt32(at, value);
    return at + 4;
  }

  #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }
}

function ofLength(length: number): Buffer {
  return new Buffer(new ArrayBuffer(length));
}

function placeIn(at: number, length: number): number {
  return at < 0 ? Math.max(0, length + at) : Math.min(at, length);
}

export function isUtf8(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

// A type of an array has its own `from`, of another form, which a class that extends it cannot declare anew.
Object.defineProperty(Buffer, 'from', { value: (...words: Parameters<typeof Buffer.bytesOf>) => Buffer.bytesOf(...words) });
