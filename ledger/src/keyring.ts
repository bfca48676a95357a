/** Which keys sign a log, and from which size on. Normative: docs/formats/checkpoint.md. */
import { formatCheckpoint, parseCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { MalformedError } from './malformed.ts';
import { formatSignatureLine, formatVerifierKey, parseVerifierKey, signatureTypes, verifyNote, type NoteSigner, type VerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { decodeUtf8, encodeUtf8, parseDecimal } from './text.ts';

/** Most keys of a log. */
export const ringKeysMax = 128;
export const ringBytesMax = 1024 * 1024;

const keyStart = 'key ';

/** A key of a log. It signs the checkpoints of at least `first` records, until the next key takes over. */
export interface RingKey {
  readonly first: number;
  readonly key: VerifierKey;
}

/** The keys that a log has had, the first one first. Each was put in its place by a checkpoint that it and the key before have signed. */
export interface KeyRing {
  readonly keys: readonly [RingKey, RingKey, ...RingKey[]];
  /** For each key but the first, the checkpoint with which it took over. Its last record announces the key. */
  readonly handovers: readonly { readonly checkpoint: SignedCheckpoint; readonly note: string }[];
}

/** Formats the text of a handover: a checkpoint with a line for each key, the new one last. */
export function formatHandover(checkpoint: SignedCheckpoint, keys: readonly RingKey[]): string {
  return formatCheckpoint(checkpoint) + keys.map(({ first, key }) => `${keyStart}${first} ${formatVerifierKey(key)}\n`).join('');
}

/** Signs the text of a handover with the key before and the new one. */
export function signHandover(text: string, signers: readonly [before: NoteSigner, next: NoteSigner]): string {
  return `${text}\n${signers.map((signer) => formatSignatureLine(signer, signatureTypes.note, signer.sign(encodeUtf8(text)))).join('')}`;
}

/** Formats a keyring of the notes of its handovers, the first one first. */
export function formatKeyRing(handovers: readonly string[]): string {
  return handovers.join('\n');
}

/** Opens a keyring: all signatures must hold, and each handover must add one key to those of the handover before. Rejects with `MalformedError`. */
export async function openKeyRing(bytes: Uint8Array): Promise<KeyRing> {
  if (bytes.length > ringBytesMax) {
    throw new MalformedError(`a keyring is at most ${ringBytesMax} bytes`);
  }
  const parts = decodeUtf8(bytes).split('\n\n');
  if (parts.length % 2 !== 0 || parts.length / 2 >= ringKeysMax) {
    throw new MalformedError(`not a keyring of at most ${ringKeysMax} keys`);
  }
  let keys: readonly RingKey[] = [];
  const handovers: KeyRing['handovers'][number][] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const isLast = at + 2 === parts.length;
    const note = `${parts[at]}\n\n${parts[at + 1]}${isLast ? '' : '\n'}`;
    const handover = parseHandover(note.slice(0, note.indexOf('\n\n') + 1));
    requireNext(handover, keys);
    await requireSigned(note, handover.keys);
    handovers.push({ checkpoint: handover.checkpoint, note });
    ({ keys } = handover);
  }
  const [first, second, ...others] = keys;
  if (first === undefined || second === undefined) {
    throw new MalformedError('a keyring without keys');
  }
  return { keys: [first, second, ...others], handovers };
}

export interface Handover {
  readonly checkpoint: SignedCheckpoint;
  readonly keys: readonly RingKey[];
}

/** Parses the text of a handover and refuses every spelling of it but the one that `formatHandover` prints. Throws `MalformedError`. */
export function parseHandover(text: string): Handover {
  const { journal, ...head } = parseCheckpoint(text);
  const keys = text
    .split('\n')
    .filter((line) => line.startsWith(keyStart))
    .map(parseKeyLine);
  if (journal === undefined || formatHandover({ ...head, journal }, keys) !== text) {
    throw new MalformedError('not a checkpoint with which a key takes over');
  }
  return { checkpoint: { ...head, journal }, keys };
}

function parseKeyLine(line: string): RingKey {
  const [first = '', vkey = '', ...rest] = line.slice(keyStart.length).split(' ');
  if (rest.length > 0) {
    throw new MalformedError('not the line of a key');
  }
  return { first: parseDecimal(first), key: parseVerifierKey(vkey) };
}

/** Throws `MalformedError` unless a handover has the keys of the one before, if there was one, and one more that takes over at its size. */
export function requireNext({ checkpoint, keys }: Handover, before: readonly RingKey[]): void {
  const [first] = keys;
  const [previous, next] = keys.slice(-2);
  const isLonger = keys.length === Math.max(1, before.length) + 1 && before.every((known, at) => isSameKey(known, keys[at]));
  if (first?.first !== 0 || previous === undefined || next === undefined || !isLonger) {
    throw new MalformedError('a handover that does not add one key to those before');
  }
  if (next.first !== checkpoint.size || next.first <= previous.first) {
    throw new MalformedError('a key that takes over at another size than that of its checkpoint');
  }
  if (keys.some(({ key }) => key.name !== checkpoint.origin) || keys.slice(0, -1).some(({ key }) => equalBytes(key.publicKey, next.key.publicKey))) {
    throw new MalformedError('a keyring with a key of another log, or with a key twice');
  }
}

/** Rejects with `MalformedError` unless the new key of a handover and the one before have signed it. */
export async function requireSigned(note: string, keys: readonly RingKey[]): Promise<void> {
  const both = keys.slice(-2).map(({ key }) => key);
  const signed = await verifyNote(encodeUtf8(note), both);
  if (signed.outcome !== 'verified' || !both.every((key) => signed.signers.includes(key))) {
    throw new MalformedError('a handover that the new key and the one before have not both signed');
  }
}

function isSameKey(a: RingKey, b: RingKey | undefined): boolean {
  return b !== undefined && a.first === b.first && isSame(a.key, b.key);
}

function isSame(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && equalBytes(a.publicKey, b.publicKey);
}

/** True if a keyring is what another one was before more keys took over. */
export function isBeginning(shorter: KeyRing, longer: KeyRing): boolean {
  return shorter.keys.every((key, at) => isSameKey(key, longer.keys[at]));
}

/** The origin of the log whose keys a keyring has. */
export function logOf({ keys: [{ key }] }: KeyRing): string {
  return key.name;
}

/** True if a keyring has this key. */
export function hasKey(ring: KeyRing, key: VerifierKey): boolean {
  return ring.keys.some((known) => isSame(known.key, key));
}

/** A caller trusts these: keys, and keyrings that must have them. */
export interface GivenKeys {
  readonly pinned: readonly VerifierKey[];
  readonly rings: readonly KeyRing[];
}

/**
 * Opens what a caller trusts: each text is a verifier key or a keyring. Beside keys of its log, a keyring only adds to them; without any, its newest key is trusted.
 * Rejects with `MalformedError`.
 */
export async function openGivenKeys(given: readonly string[]): Promise<GivenKeys> {
  const isRing = (text: string): boolean => text.trim().includes('\n');
  const rings = await Promise.all(given.filter(isRing).map(async (text) => openKeyRing(encodeUtf8(`${text.trimEnd()}\n`))));
  const keys = given.filter((text) => !isRing(text)).map(parseVerifierKey);
  const newest = rings.flatMap((ring) => ring.keys.slice(-1).map(({ key }) => key));
  return { pinned: [...keys, ...newest.filter(({ name }) => !keys.some((key) => key.name === name))], rings };
}

/** The public keys of a log as its files `log/key` and `log/keys` have them. */
export interface PublishedKeys {
  readonly vkey: string;
  /** Null: no key took over. */
  readonly keyring: string | null;
}

/** Returns the public keys as they were published under a checkpoint of so many records. */
export function publishedAt({ keys, handovers }: KeyRing, size: number): PublishedKeys {
  const then = keys.filter(({ first }) => first <= size);
  const { key } = then.at(-1) ?? keys[0];
  const notes = handovers.filter(({ checkpoint }) => checkpoint.size <= size).map(({ note }) => note);
  return { vkey: formatVerifierKey(key), keyring: notes.length === 0 ? null : formatKeyRing(notes) };
}

/** The keys whose signatures count, each for the sizes of the log that it signs. */
export class SigningKeys {
  /** The keys, without their sizes. */
  readonly all: readonly VerifierKey[];
  /** At most one of each log. */
  readonly rings: readonly KeyRing[];

  /** `given` are keys that the caller trusts. Those that no keyring has count for every size. `rings` has at most one keyring of each log. */
  constructor(given: readonly VerifierKey[], rings: readonly KeyRing[] = []) {
    this.rings = rings;
    this.all = [...rings.flatMap(({ keys }) => keys.map(({ key }) => key)), ...given.filter((key) => !rings.some((ring) => hasKey(ring, key)))];
  }

  /** The keys with the sizes from which they sign: those of keyrings, and the others from the beginning. */
  get listed(): readonly RingKey[] {
    const inRings = this.rings.flatMap(({ keys }) => keys);
    return [...inRings, ...this.all.slice(inRings.length).map((key) => ({ first: 0, key }))];
  }

  /** The keyring of the log of this origin; null: there is none. */
  ringOf(origin: string): KeyRing | null {
    return this.rings.find((ring) => logOf(ring) === origin) ?? null;
  }

  has(key: VerifierKey): boolean {
    return this.all.some((known) => isSame(known, key));
  }

  /** True if several keys of this log count, and no keyring says which of them signs from which size on. */
  isUndecided(origin: string): boolean {
    const ring = this.ringOf(origin);
    const [first, ...others] = this.all.filter((key) => key.name === origin && (ring === null || !hasKey(ring, key)));
    return first !== undefined && others.some((key) => !isSame(key, first));
  }

  /** True if a signature by this key counts under a checkpoint of so many records. */
  signs(key: VerifierKey, size: number): boolean {
    const keys = this.ringOf(key.name)?.keys ?? [];
    const at = keys.findIndex((known) => isSame(known.key, key));
    return at < 0 ? this.has(key) : size >= (keys[at]?.first ?? 0) && size < (keys[at + 1]?.first ?? Infinity);
  }

  /** The key that signs a checkpoint of so many records in the log of this origin; undefined if that is not known. */
  at(origin: string, size: number): VerifierKey | undefined {
    return this.all.find((key) => key.name === origin && this.signs(key, size));
  }
}
