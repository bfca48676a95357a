import { statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashBytes, tileHeight, tilePath, TileReader, tilesOf, tileWidth } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { replaceFile } from '../store/whole-file.ts';

/** A tile is looked for twice: during the first look all partial tiles may be replaced by the full one, which the second look finds. */
const readAttempts = 2;

/** The growing tile at the right edge of one level. */
interface Edge {
  index: number;
  width: number;
  readonly hashes: Uint8Array;
}

/**
 * Keeps the tiles of the log as files (`log/tile/...`, C2SP tlog-tiles). It gets subtree hashes as the log grows. Full tiles are written without delaying
 * traffic; partial tiles are written when a checkpoint is published, and each stays until the full one exists. All tiles can be made again from the journal.
 */
export class TileStore {
  readonly #directory: string;
  readonly #edges: Edge[] = [];
  /** Full tiles that are not written yet. */
  readonly #full = new Set<Tile>();
  /** Full tiles that are written but not synced: a loss of power may leave them cut short. */
  #unsynced: string[] = [];
  /** The paths of the tiles that were written while they were partial. */
  readonly #partial = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Takes a subtree hash, as `onSubtree` of a `Frontier`. */
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

  /** The growing tiles, for a restart; see `restore`. */
  edges(): TileEdges {
    return this.#edges.map(({ index, width, hashes }) => ({ index, hashes: hashes.slice(0, width * hashBytes) }));
  }

  /** Continues from the state in which `edges` was taken. */
  restore(edges: TileEdges): void {
    for (const [level, { index, hashes }] of edges.entries()) {
      const edge = { index, width: hashes.length / hashBytes, hashes: new Uint8Array(tileWidth * hashBytes) };
      edge.hashes.set(hashes);
      this.#edges[level] = edge;
    }
  }

  /** The tiles that are not yet written, for the log as it is at this moment. */
  snapshot(): TileSnapshot {
    const partial = this.#edges.flatMap((edge, level) =>
      edge.width === 0 ? [] : [{ path: tilePath(level, edge.index, edge.width), hashes: edge.hashes.slice(0, edge.width * hashBytes) }],
    );
    return { full: [...this.#full], partial };
  }

  /** Writes the tiles of a snapshot that are not written yet. A tile that cannot be written now is written with any later snapshot, even one that was taken before this call. */
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
      this.#partial.add(fullPath(tile.path));
    }
  }

  /** Resolves when the full tiles written so far are on stable storage. For their names to be, their directories are synced too. */
  async sync(): Promise<void> {
    const paths = [...this.#unsynced];
    const files = paths.map((path) => join(this.#directory, path));
    for (const file of [...files, ...new Set(files.map(dirname))]) {
      await using handle = await open(file, 'r');
      await handle.sync();
    }
    this.#unsynced = this.#unsynced.slice(paths.length);
  }

  /** Removes the partial tiles that full ones replace. To be called once a checkpoint over this snapshot is published: a reader of a partial tile then finds the full one. */
  async dropPartials(snapshot: TileSnapshot): Promise<void> {
    for (const { path } of snapshot.full.filter((tile) => this.#partial.has(tile.path))) {
      await rm(join(this.#directory, `${path}.p`), { recursive: true, force: true });
      this.#partial.delete(path);
    }
  }

  /**
   * Repairs partial tiles at a start, after this snapshot was written: writes narrower ones again, because a loss of power may have left them cut short, and
   * removes those of full tiles and files that were never finished. Full tiles need no repair: they were written again or were synced.
   */
  async restorePartials(snapshot: TileSnapshot): Promise<void> {
    const names = await readdir(join(this.#directory, 'tile'), { recursive: true }).catch(() => []);
    // Beside the levels there may be other tiles, as those of entries.
    for (const name of names.filter((one) => /^\d.*(?:\.p\/\d+|\.new)$/.test(one))) {
      const [full, width] = `tile/${name}`.split('.p/');
      const growing = snapshot.partial.find(({ path }) => path.startsWith(`${full}.p/`));
      const bytes = Number(width) * hashBytes;
      if (growing !== undefined && bytes <= growing.hashes.length) {
        this.#partial.add(`${full}`);
        await this.#writeTile({ path: `tile/${name}`, hashes: growing.hashes.subarray(0, bytes) });
      } else {
        await rm(join(this.#directory, 'tile', name), { force: true });
      }
    }
  }

  async #writeTile({ path, hashes }: Tile): Promise<void> {
    const file = join(this.#directory, path);
    try {
      await replaceFile(file, hashes);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
        throw error;
      }
      await mkdir(dirname(file), { recursive: true });
      await replaceFile(file, hashes);
    }
  }
}

/** Returns the path of the full tile that a partial tile grows into. */
function fullPath(path: string): string {
  return path.replace(/\.p\/\d+$/, '');
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

/** True if all full tiles of a log of this size exist in full length. A partial tile is written anew with the next checkpoint. */
export function hasFullTiles(directory: string, size: number): boolean {
  for (const { level, index, width } of tilesOf(size)) {
    if (width === tileWidth && statSync(join(directory, tilePath(level, index)), { throwIfNoEntry: false })?.size !== tileWidth * hashBytes) {
      return false;
    }
  }
  return true;
}

/** Opens a reader of the tile files. */
export function openTiles(directory: string, size: number): TileReader {
  return new TileReader(size, async (path) => {
    const bytes = await readTile(directory, path);
    if (bytes === null) {
      throw new GatewayError('store_damaged', `The tile log/${path} is missing: run countersign verify.`);
    }
    return bytes;
  });
}

/** Reads a tile. `path` is as `tilePath` prints it. If a partial tile no longer exists, the beginning of a wider one or of the full one is returned. Null if there is none of them. */
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
