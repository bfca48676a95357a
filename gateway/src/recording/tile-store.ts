import { statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashBytes, tileHeight, tilePath, TileReader, tilesOf, tileWidth } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { replaceWholeFile } from '../store/whole-file.ts';

/** While one looks, all partial tiles may give way to the full one: then it is there at the second look. */
const readAttempts = 2;

/** The growing tile at the right edge of one level. */
interface Edge {
  index: number;
  width: number;
  readonly hashes: Uint8Array;
}

/**
 * The tiles of the log as files (`log/tile/...`, C2SP tlog-tiles), fed with subtree hashes as the log grows. Full tiles are written
 * behind the traffic; partial ones when a checkpoint is published, and each stays until the full one is there. All of it can be made again from the journal.
 */
export class TileStore {
  readonly #directory: string;
  readonly #edges: Edge[] = [];
  /** Not written yet. */
  readonly #full = new Set<Tile>();
  /** Full tiles that a loss of power may leave cut short. */
  #unsynced: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** As `Frontier`'s `onSubtree`. */
  readonly onSubtree = (height: number, index: number, hash: Uint8Array): void => {
    if (height % tileHeight !== 0) {
      return;
    }
    const level = height / tileHeight;
    const edge = (this.#edges[level] ??= { index: 0, width: 0, hashes: new Uint8Array(tileWidth * hashBytes) });
    edge.index = Math.floor(index / tileWidth);
    edge.width = (index % tileWidth) + 1;
    edge.hashes.set(hash, (edge.width - 1) * hashBytes);
    if (edge.width === tileWidth) {
      this.#full.add({ path: tilePath(level, edge.index), hashes: edge.hashes.slice() });
      edge.width = 0;
      edge.index += 1;
    }
  };

  /** The edges for a restart; see `restore`. */
  edges(): TileEdges {
    return this.#edges.map(({ index, width, hashes }) => ({ index, hashes: hashes.slice(0, width * hashBytes) }));
  }

  /** Goes on where `edges` was taken. */
  restore(edges: TileEdges): void {
    for (const [level, { index, hashes }] of edges.entries()) {
      const edge = { index, width: hashes.length / hashBytes, hashes: new Uint8Array(tileWidth * hashBytes) };
      edge.hashes.set(hashes);
      this.#edges[level] = edge;
    }
  }

  /** All tiles not yet written, for the log as it is at this moment. */
  snapshot(): TileSnapshot {
    const partial = this.#edges.flatMap((edge, level) =>
      edge.width === 0 ? [] : [{ path: tilePath(level, edge.index, edge.width), hashes: edge.hashes.slice(0, edge.width * hashBytes) }],
    );
    return { full: [...this.#full], partial };
  }

  /** Writes what of a snapshot is not written yet. What cannot be written now is still part of every later one, also of one taken before this call. */
  async write(snapshot: TileSnapshot): Promise<void> {
    for (const tile of snapshot.full) {
      if (this.#full.has(tile)) {
        await this.#writeTile(tile);
        this.#full.delete(tile);
        this.#unsynced.push(tile.path);
      }
    }
    for (const tile of snapshot.partial) {
      await this.#writeTile(tile);
    }
  }

  /** Resolves when the full tiles written so far are on stable storage, which their names are with their directories. */
  async sync(): Promise<void> {
    const paths = [...this.#unsynced];
    const files = paths.map((path) => join(this.#directory, path));
    for (const file of [...files, ...new Set(files.map(dirname))]) {
      await using handle = await open(file, 'r');
      await handle.sync();
    }
    this.#unsynced = this.#unsynced.slice(paths.length);
  }

  /** To call once a checkpoint over this snapshot is published: whoever had a narrower tile finds the full one. */
  async dropPartials(snapshot: TileSnapshot): Promise<void> {
    await Promise.all(snapshot.full.map(async ({ path }) => rm(join(this.#directory, `${path}.p`), { recursive: true, force: true })));
  }

  /**
   * At a start, with what was just written: makes the narrower tiles again, for a loss of power may have left them cut short, and drops those of full tiles and what was never
   * finished. Full tiles are written again or were synced.
   */
  async restorePartials(snapshot: TileSnapshot): Promise<void> {
    const names = await readdir(join(this.#directory, 'tile'), { recursive: true }).catch(() => []);
    for (const name of names.filter((one) => /\.p\/\d+$|\.new$/.test(one))) {
      const [full, width] = `tile/${name}`.split('.p/');
      const growing = snapshot.partial.find(({ path }) => path.startsWith(`${full}.p/`));
      const bytes = Number(width) * hashBytes;
      if (growing !== undefined && bytes <= growing.hashes.length) {
        await this.#writeTile({ path: `tile/${name}`, hashes: growing.hashes.subarray(0, bytes) });
      } else {
        await rm(join(this.#directory, 'tile', name), { force: true });
      }
    }
  }

  async #writeTile({ path, hashes }: Tile): Promise<void> {
    const file = join(this.#directory, path);
    await mkdir(dirname(file), { recursive: true });
    await replaceWholeFile(file, hashes, false);
  }
}

export type TileEdges = readonly { readonly index: number; readonly hashes: Uint8Array }[];

interface Tile {
  readonly path: string;
  readonly hashes: Uint8Array;
}

export interface TileSnapshot {
  readonly full: readonly Tile[];
  readonly partial: readonly Tile[];
}

/** Whether all full tiles of a log of this size are there, whole. A partial one is written anew with the next checkpoint. */
export function hasFullTiles(directory: string, size: number): boolean {
  for (const { level, index, width } of tilesOf(size)) {
    if (width === tileWidth && statSync(join(directory, tilePath(level, index)), { throwIfNoEntry: false })?.size !== tileWidth * hashBytes) {
      return false;
    }
  }
  return true;
}

/** The tiles as files. */
export function openTiles(directory: string, size: number): TileReader {
  return new TileReader(size, async (path) => {
    const bytes = await readTile(directory, path);
    if (bytes === null) {
      throw new GatewayError('store_damaged', `The tile log/${path} is missing: run countersign verify.`);
    }
    return bytes;
  });
}

/** `path`: as `tilePath` prints it. A partial tile that is not there any more is the beginning of a wider one, or of the full one. Null when there is none of them. */
export async function readTile(directory: string, path: string): Promise<Uint8Array | null> {
  const [full = '', width] = path.split('.p/');
  for (let attempt = 0; attempt < readAttempts; attempt++) {
    const widths = width === undefined ? [] : await readdir(join(directory, `${full}.p`)).catch(() => []);
    const wider = widths.filter((one) => Number(one) > Number(width)).map((one) => `${full}.p/${one}`);
    for (const candidate of [path, ...wider, full]) {
      const bytes = await readFile(join(directory, candidate)).catch(() => null);
      if (bytes !== null) {
        return width === undefined ? bytes : bytes.subarray(0, Number(width) * hashBytes);
      }
    }
  }
  return null;
}
