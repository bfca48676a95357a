/** Verifies the public log of a gateway, as it is served: key, checkpoint and hash tiles, without the records. Normative: docs/formats/verification.md. */
import type { SignedCheckpoint } from './checkpoint.ts';
import { hashBytes } from './leaf.ts';
import { equalBytes } from './proof.ts';
import { checkDecided, checkNote, ringPath, trustIn, type KeySource } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import { tileHeight, tilePath, tilesOf, tileWidth, type Tile } from './tile.ts';
import { Frontier } from './tree.ts';
import { Findings, type Finding, type Verdict } from './verdict.ts';

const readsMax = 16;

export interface LogProgress {
  /** Number of leaves whose hashes were read, of `size`. */
  readonly leaves: number;
  readonly size: number;
  readonly tiles: number;
  readonly bytes: number;
}

export interface LogOptions {
  /** The keys to trust: C2SP verifier keys, and keyrings that were kept (docs/formats/checkpoint.md). Without them the key of the log itself is used, which shows only that the log is consistent. */
  readonly keys?: readonly string[];
  /** A checkpoint (signed note) of this log that was kept elsewhere. The log must begin with what it signs. */
  readonly known?: string;
  readonly onProgress?: (progress: LogProgress) => void;
}

export interface LogReport {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly findingsDropped: number;
  readonly keySource: KeySource;
  /** The checkpoint, if a trusted key has signed it. */
  readonly signed?: { readonly log: string; readonly size: number; readonly note: string };
  /** The size of the known checkpoint, if the log begins with what it signs. */
  readonly knownSize?: number;
  /** True if all hashes of leaves were read. */
  readonly followed: boolean;
  readonly counts: Omit<LogProgress, 'size'>;
  readonly elapsedMs: number;
}

/** Reads a file of the log, as `checkpoint` or `tile/0/000`. Undefined if there is none. */
export type ReadLogFile = (path: string) => Promise<Uint8Array | undefined>;

/** Verifies a log. Rejects with what `read` rejects with, and with `MalformedError` if `options.keys` are malformed. */
export async function verifyPublicLog(read: ReadLogFile, options: LogOptions = {}): Promise<LogReport> {
  const startedMs = performance.now();
  const findings = new Findings();
  // The checkpoint is read first: a keyring that is read later has the key that signed it.
  const bytes = await read('checkpoint');
  const trust = await trustIn({ key: await read('key'), keyring: await read('keys') }, options.keys, findings);
  if (bytes === undefined) {
    findings.add('completeness', 'log/checkpoint', 'missing');
  }
  const signed = bytes && (await checkNote(bytes, 'log/checkpoint', trust.keys, findings));
  if (signed !== undefined) {
    checkDecided(trust.keys, signed.origin, ringPath, findings);
  }
  const known = options.known === undefined ? undefined : await checkNote(encodeUtf8(options.known), 'known checkpoint', trust.keys, findings);
  const tiles = new PublicTiles({
    read,
    findings,
    signed,
    known,
    handovers: new Map(trust.keys.ringOf(signed?.origin ?? '')?.handovers.map(({ checkpoint: { size, root } }) => [size, root])),
    onProgress: options.onProgress,
  });
  const followed = await tiles.follow();
  return {
    verdict: findings.verdict,
    findings: findings.list,
    findingsDropped: findings.dropped,
    keySource: trust.source,
    ...(bytes === undefined || signed === undefined ? {} : { signed: { log: signed.origin, size: signed.size, note: new TextDecoder().decode(bytes) } }),
    ...(known !== undefined && tiles.hasKnown ? { knownSize: known.size } : {}),
    followed,
    counts: tiles.counts,
    elapsedMs: performance.now() - startedMs,
  };
}

interface PublicTilesOptions {
  readonly read: ReadLogFile;
  readonly findings: Findings;
  readonly signed: SignedCheckpoint | undefined;
  readonly known: SignedCheckpoint | undefined;
  /** The roots with which keys took over, by the size of the log. */
  readonly handovers: ReadonlyMap<number, Uint8Array>;
  readonly onProgress: LogOptions['onProgress'];
}

