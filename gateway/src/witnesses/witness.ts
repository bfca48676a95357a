import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { MalformedError } from '@countersign/ledger';
import {
  anchorEveryS,
  anchorReasonMax,
  cosign,
  emptyRoot,
  encodeHex,
  encodeUtf8,
  equalBytes,
  formatSignatureLine,
  formatVerifierKey,
  formatWitnessKey,
  isAnchorReason,
  isQuorum,
  parseCheckpoint,
  parseHandover,
  parseNote,
  parseVerifierKey,
  parseWitnessKey,
  ringKeysMax,
  sha256,
  signatureTypes,
  verifyConsistency,
  verifyCosignatures,
  verifyNote,
  type AnchoredLog,
  type AnchorEntry,
  type Handover,
  type NoteSignature,
  type NoteSigner,
  type VerifierKey,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { openTiles } from '../recording/tile-store.ts';
import { makeDataDirectory } from '../store/data-directory.ts';
import { holdSqlite } from '../store/sqlite.ts';
import { requireLocks } from '../store/store-lock.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import { parseAddCheckpoint, sizeMediaType } from './add-checkpoint.ts';
import { AnchorLog } from './anchor-log.ts';
import { Cosigning, proveWith, type CosigningOptions } from './cosigning.ts';
import { continues, HandedOver, openHandover } from './handed-over.ts';
import { openWitnessKey } from './witness-key.ts';

const takeMs = 500;
/** Those who cosign the anchor log are asked for at most this long before a start goes on. */
const compareMs = 10_000;

/** The answer of a witness to a request. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly mediaType: string;
  readonly body: string;
}

interface WitnessOptions {
  /** The directory of the keys, of what was cosigned, and of the anchor log; made if it is not there. */
  readonly data: string;
  /** The name of the key, if it is made now; null: one is made of the name of this machine. */
  readonly name: string | null;
  /** The keys of logs that it cosigns from now on, beside those that were enrolled before. A log may have several. */
  readonly logs: readonly VerifierKey[];
  readonly now: () => number;
  /** So many ms later at most, a log's newest tree that was cosigned is in the anchor log; absent: 10 minutes. */
  readonly anchorMs?: number;
  /** The witnesses that are asked to cosign the anchor log; absent: none are. */
  readonly anchorWitnesses?: Pick<CosigningOptions, 'settings' | 'onNews' | 'onTrouble'>;
}

/** The tree of a log that was cosigned last. */
interface Seen {
  readonly size: number;
  readonly root: Uint8Array;
}

interface Cosigned extends Seen {
  /** The time of the cosignature, in s since 1970. */
  readonly timeS: number;
  /** The signature lines of the log. */
  readonly signatures: readonly NoteSignature[];
}

const nothingSeen: Cosigned = { size: 0, root: emptyRoot, timeS: 0, signatures: [] };

/**
 * A witness of logs, c2sp.org/tlog-witness. It cosigns a checkpoint only if it continues the one that it cosigned last of that log. That one is on stable storage
 * before a cosignature leaves, so that after any crash it never cosigns another history. What it has seen goes into its anchor log afterwards: that never says
 * more than was cosigned, and a start adds what a crash left out.
 */
export class Witness implements AsyncDisposable {
  readonly #options: WitnessOptions;
  readonly #lock: Disposable;
  readonly #signer: NoteSigner;
  readonly #anchor: AnchorLog;
  /** By the origin of each log that was enrolled. */
  readonly #seen = new Map<string, Cosigned>();
  readonly #handedOver = new HandedOver();
  /** By origin, when it was last written into the anchor log since the start, in ms of the monotonic clock. */
  readonly #anchoredMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #cosigning: Cosigning | null;

