/** The keys whose signatures count, and what signed checkpoints claim about the journal. */
import { parseCheckpoint, type Checkpoint, type JournalPosition, type SignedCheckpoint } from './checkpoint.ts';
import { hasKey, isBeginning, logOf, openGivenKeys, openKeyRing, ringBytesMax, SigningKeys, type GivenKeys, type KeyRing } from './keyring.ts';
import { parseVerifierKey, verifyNote } from './note.ts';
import { equalBytes } from './proof.ts';
import { readWhole, type StoreFiles } from './store-files.ts';
import { decodeUtf8 } from './text.ts';
import { orMalformed, orMalformedLater, type Fault, type Findings } from './verdict.ts';

export const keyPath = 'log/key';
export const ringPath = 'log/keys';
export const checkpointPath = 'log/checkpoint';
const keyBytesMax = 4096;

/** `given`: the caller gave the keys. `store`: they were read from the store or bundle itself, which then only proves that it is consistent. */
export type KeySource = 'given' | 'store' | 'none';

export interface Trust {
  readonly keys: SigningKeys;
  readonly source: KeySource;
  /** The log that the key of the store names, or else its keyring; undefined if it has neither that can be read. */
  readonly origin: string | undefined;
}

/** Returns the keys to trust: those given, otherwise the store's own, and those of its keyring. Rejects with `MalformedError` only if `given` are malformed. */
export async function readTrust(files: StoreFiles, given: readonly string[] | undefined, findings: Findings): Promise<Trust> {
  const read = async (path: string, bytesMax: number): Promise<Uint8Array | undefined> =>
    orMalformedLater(findings, path, async () => readWhole(files, path, bytesMax));
  // The keyring is read last: it has every key that log/key had before.
  const key = await read(keyPath, keyBytesMax);
  return trustIn({ key, keyring: await read(ringPath, ringBytesMax) }, given, findings);
}

/** Returns the keys to trust: those given, otherwise the one in the file with the key of the log, which findings name `where`, and those in the file with its keyring. */
export async function trustIn(
  files: { readonly key: Uint8Array | undefined; readonly keyring: Uint8Array | undefined },
  given: readonly string[] | undefined,
  findings: Findings,
  where = keyPath,
): Promise<Trust> {
  const { key: bytes, keyring } = files;
  const own = bytes === undefined ? undefined : orMalformed(findings, where, () => parseVerifierKey(decodeUtf8(bytes).replace(/\n$/, '')));
  if (bytes === undefined) {
    findings.add('completeness', where, 'missing');
  }
  const ring = keyring && (await orMalformedLater(findings, ringPath, async () => openKeyRing(keyring)));
  const trusted = given === undefined ? { pinned: own === undefined ? [] : [own], rings: [] } : await openGivenKeys(given);
  const keys = joinRings(trusted, ring && { ring, where: ringPath }, findings);
  if (own !== undefined && !keys.has(own)) {
    findings.add('trust', where, 'not a trusted key');
  }
  return { keys, source: given !== undefined ? 'given' : own === undefined ? 'none' : 'store', origin: own?.name ?? (ring && logOf(ring)) };
}

/** Returns the keys that the caller gives, and those of the keyring that a file has. Rejects with `MalformedError`. */
export async function trustGiven(given: readonly string[], inFile: KeyRing | undefined, findings: Findings): Promise<SigningKeys> {
  return joinRings(await openGivenKeys(given), inFile && { ring: inFile, where: 'keyring' }, findings);
}

/**
 * Returns the pinned keys, and those that keyrings add to them. Of the keyrings of a log the longest counts, if it has every pinned key of that log: so who has a newer
 * key is not taken in by what an older one, which may be stolen, has signed. The others must be the beginning of it.
 */
function joinRings({ pinned, rings }: GivenKeys, own: { readonly ring: KeyRing; readonly where: string } | undefined, findings: Findings): SigningKeys {
  const all = [...rings.map((ring) => ({ ring, where: 'given keyring' })), ...(own === undefined ? [] : [own])];
  const joined = new Map<string, KeyRing>();
  for (const { ring, where } of all.toSorted((a, b) => b.ring.keys.length - a.ring.keys.length)) {
    const log = logOf(ring);
    const ofLog = pinned.filter(({ name }) => name === log);
    const longest = joined.get(log);
    if (longest !== undefined) {
      if (!isBeginning(ring, longest)) {
        findings.add('trust', where, 'is not of one history with the other keyring');
      }
    } else if (ofLog.length === 0 || !ofLog.every((key) => hasKey(ring, key))) {
      findings.add('trust', where, 'a trusted key is not in this keyring');
    } else {
      joined.set(log, ring);
    }
  }
  return new SigningKeys(pinned, [...joined.values()]);
}

/**
 * Adds a finding if several trusted keys are of this log, and no keyring says which of them signs from which size on: one of before a rotation, which may be stolen,
 * would count as much as the one in force.
 */
export function checkDecided(keys: SigningKeys, origin: string, where: string, findings: Findings): void {
  if (keys.isUndecided(origin)) {
    findings.add('trust', where, 'several trusted keys are of this log, and no keyring says from which size on each of them signs');
  }
}

/**
 * Returns the checkpoint of any log in a signed note. Undefined, with a finding, unless it is signed by a trusted key that has the name of its origin and signs the log
 * at its size.
 */
export async function checkAnyNote(bytes: Uint8Array, where: string, keys: SigningKeys, findings: Findings): Promise<Checkpoint | undefined> {
  const outcome = await orMalformedLater(findings, where, async () => verifyNote(bytes, keys.all));
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
  const signers = outcome.outcome === 'untrusted' ? [] : outcome.signers.filter(({ name }) => name === checkpoint.origin);
  if (!signers.some((key) => keys.signs(key, checkpoint.size))) {
    findings.add('trust', where, signers.length === 0 ? 'not signed by a trusted key' : 'signed by a key that does not sign the log at this size');
    return undefined;
  }
  return checkpoint;
}

/** Returns the checkpoint of a gateway's log, which has a journal line, as `checkAnyNote` does. */
export async function checkNote(bytes: Uint8Array, where: string, keys: SigningKeys, findings: Findings): Promise<SignedCheckpoint | undefined> {
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
