import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashBytes } from '@countersign/ledger/leaf.ts';
import { GatewayError } from '../domain/errors.ts';
import { replaceWholeFile } from '../store/whole-file.ts';
import { tileHeight, tilePath, tileWidth, TileReader } from '@countersign/ledger/tile.ts';

/** The growing tile at the right edge of one level. */
interface Edge {
  index: number;
  width: number;
  readonly hashes: Uint8Array;
}

/**
 * The tiles of the log as files (`log/tile/...`, C2SP tlog-tiles), fed with subtree hashes as the log grows. Full tiles are written
 * behind the traffic; partial ones when a checkpoint is published. All of it can be made again from the journal.
 */
export class TileStore {
  readonly #directory: string;
  readonly #edges: Edge[] = [];
  /** Not written yet. */
  readonly #full = new Set<Tile>();
  #partialPaths: string[] = [];
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

  /** To call once the checkpoint of this snapshot is published: the partial tiles of the one before are not needed any more. */
  async forgetOlder(snapshot: TileSnapshot): Promise<void> {
    const kept = new Set(snapshot.partial.map((tile) => tile.path));
    const old = this.#partialPaths.filter((path) => !kept.has(path));
    this.#partialPaths = [...kept];
    await Promise.all(old.map((path) => rm(join(this.#directory, path), { force: true })));
  }

  /**
   * At a start, with what was just written: drops all other partial tiles. Loss of power may have left them cut short, and nobody needs them
   * beside a wider one. Full tiles are written again or were synced.
   */
  async forgetOthers(snapshot: TileSnapshot): Promise<void> {
    const kept = new Set(snapshot.partial.map((tile) => tile.path));
    const names = await readdir(join(this.#directory, 'tile'), { recursive: true }).catch(() => []);
    const old = names.map((name) => `tile/${name}`).filter((path) => /\.p\/\d+$|\.new$/.test(path) && !kept.has(path));
    await Promise.all(old.map((path) => rm(join(this.#directory, path), { force: true })));
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

/** The tiles as files. A partial tile that a newer checkpoint has replaced is found as the beginning of the wider one. */
export function openTiles(directory: string, size: number): TileReader {
  return new TileReader(size, async (path) => {
    const [full = '', width] = path.split('.p/');
    const candidates = [path];
    if (width !== undefined) {
      const widths = await readdir(join(directory, `${full}.p`)).catch(() => []);
      candidates.push(...widths.filter((wider) => Number(wider) > Number(width)).map((wider) => `${full}.p/${wider}`), full);
    }
    for (const candidate of candidates) {
      const bytes = await readFile(join(directory, candidate)).catch(() => null);
      if (bytes !== null) {
        return width === undefined ? bytes : bytes.subarray(0, Number(width) * hashBytes);
      }
    }
    throw new GatewayError('store_damaged', `The tile log/${path} is missing: run countersign verify.`);
  });
}