  private constructor(options: WitnessOptions, lock: Disposable, signer: NoteSigner, anchor: AnchorLog) {
    this.#options = options;
    this.#lock = lock;
    this.#signer = signer;
    this.#anchor = anchor;
    this.#timer = setInterval(() => {
      // The anchor log tells the next request that it failed.
      void this.#anchorAll().catch(() => undefined);
    }, this.#anchorMs).unref();
    const { data, now, anchorWitnesses } = options;
    this.#cosigning =
      anchorWitnesses === undefined ? null : new Cosigning({ ...anchorWitnesses, directory: join(data, 'anchor'), handovers: () => Promise.resolve([]), now });
  }

  /** Rejects with GatewayError `store_in_use`, `store_damaged`, `store_rolled_back`, `key_unavailable` or `config_invalid`. */
  static async open(options: WitnessOptions): Promise<Witness> {
    const { data } = options;
    makeDataDirectory(data);
    requireLocks(data, statfsSync(data).type);
    const lock = holdSqlite(join(data, 'witness.lock'), takeMs);
    if (lock === null) {
      throw new GatewayError('store_in_use', `${data} is in use by another witness. Stop it first, or use another directory.`);
    }
    await using parts = new AsyncDisposableStack();
    parts.use(lock);
    const signer = openWitnessKey(join(data, 'witness.key'), options.name);
    const witness = new Witness(options, lock, signer, await AnchorLog.open(data, `${signer.name}/anchor`));
    parts.defer(async () => {
      clearInterval(witness.#timer);
      await witness.#cosigning?.[Symbol.asyncDispose]();
    });
    await witness.#requireNewest();
    await witness.#begin();
    parts.move();
    return witness;
  }

  /** The verifier key of the witness. */
  get vkey(): string {
    return formatWitnessKey(this.#signer);
  }

  /** The verifier key of its anchor log. */
  get anchorKey(): string {
    return this.#anchor.vkey;
  }

  /** The logs that were enrolled, as the anchor log has them, by origin. */
  get logs(): ReadonlyMap<string, AnchoredLog> {
    return this.#anchor.logs;
  }

  /** Returns a file of the anchor log, as `checkpoint` or `tile/0/000.p/7`. Null: it has none of this name. */
  async anchorFile(path: string): Promise<Uint8Array | null> {
    return this.#anchor.file(path);
  }

  /**
   * Ends a log: nothing more of it is cosigned, and its last tree is in the anchor log for good. Returns that. Rejects with GatewayError `not_found` if it is not
   * enrolled, `conflict` if it was retired, or `config_invalid` for a reason that is none.
   */
  async retire(origin: string, reason: string): Promise<AnchoredLog> {
    const log = this.#anchor.logs.get(origin);
    if (log === undefined) {
      const known = [...this.#anchor.logs.keys()].join(', ') || 'none';
      throw new GatewayError('not_found', `${origin} is not enrolled with this witness. Enrolled: ${known}.`);
    }
    if (!isAnchorReason(reason)) {
      throw new GatewayError('config_invalid', `A reason is one line of 1 to ${anchorReasonMax} characters: --reason TEXT.`);
    }
    await this.#anchor.append([{ ...this.#seenOf(origin), timeS: this.#nowS(), kind: 'retire', origin, reason }]);
    return this.#anchor.logs.get(origin) ?? log;
  }

  /** Answers a request `add-checkpoint`. Throws errors of the file system, and then no cosignature was given. */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    this.#anchor.assertSound();
    try {
      const { oldSize, proof, note } = parseAddCheckpoint(body);
      const { text } = parseNote(encodeUtf8(note));
      const checkpoint = parseCheckpoint(text);
      const log = this.#anchor.logs.get(checkpoint.origin);
      if (log === undefined) {
        return said(404, 'this log is not one that is cosigned here');
      }
      const handover = await openHandover(note, text);
      const next = handover?.keys.slice(-1).map(({ key }) => key) ?? [];
      const signed = await verifyNote(encodeUtf8(note), this.#handedOver.keysOf(log.origin, log.keys).all);
      if (oldSize > checkpoint.size) {
        return said(400, 'the old size is larger than that of the checkpoint');
      }
      // From here on nothing is waited for, so that requests for a log come one after the other, and each knows the key that the one before has brought.
      const keys = this.#handedOver.keysOf(log.origin, log.keys);
      const counts = (key: VerifierKey): boolean =>
        keys.signs(key, checkpoint.size) && (checkpoint.size < this.#seenOf(log.origin).size || this.#isInForce(key, log));
      const isSigned = signed.outcome === 'verified' && signed.signers.some(counts);
      if (!isSigned || (handover !== null && !continues(handover, keys))) {
        return said(403, 'no key that is known of this log has signed the checkpoint');
      }
      const answer = this.#consider({ ...checkpoint, text, lines: linesOf(signed.note.signatures, [...keys.all, ...next]), handover }, oldSize, proof);
      await this.#enrolNext(log.origin);
      if (performance.now() - (this.#anchoredMs.get(checkpoint.origin) ?? -Infinity) >= this.#anchorMs) {
        await this.#anchorSeen([checkpoint.origin]);
      }
      return answer;
    } catch (error) {
      if (error instanceof MalformedError) {
        return said(400, error.message);
      }
      throw error;
    }
  }

  /** Writes what it has seen into the anchor log, has that cosigned for a last time, and gives the directory free. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.#anchorAll();
    } finally {
      await this.#cosigning?.[Symbol.asyncDispose]();
      this.#lock[Symbol.dispose]();
    }
  }

  /** Asks those who cosign the anchor log whether it is the newest, before anything is appended. Those that cannot be reached say nothing. */
  async #requireNewest(): Promise<void> {
    const { data, anchorWitnesses } = this.#options;
    if (this.#cosigning === null || anchorWitnesses === undefined) {
      return;
    }
    const prove = proveWith((size) => openTiles(join(data, 'anchor'), size));
    const disagreeing = await this.#cosigning.compare(this.#anchor.published, prove, compareMs);
    const { policy } = anchorWitnesses.settings;
    if (policy.quorum !== null && isQuorum(policy, new Set(disagreeing.map(({ name }) => name)))) {
      const words = disagreeing.map(({ name, why }) => `${name}: ${why}`).join('; ');
      throw new GatewayError(
        'store_rolled_back',
        `${data} is older than other witnesses know (of its anchor log, ${words}). Restore the newer copy; if there is none, make a new witness with a new key.`,
      );
    }
  }

  /** Reads what was cosigned, enrols the logs that are new, and writes what a crash left out of the anchor log. */
  async #begin(): Promise<void> {
    const { data, logs } = this.#options;
    for (const origin of new Set([...this.#anchor.logs.keys(), ...logs.map(({ name }) => name)])) {
      const { cosigned = nothingSeen } = (await readCosigned(fileOf(data, origin), origin, this.#signer)) ?? {};
      this.#seen.set(origin, cosigned);
      const handover = await readCosigned(ringFileOf(data, origin), origin, this.#signer);
      if (handover !== null) {
        this.#handedOver.take(parseHandover(handover.text));
      }
    }
    for (const { origin, newest } of this.#anchor.logs.values()) {
      const { size, root } = this.#seenOf(origin);
      if (size < newest.size || (size === newest.size && !equalBytes(root, newest.root))) {
        throw new GatewayError(
          'store_damaged',
          `${fileOf(data, origin)} is older than the anchor log of this witness. Restore it: the witness could cosign another history of this log.`,
        );
      }
    }
    const enrolled = [...new Set(logs.map(formatVerifierKey))].filter((vkey) => {
      const log = this.#anchor.logs.get(parseVerifierKey(vkey).name);
      return log === undefined || (log.retired === null && !log.keys.includes(vkey));
    });
    if (enrolled.length > 0) {
      const timeS = this.#nowS();
      await this.#anchor.append(
        enrolled.map((vkey) => {
          const { name: origin } = parseVerifierKey(vkey);
          return { ...this.#seenOf(origin), timeS, kind: 'enrol', origin, vkey };
        }),
      );
    }
    for (const origin of this.#anchor.logs.keys()) {
      await this.#enrolNext(origin);
    }
    await this.#anchorAll();
    this.#cosigning?.begin(() => this.#anchor.published);
  }

  /** Enrols the key that has taken over last of a log, unless the anchor log has it, or no room for more. */
  async #enrolNext(origin: string): Promise<void> {
    const log = this.#anchor.logs.get(origin);
    const vkey = this.#handedOver.newestOf(origin);
    if (log?.retired === null && vkey !== null && !log.keys.includes(vkey) && log.keys.length < ringKeysMax) {
      await this.#anchor.append([{ ...this.#seenOf(origin), timeS: this.#nowS(), kind: 'enrol', origin, vkey }]);
    }
  }

  async #anchorAll(): Promise<void> {
    await this.#anchorSeen([...this.#anchor.logs.keys()]);
  }

  /** Writes what was cosigned of logs into the anchor log, unless that has it. */
  async #anchorSeen(origins: readonly string[]): Promise<void> {
    const entries = origins.flatMap((origin): readonly AnchorEntry[] => {
      const log = this.#anchor.logs.get(origin);
      const seen = this.#seenOf(origin);
      return log?.retired === null && seen.size > log.newest.size ? [{ kind: 'seen', origin, ...seen }] : [];
    });
    if (entries.length > 0) {
      entries.forEach(({ origin }) => this.#anchoredMs.set(origin, performance.now()));
      await this.#anchor.append(entries);
    }
  }

  /**
   * True unless a key that was enrolled later than this one has signed what was cosigned last. So the key before is over too where the later one was enrolled by hand, and
   * no handover says from which size on it signs.
   */
  #isInForce(key: VerifierKey, { origin, keys }: AnchoredLog): boolean {
    const { signatures } = this.#seenOf(origin);
    const inForce = keys.map(parseVerifierKey).findLastIndex(({ name, id }) => signatures.some((each) => each.name === name && each.id === id));
    const vkey = formatVerifierKey(key);
    return vkey === this.#handedOver.newestOf(origin) || keys.indexOf(vkey) >= inForce;
  }

  get #anchorMs(): number {
    return this.#options.anchorMs ?? anchorEveryS * 1000;
  }

  #seenOf(origin: string): Cosigned {
    return this.#seen.get(origin) ?? nothingSeen;
  }

  #nowS(): number {
    return Math.floor(this.#options.now() / 1000);
  }

  #consider(given: SignedTree, oldSize: number, proof: readonly Uint8Array[]): WitnessAnswer {
    const { origin, size, root, text } = given;
    if (this.#anchor.logs.get(origin)?.retired !== null) {
      return said(404, 'this log was retired');
    }
    const seen = this.#seenOf(origin);
    if (oldSize !== seen.size) {
      return sizeOf(seen);
    }
    if (oldSize === size && !equalBytes(root, seen.root)) {
      this.#keepFork(given);
      return sizeOf(seen);
    }
    const isGrowth =
      oldSize === 0 || oldSize === size ? proof.length === 0 : verifyConsistency({ size1: oldSize, size2: size, root1: seen.root, root2: root, proof });
    if (!isGrowth) {
      this.#keepFork(given);
      return said(422, 'the proof does not show that the log continues what was cosigned of it');
    }
    const timeS = this.#nowS();
    const line = cosign(text, this.#signer, timeS);
    const cosigned = `${text}\n${given.lines}${line}`;
    if (given.handover !== null) {
      // It comes first: a witness that is killed before the next line knows the new key, and is asked again.
      writeWholeFile(ringFileOf(this.#options.data, origin), cosigned);
      this.#handedOver.take(given.handover);
    }
    writeWholeFile(fileOf(this.#options.data, origin), cosigned);
    this.#seen.set(origin, { size, root, timeS, signatures: parseNote(encodeUtf8(cosigned)).signatures });
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
  /** Where a key takes over with this checkpoint. */
  readonly handover: Handover | null;
}

/** Formats the lines by these keys again. What else is in the note was not verified, and is not kept. */
function linesOf(signatures: readonly NoteSignature[], keys: readonly VerifierKey[]): string {
  return signatures
    .flatMap(({ name, id, signature }) =>
      keys.filter((key) => key.name === name && key.id === id).map((key) => formatSignatureLine(key, signatureTypes.note, signature)),
    )
    .join('');
}

function ringFileOf(data: string, origin: string): string {
  return `${fileOf(data, origin)}.keys`;
}

function fileOf(data: string, origin: string): string {
  return join(data, `${encodeHex(sha256(encodeUtf8(origin))).slice(0, 32)}.checkpoint`);
}

/** Reads what was cosigned of a log; null if nothing was. Rejects with GatewayError `store_damaged` if the file is not what this witness wrote. */
async function readCosigned(file: string, origin: string, signer: NoteSigner): Promise<{ readonly cosigned: Cosigned; readonly text: string } | null> {
  if (!existsSync(file)) {
    return null;
  }
  try {
    const note = parseNote(readFileSync(file));
    const checkpoint = parseCheckpoint(note.text);
    const [cosignature] = (await verifyCosignatures(note, [parseWitnessKey(formatWitnessKey(signer))])).held;
    if (cosignature !== undefined && checkpoint.origin === origin) {
      return { cosigned: { size: checkpoint.size, root: checkpoint.root, timeS: cosignature.timeS, signatures: note.signatures }, text: note.text };
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