/** The tree, made again from the hashes of its leaves, and compared with the tiles of the levels above and with checkpoints. */
class PublicTiles {
  readonly #options: PublicTilesOptions;
  /** By level, the hashes computed from those of the leaves. */
  readonly #computed: Uint8Array[][] = [];
  readonly #frontier = new Frontier({
    onSubtree: (height, _index, hash) => {
      if (height > 0 && height % tileHeight === 0) {
        (this.#computed[height / tileHeight] ??= []).push(hash.slice());
      }
    },
  });
  #tiles = 0;
  #bytes = 0;
  hasKnown = false;

  constructor(options: PublicTilesOptions) {
    this.#options = options;
  }

  get counts(): Omit<LogProgress, 'size'> {
    return { leaves: this.#frontier.size, tiles: this.#tiles, bytes: this.#bytes };
  }

  /** Reads all tiles, those of the leaves first. False if those cannot be followed to their end. */
  async follow(): Promise<boolean> {
    const { signed, known, findings, onProgress } = this.#options;
    if (signed === undefined) {
      return false;
    }
    const { size, root } = signed;
    if (known !== undefined && known.origin !== signed.origin) {
      findings.add('trust', 'known checkpoint', 'is of another log');
    } else if (known !== undefined && known.size > size) {
      findings.add('trust', 'known checkpoint', `has the size ${known.size}: the log, with ${size}, is older`);
    }
    for (const tiles of chunksOf(tilesOf(size), readsMax)) {
      const files = await Promise.all(tiles.map(async ({ level, index, width }) => this.#options.read(tilePath(level, index, width))));
      for (const [at, tile] of tiles.entries()) {
        if (!this.#add(tile, files[at])) {
          return false;
        }
      }
      onProgress?.({ ...this.counts, size });
    }
    if (!equalBytes(this.#frontier.root(), root)) {
      findings.add('integrity', 'log/checkpoint', 'root is not that of the log at its size');
    }
    return true;
  }

  /** Checks a tile. False if the tree cannot be followed without it. */
  #add(tile: Tile, bytes: Uint8Array | undefined): boolean {
    const where = `log/${tilePath(tile.level, tile.index, tile.width)}`;
    const expected = tile.width * hashBytes;
    if (bytes?.length !== expected) {
      const isShort = bytes === undefined || bytes.length < expected;
      this.#options.findings.add(isShort ? 'completeness' : 'integrity', where, bytes === undefined ? 'tile missing' : `tile is not ${tile.width} hashes`);
      return tile.level > 0;
    }
    this.#tiles += 1;
    this.#bytes += bytes.length;
    if (tile.level === 0) {
      this.#append(bytes);
    } else {
      this.#compare(tile, bytes, where);
    }
    return true;
  }

  /** Adds hashes of leaves. On the way the tree has the sizes of the known checkpoint and of handovers, and its roots must be theirs. */
  #append(hashes: Uint8Array): void {
    const { known, handovers, signed, findings } = this.#options;
    for (let at = 0; at < hashes.length; at += hashBytes) {
      this.#frontier.append(hashes.subarray(at, at + hashBytes));
      if (known !== undefined && known.size === this.#frontier.size && known.origin === signed?.origin) {
        this.hasKnown = equalBytes(this.#frontier.root(), known.root);
        if (!this.hasKnown) {
          findings.add('trust', 'known checkpoint', 'is of another history');
        }
      }
      const root = handovers.get(this.#frontier.size);
      if (root !== undefined && !equalBytes(this.#frontier.root(), root)) {
        findings.add('integrity', ringPath, `a key took over at size ${this.#frontier.size} in another history`);
      }
    }
  }

  #compare({ level, index, width }: Tile, bytes: Uint8Array, where: string): void {
    for (let at = 0; at < width; at++) {
      const nth = index * tileWidth + at;
      const computed = this.#computed[level]?.[nth];
      if (computed === undefined || !equalBytes(computed, bytes.subarray(at * hashBytes, (at + 1) * hashBytes))) {
        this.#options.findings.add('integrity', where, `hash ${at} is not that of the leaves from ${nth * tileWidth ** level} on`);
      }
    }
  }
}

/** Divides what is yielded into arrays of at most `length`. */
function* chunksOf<T>(all: Iterable<T>, length: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const one of all) {
    chunk.push(one);
    if (chunk.length === length) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) {
    yield chunk;
  }
}
