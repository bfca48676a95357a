import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { MalformedError } from '@countersign/ledger';
import {
  cosign,
  emptyRoot,
  encodeHex,
  encodeUtf8,
  equalBytes,
  formatSignatureLine,
  formatWitnessKey,
  parseCheckpoint,
  parseNote,
  parseWitnessKey,
  sha256,
  signatureTypes,
  verifyConsistency,
  verifyCosignatures,
  verifyNote,
  type NoteSignature,
  type NoteSigner,
  type VerifierKey,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { makeDataDirectory } from '../store/data-directory.ts';
import { holdSqlite } from '../store/sqlite.ts';
import { requireLocks } from '../store/store-lock.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import { parseAddCheckpoint, sizeMediaType } from './add-checkpoint.ts';
import { openWitnessKey } from './witness-key.ts';

const takeMs = 500;

/** The answer of a witness to a request. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly mediaType: string;
  readonly body: string;
}

interface WitnessOptions {
  /** The directory of the key and of what was cosigned; made if it is not there. */
  readonly data: string;
  /** The name of the key, if it is made now; null: one is made of the name of this machine. */
  readonly name: string | null;
  /** The keys of the logs that it cosigns. A log may have several. */
  readonly logs: readonly VerifierKey[];
  readonly now: () => number;
}

/** The tree of a log that was cosigned last. */
interface Seen {
  readonly size: number;
  readonly root: Uint8Array;
}

const nothingSeen: Seen = { size: 0, root: emptyRoot };

/**
 * A witness of logs, c2sp.org/tlog-witness. It cosigns a checkpoint only if it continues the one that it cosigned last of that log. That one is on stable storage
 * before a cosignature leaves, so that after any crash it never cosigns another history.
 */
export class Witness implements Disposable {
  readonly #options: WitnessOptions;
  readonly #lock: Disposable;
  readonly #signer: NoteSigner;
  /** By the origin of each log that it cosigns. */
  readonly #seen: Map<string, Seen>;

  private constructor(options: WitnessOptions, lock: Disposable, signer: NoteSigner, seen: Map<string, Seen>) {
    this.#options = options;
    this.#lock = lock;
    this.#signer = signer;
    this.#seen = seen;
  }

  /** Rejects with GatewayError `store_in_use`, `store_damaged`, `key_unavailable` or `config_invalid`. */
  static async open(options: WitnessOptions): Promise<Witness> {
    const { data } = options;
    makeDataDirectory(data);
    requireLocks(data, statfsSync(data).type);
    const lock = holdSqlite(join(data, 'witness.lock'), takeMs);
    if (lock === null) {
      throw new GatewayError('store_in_use', `${data} is in use by another witness. Stop it first, or use another directory.`);
    }
    using parts = new DisposableStack();
    parts.use(lock);
    const signer = openWitnessKey(join(data, 'witness.key'), options.name);
    const seen = new Map<string, Seen>();
    for (const { name } of options.logs) {
      seen.set(name, await readSeen(fileOf(data, name), name, signer));
    }
    parts.move();
    return new Witness(options, lock, signer, seen);
  }

  /** The verifier key of the witness. */
  get vkey(): string {
    return formatWitnessKey(this.#signer);
  }

  /** Answers a request `add-checkpoint`. Throws errors of the file system, and then no cosignature was given. */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    try {
      const { oldSize, proof, note } = parseAddCheckpoint(body);
      const { text } = parseNote(encodeUtf8(note));
      const checkpoint = parseCheckpoint(text);
      const keys = this.#options.logs.filter(({ name }) => name === checkpoint.origin);
      if (keys.length === 0) {
        return said(404, 'this log is not one that is cosigned here');
      }
      const signed = await verifyNote(encodeUtf8(note), keys);
      if (signed.outcome !== 'verified') {
        return said(403, 'no key that is known of this log has signed the checkpoint');
      }
      if (oldSize > checkpoint.size) {
        return said(400, 'the old size is larger than that of the checkpoint');
      }
      // From here on nothing is waited for, so that requests for a log come one after the other.
      return this.#consider({ ...checkpoint, text, lines: linesOf(signed.note.signatures, keys) }, oldSize, proof);
    } catch (error) {
      if (error instanceof MalformedError) {
        return said(400, error.message);
      }
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }

  #consider(given: SignedTree, oldSize: number, proof: readonly Uint8Array[]): WitnessAnswer {
    const { origin, size, root, text } = given;
    const seen = this.#seen.get(origin) ?? nothingSeen;
    if (oldSize !== seen.size) {
      return sizeOf(seen);
    }
    if (oldSize === size && !equalBytes(root, seen.root)) {
      this.#keepFork(given);
      return sizeOf(seen);
    }
    const continues =
      oldSize === 0 || oldSize === size ? proof.length === 0 : verifyConsistency({ size1: oldSize, size2: size, root1: seen.root, root2: root, proof });
    if (!continues) {
      this.#keepFork(given);
      return said(422, 'the proof does not show that the log continues what was cosigned of it');
    }
    const line = cosign(text, this.#signer, Math.floor(this.#options.now() / 1000));
    writeWholeFile(fileOf(this.#options.data, origin), `${text}\n${given.lines}${line}`);
    this.#seen.set(origin, { size, root });
    return { status: 200, mediaType: 'text/plain; charset=utf-8', body: line };
  }

  /** Keeps the newest checkpoint that the log has signed and that does not continue what it had signed before: that may prove that the log has two histories. */
  #keepFork({ origin, text, lines }: SignedTree): void {
    writeWholeFile(`${fileOf(this.#options.data, origin)}.refused`, `${text}\n${lines}`);
  }
}

interface SignedTree extends Seen {
  readonly origin: string;
  /** The text of the note. */
  readonly text: string;
  /** The signature lines by known keys of the log. */
  readonly lines: string;
}

/** Formats the lines by these keys again. What else is in the note was not verified, and is not kept. */
function linesOf(signatures: readonly NoteSignature[], keys: readonly VerifierKey[]): string {
  return signatures
    .flatMap(({ name, id, signature }) =>
      keys.filter((key) => key.name === name && key.id === id).map((key) => formatSignatureLine(key, signatureTypes.note, signature)),
    )
    .join('');
}

function fileOf(data: string, origin: string): string {
  return join(data, `${encodeHex(sha256(encodeUtf8(origin))).slice(0, 32)}.checkpoint`);
}

/** Reads what was cosigned last of a log. Rejects with GatewayError `store_damaged` if the file is not what this witness wrote. */
async function readSeen(file: string, origin: string, signer: NoteSigner): Promise<Seen> {
  if (!existsSync(file)) {
    return nothingSeen;
  }
  try {
    const note = parseNote(readFileSync(file));
    const checkpoint = parseCheckpoint(note.text);
    const { held } = await verifyCosignatures(note, [parseWitnessKey(formatWitnessKey(signer))]);
    if (held.length > 0 && checkpoint.origin === origin) {
      return checkpoint;
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) {
      throw error;
    }
  }
  throw new GatewayError(
    'store_damaged',
    `${file} is not what this witness cosigned last of ${origin}. Restore it: without it the witness could cosign another history of this log.`,
  );
}

function sizeOf({ size }: Seen): WitnessAnswer {
  return { status: 409, mediaType: sizeMediaType, body: `${size}\n` };
}

function said(status: WitnessAnswer['status'], what: string): WitnessAnswer {
  return { status, mediaType: 'text/plain; charset=utf-8', body: `${what}\n` };
}
