/** The tiles of the tree as files (c2sp.org/tlog-tiles): coordinates and paths, and hashes and proofs that are read from them. */
import { hashBytes } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { consistencyProof, inclusionProof, rootAt } from './proof.ts';
import { nodeHash } from './tree.ts';

export const tileHeight = 8;
export const tileWidth = 256;
const tileLevelMax = 63;
const cachedTilesMax = 256;
const cachedSubtreesMax = 4096;

export interface Tile {
  readonly level: number;
  readonly index: number;
  /** Number of hashes, 1 to 256. A tile with 256 is full. */
  readonly width: number;
}

/** Formats an index: `1234067` becomes `x001/x234/067`. */
function indexPath(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/[0-9]{3}/g) ?? [];
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/');
}

function widthSuffix(width: number): string {
  return width === tileWidth ? '' : `.p/${width}`;
}

/** Formats `tile/<L>/<N>[.p/<W>]`. */
export function tilePath(level: number, index: number, width: number = tileWidth): string {
  return `tile/${level}/${indexPath(index)}${widthSuffix(width)}`;
}

/** Formats `tile/entries/<N>[.p/<W>]`. */
export function entryBundlePath(index: number, width: number = tileWidth): string {
  return `tile/entries/${indexPath(index)}${widthSuffix(width)}`;
}

/** Parses what `tilePath` prints; undefined for anything else. */
export function parseTilePath(path: string): Tile | undefined {
  const [, level = '', digits = '', width = ''] = /^tile\/([0-9]{1,2})\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path) ?? [];
  const tile = {
    level: Number(level),
    index: Number(digits.replaceAll(/[x/]/g, '')),
    width: width === '' ? tileWidth : Number(width),
  };
  const inRange = tile.level <= tileLevelMax && Number.isSafeInteger(tile.index) && tile.width >= 1 && tile.width <= tileWidth;
  return inRange && tilePath(tile.level, tile.index, tile.width) === path ? tile : undefined;
}

/**
 * Yields the tiles that a tree of `size` leaves must have: at each level the full ones and, last, a partial one. They are made one by one, because there may be
 * many.
 */
export function* tilesOf(size: number): Generator<Tile> {
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / tileWidth)) {
    const full = Math.floor(hashes / tileWidth);
    for (let index = 0; index < full; index++) {
      yield { level, index, width: tileWidth };
    }
    if (hashes % tileWidth > 0) {
      yield { level, index: full, width: hashes % tileWidth };
    }
  }
}

/** Encodes entries, at most 256 of at most 65535 bytes each, as `decodeEntryBundle` reads them. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, { length }) => sum + 2 + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    view.setUint16(at, entry.length);
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/** Decodes the entries of an entry bundle. Each entry is a big-endian u16 length, followed by that many bytes. Throws `MalformedError`. */
export function decodeEntryBundle(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (entries.length === tileWidth || bytes.length - at < 2) {
      throw new MalformedError('not an entry bundle');
    }
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) {
      throw new MalformedError('entry bundle cut short');
    }
    entries.push(new Uint8Array(bytes.subarray(at + 2, end)));
    at = end;
  }
  return entries;
}

/** Reads a file under the log's prefix. Rejects if it is not there. */
export type ReadTile = (path: string) => Promise<Uint8Array>;

/**
 * Reads a tree of `size` leaves from its tiles. The hashes are not trusted: check the root, or check proofs against a trusted root. Keeps at most 256 tiles.
 * Methods reject with `MalformedError` for a tile of the wrong length.
 */
export class TileReader {
  readonly size: number;
  readonly #readTile: ReadTile;
  readonly #cache = new Map<string, Promise<Uint8Array>>();
  readonly #subtrees = new Map<string, Uint8Array>();

  constructor(size: number, readTile: ReadTile) {
    this.size = size;
    this.#readTile = readTile;
  }

  /** Returns the hash of the perfect subtree over the leaves `[index · 2^height, (index + 1) · 2^height)`. */
  readonly readHash = async (height: number, index: number): Promise<Uint8Array> => {
    const subtree = `${height}/${index}`;
    const known = this.#subtrees.get(subtree);
    if (known !== undefined) {
      return known;
    }
    const level = Math.floor(height / tileHeight);
    // The subtree covers these hashes of the level: 1 to 128 hashes of one tile.
    const width = 2 ** (height % tileHeight);
    const first = index * width;
    const tile = await this.#tile(level, Math.floor(first / tileWidth));
    const start = (first % tileWidth) * hashBytes;
    if (start + width * hashBytes > tile.length) {
      throw new RangeError('no such subtree in the tree');
    }
    let hashes: Uint8Array[] = Array.from({ length: width }, (_, i) => new Uint8Array(tile.subarray(start + i * hashBytes, start + (i + 1) * hashBytes)));
    while (hashes.length > 1) {
      const below = hashes;
      hashes = Array.from({ length: below.length / 2 }, (_, i) => nodeHash(below[2 * i] ?? tile, below[2 * i + 1] ?? tile));
    }
    const hash = hashes[0] ?? tile;
    this.#keepSubtree(subtree, hash);
    return hash;
  };

  async root(): Promise<Uint8Array> {
    return rootAt(this.size, this.readHash);
  }

  async inclusionProof(index: number): Promise<Uint8Array[]> {
    return inclusionProof(index, this.size, this.readHash);
  }

  /** Proves that the tree of the first `size1` leaves is a prefix of this one. */
  async consistencyProof(size1: number): Promise<Uint8Array[]> {
    return consistencyProof(size1, this.size, this.readHash);
  }

  /** Keeps a hash for the next proofs: proofs of neighbouring leaves have most hashes in common, and the widest subtrees take the most time. */
  #keepSubtree(subtree: string, hash: Uint8Array): void {
    const [oldest] = this.#subtrees.keys();
    if (this.#subtrees.size === cachedSubtreesMax && oldest !== undefined) {
      this.#subtrees.delete(oldest);
    }
    this.#subtrees.set(subtree, hash);
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const hashes = Math.floor(this.size / tileWidth ** level);
    const width = Math.min(tileWidth, hashes - index * tileWidth);
    if (width < 1) {
      throw new RangeError('no such subtree in the tree');
    }
    const path = tilePath(level, index, width);
    const cached = this.#cache.get(path);
    if (cached !== undefined) {
      return cached;
    }
    const loading = this.#load(path, width);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size === cachedTilesMax && oldest !== undefined) {
      this.#cache.delete(oldest);
    }
    this.#cache.set(path, loading);
    return loading;
  }

  async #load(path: string, width: number): Promise<Uint8Array> {
    try {
      const bytes = await this.#readTile(path);
      if (bytes.length !== width * hashBytes) {
        throw new MalformedError(`${path} is not ${width} hashes`);
      }
      return bytes;
    } catch (error) {
      // A failed read is not kept, so the next call tries again.
      this.#cache.delete(path);
      throw error;
    }
  }
}
