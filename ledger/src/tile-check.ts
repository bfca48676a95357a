/** Compares every tile file of a store with the hashes computed from the journal, while the log grows past it. */
import { hashBytes } from './leaf.ts';
import { equalBytes } from './proof.ts';
import type { StoreFiles } from './store-files.ts';
import { parseTilePath, tileHeight, tilePath, tilesOf, tileWidth } from './tile.ts';
import { orMalformedLater, type Findings } from './verdict.ts';

const directory = 'log/tile';
const levelsMax = 7;
const readsMax = 16;
/** The partial tiles of a tile are in a directory that has the tile's name with this suffix. */
const partialSuffix = '.p';

/** The hashes of the tile that is growing at one level. */
interface Growing {
  readonly hashes: Uint8Array;
  index: number;
  width: number;
  /** The widths for which a file of this tile exists. */
  due: readonly number[];
}

interface DueTile {
  readonly path: string;
  readonly expected: Uint8Array;
}

/** Adds the widths of the tile files below a directory to `tiles`. */
async function listTiles(files: StoreFiles, path: string, tiles: Map<string, number[]>): Promise<void> {
  const names = await files.list(path);
  const add = (file: string): void => {
    const tile = parseTilePath(file.slice('log/'.length));
    if (tile !== undefined) {
      const key = tilePath(tile.level, tile.index);
      tiles.set(key, [...new Set([...(tiles.get(key) ?? []), tile.width])]);
    }
  };
  for (const name of names) {
    if (name.endsWith('/')) {
      await listTiles(files, `${path}/${name.slice(0, -1)}`, tiles);
    } else {
      add(`${path}/${name}`);
    }
  }
  const full = path.slice(0, -partialSuffix.length);
  if (names.length === 0 && path.endsWith(partialSuffix) && (await files.size(full)) !== undefined) {
    // A gateway that runs removed the partial tiles since they were seen. Before that it wrote the full one, perhaps after the list that would name it.
    add(full);
  }
}

export class TileCheck {
  readonly #files: StoreFiles;
  readonly #findings: Findings;
  /** Widths of the files by tile. They were listed before the journal was read, so the journal already has all their leaves. */
  readonly #listed: Map<string, number[]>;
  readonly #widest = new Map<string, number>();
  readonly #levels: Growing[] = [];
  #due: DueTile[] = [];
  #checked = 0;

  private constructor(files: StoreFiles, findings: Findings, listed: Map<string, number[]>) {
    this.#files = files;
    this.#findings = findings;
    this.#listed = listed;
    for (const [key, widths] of listed) {
      this.#widest.set(key, Math.max(...widths));
    }
    for (let level = 0; level < levelsMax; level++) {
      this.#levels.push({
        hashes: new Uint8Array(tileWidth * hashBytes),
        index: 0,
        width: 0,
        due: listed.get(tilePath(level, 0)) ?? [],
      });
    }
  }

  static async open(files: StoreFiles, findings: Findings): Promise<TileCheck> {
    const listed = new Map<string, number[]>();
    await orMalformedLater(findings, directory, async () => listTiles(files, directory, listed));
    return new TileCheck(files, findings, listed);
  }

  get checked(): number {
    return this.#checked;
  }

  /** Takes each perfect subtree of the log when it is complete (`OnSubtree`). The subtrees of heights 0, 8, 16 … are the hashes in tiles. */
  readonly addSubtree = (height: number, _index: number, hash: Uint8Array): void => {
    if (height % tileHeight === 0) {
      this.#append(height / tileHeight, hash);
    }
  };

  /** Reads and compares the tiles that are now complete. */
  async flush(): Promise<void> {
    const due = this.#due;
    this.#due = [];
    for (let at = 0; at < due.length; at += readsMax) {
      await Promise.all(due.slice(at, at + readsMax).map(async (tile) => orMalformedLater(this.#findings, tile.path, async () => this.#compare(tile))));
    }
  }

  /** Ends the check after the last leaf, and reports tiles that are missing or hold leaves that do not exist. `size` is that of the published checkpoint. */
  finish(size: number): void {
    for (const path of this.#listed.keys()) {
      this.#findings.add('completeness', `log/${path}`, 'tile of leaves that the journal does not have');
    }
    for (const { level, index, width } of tilesOf(size)) {
      if ((this.#widest.get(tilePath(level, index)) ?? 0) < width) {
        this.#findings.add('completeness', `log/${tilePath(level, index, width)}`, 'tile missing');
      }
    }
  }

  #append(level: number, hash: Uint8Array): void {
    const growing = this.#levels[level];
    if (growing === undefined) {
      return;
    }
    growing.hashes.set(hash, growing.width * hashBytes);
    growing.width += 1;
    if (growing.due.includes(growing.width)) {
      this.#becomeDue(level, growing);
    }
    if (growing.width === tileWidth) {
      growing.index += 1;
      growing.width = 0;
      growing.due = this.#listed.get(tilePath(level, growing.index)) ?? [];
    }
  }

  #becomeDue(level: number, growing: Growing): void {
    const key = tilePath(level, growing.index);
    growing.due = growing.due.filter((width) => width !== growing.width);
    if (growing.due.length === 0) {
      this.#listed.delete(key);
    } else {
      this.#listed.set(key, [...growing.due]);
    }
    this.#due.push({
      path: `log/${tilePath(level, growing.index, growing.width)}`,
      expected: growing.hashes.slice(0, growing.width * hashBytes),
    });
  }

  async #compare({ path, expected }: DueTile): Promise<void> {
    const tile = (await readPresent(this.#files, path, expected.length)) ?? (await this.#standIn(path, expected.length));
    if (tile === undefined) {
      this.#findings.add('completeness', path, 'tile missing');
      return;
    }
    const { bytes, actual } = tile;
    if (bytes < expected.length) {
      this.#findings.add('completeness', path, 'tile cut short');
    } else if (actual === undefined || !equalBytes(actual, expected)) {
      this.#findings.add('integrity', path, 'tile does not hold the hashes of the log');
    }
    this.#checked += 1;
  }

  /** Reads the beginning of the full tile in place of a partial one. A running gateway removes a partial tile once the full one exists. Undefined if there is no full tile. */
  async #standIn(path: string, bytes: number): Promise<ReadTile | undefined> {
    const [full = '', width] = path.split(`${partialSuffix}/`);
    const isFull = width !== undefined && (await this.#files.size(full)) === tileWidth * hashBytes;
    return isFull ? { bytes, actual: await this.#files.read(full, 0, bytes) } : undefined;
  }
}

interface ReadTile {
  readonly bytes: number;
  readonly actual: Uint8Array | undefined;
}

/** The length of a file, and its content if the length is the expected one. Undefined if there is no such file, also if it was removed meanwhile. */
async function readPresent(files: StoreFiles, path: string, expected: number): Promise<ReadTile | undefined> {
  const bytes = await files.size(path);
  if (bytes === undefined || bytes !== expected) {
    return bytes === undefined ? undefined : { bytes, actual: undefined };
  }
  try {
    return { bytes, actual: await files.read(path, 0, bytes) };
  } catch (error) {
    if ((await files.size(path)) === undefined) {
      return undefined;
    }
    throw error;
  }
}
