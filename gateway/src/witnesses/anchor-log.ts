import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MalformedError } from '@countersign/ledger';
import {
  anchorEntryHash,
  AnchorHistory,
  decodeUtf8,
  emptyRoot,
  encodeEntryBundle,
  encodeUtf8,
  entryBundlePath,
  equalBytes,
  formatAnchorEntry,
  formatCheckpoint,
  formatVerifierKey,
  parseAnchorEntry,
  parseCheckpoint,
  parseVerifierKey,
  readAnchorBundles,
  signNote,
  tileWidth,
  verifyNote,
  type AnchoredLog,
  type AnchorEntry,
  type NoteSigner,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { LogTree } from '../recording/log-tree.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { TileSnapshot } from '../recording/tile-store.ts';
import { makeDataDirectory } from '../store/data-directory.ts';
import { replaceWholeFile, syncDirectory, writeWholeFile } from '../store/whole-file.ts';
import { makeKey, readKey } from './witness-key.ts';

const publicPath = /^(?:key|checkpoint|cosigned|tile\/(?:\d{1,2}|entries)\/(?:x\d{3}\/)*\d{3}(?:\.p\/\d{1,3})?)$/;

/**
 * The anchor log of a witness (docs/formats/anchor.md): which logs it was told of, what it has seen of them, and which have ended. An entry counts with the
 * checkpoint over it, which is written last; what a crash leaves of an entry before that is written again. Everything is read at the start.
 */
export class AnchorLog {
  readonly #directory: string;
  readonly #signer: NoteSigner;
  readonly #tree: LogTree;
  readonly #history = new AnchorHistory();
  /** The entries of the newest bundle, as long as it is not full. */
  #growing: Uint8Array[] = [];
  #written: Promise<void> = Promise.resolve();
  #published: PublishedCheckpoint = { size: -1, note: '' };
  /** Why nothing can be appended any more. Null: something can. */
  #failure: { readonly error: unknown } | null = null;

  private constructor(directory: string, signer: NoteSigner) {
    this.#directory = directory;
    this.#signer = signer;
    this.#tree = new LogTree(directory, { size: 0, subtrees: [], tiles: [] });
  }

  /** Opens the log in the directory of a witness; makes it there if there is none. Rejects with GatewayError `store_damaged` or `key_unavailable`. */
  static async open(data: string, name: string): Promise<AnchorLog> {
    const directory = join(data, 'anchor');
    const keyFile = join(data, 'anchor.key');
    makeDataDirectory(directory);
    if (!existsSync(keyFile)) {
      makeLog(directory, keyFile, name);
    }
    const log = new AnchorLog(directory, readKey(keyFile, 'note'));
    await log.#read(name);
    return log;
  }

  /** The verifier key of the log. */
  get vkey(): string {
    return formatVerifierKey(this.#signer);
  }

  /** The newest checkpoint that is on stable storage. */
  get published(): PublishedCheckpoint {
    return this.#published;
  }

  /** The logs that were enrolled, by origin. */
  get logs(): ReadonlyMap<string, AnchoredLog> {
    return this.#history.logs;
  }

  /** Returns a file of the log, for who verifies it: `key`, `checkpoint`, `tile/...`. Null: there is none of this name. */
  async file(path: string): Promise<Uint8Array | null> {
    return publicPath.test(path) ? readFile(join(this.#directory, path)).catch(() => null) : null;
  }

  /** Throws what an entry failed with, if one could not be written. */
  assertSound(): void {
    if (this.#failure !== null) {
      throw this.#failure.error;
    }
  }

  /**
   * Appends entries. They are on stable storage, under one signed checkpoint, when this resolves. Rejects with GatewayError `conflict` for one that cannot follow
   * those before it.
   */
  async append(entries: readonly AnchorEntry[]): Promise<void> {
    this.assertSound();
    const bundles: Bundle[] = [];
    for (const entry of entries) {
      this.#add(entry);
      if (this.#growing.length === tileWidth) {
        bundles.push(this.#bundle());
        this.#growing = [];
      }
    }
    if (this.#growing.length > 0) {
      bundles.push(this.#bundle());
    }
    const { size } = this.#history;
    const note = signNote(formatCheckpoint({ origin: this.#signer.name, size, root: this.#tree.root() }), this.#signer);
    const tiles = this.#tree.snapshotTiles();
    this.#written = this.#written.then(async () => this.#write({ bundles, tiles, checkpoint: { size, note } }));
    try {
      await this.#written;
    } catch (error) {
      // Whether the entries are on the disk is not known, so others at their place could be a second history.
      this.#failure ??= { error };
      throw error;
    }
  }

  #add(entry: AnchorEntry): void {
    const objection = this.#history.objectionTo(entry);
    if (objection !== null) {
      throw new GatewayError('conflict', `The anchor log cannot have this: an entry about ${entry.origin} ${objection}.`);
    }
    const bytes = formatAnchorEntry(entry);
    this.#history.add(entry);
    this.#growing.push(bytes);
    this.#tree.append(anchorEntryHash(bytes), 0);
  }

  /** The bundle with the newest entry. */
  #bundle(): Bundle {
    return { path: entryBundlePath(Math.floor((this.#history.size - 1) / tileWidth), this.#growing.length), bytes: encodeEntryBundle(this.#growing) };
  }

  async #write({ bundles, tiles, checkpoint }: Written): Promise<void> {
    for (const { path, bytes } of bundles) {
      const file = join(this.#directory, path);
      await makeDirectory(dirname(file));
      await replaceWholeFile(file, bytes);
    }
    await this.#tree.tiles.write(tiles);
    await replaceWholeFile(join(this.#directory, 'checkpoint'), checkpoint.note);
    this.#published = checkpoint;
    await this.#tree.tiles.dropPartials(tiles);
    for (const { path } of bundles.filter((bundle) => !bundle.path.includes('.p/'))) {
      await rm(join(this.#directory, `${path}.p`), { recursive: true, force: true });
    }
  }

  async #read(name: string): Promise<void> {
    try {
      const signed = readFileSync(join(this.#directory, 'checkpoint'));
      const outcome = await verifyNote(signed, [parseVerifierKey(this.vkey)]);
      const { origin, size, root } = parseCheckpoint(outcome.note.text);
      for await (const { entries } of readAnchorBundles(async (path) => readFile(join(this.#directory, path)).catch(() => undefined), size)) {
        this.#growing = entries.length === tileWidth ? [] : [...entries];
        for (const bytes of entries) {
          const entry = parseAnchorEntry(bytes);
          if (this.#history.objectionTo(entry) !== null) {
            throw new MalformedError('an entry does not follow those before it');
          }
          this.#history.add(entry);
          this.#tree.append(anchorEntryHash(bytes), 0);
        }
      }
      if (outcome.outcome !== 'verified' || origin !== name || !equalBytes(this.#tree.root(), root)) {
        throw new MalformedError('it is not what this witness signed');
      }
      this.#published = { size, note: decodeUtf8(signed) };
    } catch (cause) {
      throw new GatewayError('store_damaged', `${this.#directory} is not the anchor log of this witness, as its checkpoint has it. Restore it.`, { cause });
    }
    const tiles = this.#tree.snapshotTiles();
    await this.#tree.tiles.write(tiles);
    await this.#tree.tiles.restorePartials(tiles);
  }
}

/** Entries, as they are written. */
interface Bundle {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Written {
  readonly bundles: readonly Bundle[];
  readonly tiles: TileSnapshot;
  readonly checkpoint: PublishedCheckpoint;
}

/** Makes an empty log. The file of its key is written last: without it nothing that counts was signed yet, and a start makes all of it anew. */
function makeLog(directory: string, keyFile: string, name: string): void {
  if (existsSync(join(directory, 'tile'))) {
    throw new GatewayError('key_unavailable', `${keyFile} is not there, and ${directory} has entries that it signed. Restore it.`);
  }
  const { signer, file } = makeKey(name, 'note');
  writeWholeFile(join(directory, 'checkpoint'), signNote(formatCheckpoint({ origin: name, size: 0, root: emptyRoot }), signer));
  writeWholeFile(join(directory, 'key'), encodeUtf8(`${formatVerifierKey(signer)}\n`));
  writeWholeFile(keyFile, file, { isNew: true });
}

/** Makes a directory and its parents. Their names are on stable storage when this resolves. */
async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  for (let at = directory; first !== undefined && at.length >= first.length; at = dirname(at)) {
    syncDirectory(dirname(at));
  }
}
