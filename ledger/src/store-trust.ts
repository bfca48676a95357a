/** The keys whose signatures count, and what signed checkpoints claim about the journal. */
import { parseCheckpoint, type Checkpoint, type JournalPosition } from './checkpoint.ts';
import { parseVerifierKey, verifyNote, type VerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { readWhole, type StoreFiles } from './store-files.ts';
import { decodeUtf8 } from './text.ts';
import { orMalformed, orMalformedLater, type Fault, type Findings } from './verdict.ts';

export const keyPath = 'log/key';
export const checkpointPath = 'log/checkpoint';
const keyBytesMax = 4096;

/** `given`: the caller gave the keys. `store`: they were read from the store or bundle itself, which then only proves that it is consistent. */
export type KeySource = 'given' | 'store' | 'none';

export interface Trust {
  readonly keys: readonly VerifierKey[];
  readonly source: KeySource;
}

export type SignedCheckpoint = Checkpoint & { readonly journal: JournalPosition };

/** Returns the keys to trust: those given, otherwise the store's own. */
export async function readTrust(files: StoreFiles, given: readonly string[] | undefined, findings: Findings): Promise<Trust> {
  return trustIn(await orMalformedLater(findings, keyPath, async () => readWhole(files, keyPath, keyBytesMax)), given, findings);
}

/** Returns the keys to trust: those given, otherwise the one in the file with the key of the log, which findings name `where`. */
export function trustIn(bytes: Uint8Array | undefined, given: readonly string[] | undefined, findings: Findings, where = keyPath): Trust {
  const own = bytes === undefined ? undefined : orMalformed(findings, where, () => parseVerifierKey(decodeUtf8(bytes).replace(/\n$/, '')));
  if (bytes === undefined) {
    findings.add('completeness', where, 'missing');
  }
  if (given === undefined) {
    return own === undefined ? { keys: [], source: 'none' } : { keys: [own], source: 'store' };
  }
  const keys = given.map(parseVerifierKey);
  if (own !== undefined && !keys.some(({ name, publicKey }) => name === own.name && equalBytes(publicKey, own.publicKey))) {
    findings.add('trust', where, 'not a trusted key');
  }
  return { keys, source: 'given' };
}

/** Returns the checkpoint of any log in a signed note. Undefined, with a finding, unless it is signed by a trusted key that has the name of its origin. */
export async function checkAnyNote(bytes: Uint8Array, where: string, keys: readonly VerifierKey[], findings: Findings): Promise<Checkpoint | undefined> {
  const outcome = await orMalformedLater(findings, where, async () => verifyNote(bytes, keys));
  if (outcome === undefined) {
    return undefined;
  }
  if (outcome.outcome === 'forged') {
    findings.add('integrity', where, `signature by ${outcome.name} does not hold`);
    return undefined;
  }
  const checkpoint = orMalformed(findings, where, () => parseCheckpoint(outcome.note.text));
  if (checkpoint === undefined) {
    return undefined;
  }
  if (outcome.outcome === 'untrusted' || !outcome.signers.some(({ name }) => name === checkpoint.origin)) {
    findings.add('trust', where, 'not signed by a trusted key');
    return undefined;
  }
  return checkpoint;
}

/** Returns the checkpoint of a gateway's log, which has a journal line, as `checkAnyNote` does. */
export async function checkNote(bytes: Uint8Array, where: string, keys: readonly VerifierKey[], findings: Findings): Promise<SignedCheckpoint | undefined> {
  const checkpoint = await checkAnyNote(bytes, where, keys, findings);
  if (checkpoint === undefined) {
    return undefined;
  }
  const { journal } = checkpoint;
  if (journal === undefined) {
    findings.add('malformed', where, 'checkpoint without a journal line');
    return undefined;
  }
  return { ...checkpoint, journal };
}

/** A checkpoint from outside the journal. Checks that the journal holds what the checkpoint says. One without a journal line is compared by its size and root alone. */
export class Expectation {
  readonly checkpoint: Checkpoint;
  readonly #where: string;
  /** The finding if the journal contradicts the checkpoint, and the finding if it does not reach that far. */
  readonly #codes: { readonly differs: Fault; readonly missing: Fault };
  readonly #findings: Findings;
  #rootSeen = false;
  #positionSeen = false;
  #lastLeafMs = 0;
  #journalBytes = 0;

  constructor(checkpoint: Checkpoint, where: string, codes: { readonly differs: Fault; readonly missing: Fault }, findings: Findings) {
    this.checkpoint = checkpoint;
    this.#where = where;
    this.#codes = codes;
    this.#findings = findings;
  }

  /** The time of the last leaf under the checkpoint. */
  get lastLeafMs(): number {
    return this.#lastLeafMs;
  }

  /** Number of bytes of the journal that the checkpoint covers. */
  get journalBytes(): number {
    return this.#journalBytes;
  }

  /** True if the journal was followed to the place at which the checkpoint was made. */
  get isReached(): boolean {
    return this.#rootSeen && (this.#positionSeen || this.checkpoint.journal === undefined);
  }

  /** Compares the root. Called when the log has exactly the checkpoint's size. */
  seeRoot(root: Uint8Array, lastLeafMs: number): void {
    this.#rootSeen = true;
    this.#lastLeafMs = lastLeafMs;
    if (!equalBytes(root, this.checkpoint.root)) {
      this.#findings.add(this.#codes.differs, this.#where, 'root is not that of the log at its size');
    }
  }

  /** Compares the chain at a frame boundary. `state` is the size of the log and the number of bytes of the journal there. */
  seeBoundary(position: JournalPosition, state: { size: number; journalBytes: number }): void {
    const { journal } = this.checkpoint;
    if (journal === undefined || position.segment !== journal.segment || position.offset !== journal.offset) {
      return;
    }
    this.#positionSeen = true;
    this.#journalBytes = state.journalBytes;
    if (!equalBytes(position.chain, journal.chain) || state.size !== this.checkpoint.size) {
      const what = 'chain value or size is not that of the journal there';
      this.#findings.add(this.#codes.differs, this.#where, what);
    }
  }

  /** Ends the check: the journal was followed to its end, and the log has `size` leaves. */
  finish(size: number, end: { readonly segment: number; readonly offset: number }): void {
    if (this.checkpoint.size > size || isBeyond(this.checkpoint, end)) {
      const what = `the journal ends at size ${size}, before this checkpoint at ${this.checkpoint.size}`;
      this.#findings.add(this.#codes.missing, this.#where, what);
    } else if (!this.isReached) {
      this.#findings.add(this.#codes.differs, this.#where, 'names a position between frames of the journal');
    }
  }
}

/** True if a checkpoint names a place in the journal behind this one. */
export function isBeyond({ journal }: Checkpoint, place: { readonly segment: number; readonly offset: number }): boolean {
  return journal !== undefined && (journal.segment > place.segment || (journal.segment === place.segment && journal.offset > place.offset));
}
