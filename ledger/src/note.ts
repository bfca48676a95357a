/** Signed notes, c2sp.org/signed-note, with Ed25519 keys. */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { sha256, verifyEd25519 } from './crypto.ts';
import { encodeHex } from './hex.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';

export const noteBytesMax = 1024 * 1024;
export const noteSignaturesMax = 64;

/** The types of Ed25519 signatures: over the text of a note, or over the message that c2sp.org/tlog-cosignature makes of it. */
export const signatureTypes = { note: 1, cosignature: 4 } as const;
/** The type of signatures of which none is registered; what they are follows. */
const otherType = 0xff;
export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

const keyIdBytes = 4;
const publicKeyBytes = 32;
const signatureStart = '\u2014 ';

export interface VerifierKey {
  readonly name: string;
  /** 8 hex digits. */
  readonly id: string;
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  /** The key id, 8 hex digits. */
  readonly id: string;
  readonly signature: Uint8Array;
}

export interface Note {
  /** The signed text with its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSigner {
  readonly name: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/**
 * `verified`: at least one signature is by a known key, and all of these hold. `untrusted`: no signature is by a known key. `forged`: a signature by a known
 * key does not hold.
 */
export type NoteOutcome =
  | { readonly outcome: 'verified'; readonly note: Note; readonly signers: readonly VerifierKey[] }
  | { readonly outcome: 'untrusted'; readonly note: Note }
  | { readonly outcome: 'forged'; readonly note: Note; readonly name: string };

/** True for a name that a key may have. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

function idHex(bytes: Uint8Array): string {
  return encodeHex(bytes.subarray(0, keyIdBytes));
}

/** `SHA-256(name ‖ "\n" ‖ type ‖ public key)[:4]`. */
function keyIdOf(name: string, publicKey: Uint8Array, type: SignatureType | typeof otherType): Uint8Array {
  const nameBytes = encodeUtf8(name);
  const input = new Uint8Array(nameBytes.length + 2 + publicKey.length);
  input.set(nameBytes);
  input.set([0x0a, type], nameBytes.length);
  input.set(publicKey, nameBytes.length + 2);
  return sha256(input).subarray(0, keyIdBytes);
}

/** Makes the verifier key of a public key and a name. Throws `MalformedError`. */
function verifierKey(name: string, publicKey: Uint8Array, type: SignatureType): VerifierKey {
  if (!isKeyName(name) || publicKey.length !== publicKeyBytes) {
    throw new MalformedError('not a key name and an Ed25519 public key');
  }
  return { name, id: idHex(keyIdOf(name, publicKey, type)), publicKey };
}

/** Formats the key of a log, `name+id+base64(type ‖ public key)`. */
export function formatVerifierKey(key: Pick<VerifierKey, 'name' | 'publicKey'>): string {
  return formatKey(key, signatureTypes.note);
}

/** Formats the key of a witness. */
export function formatWitnessKey(key: Pick<VerifierKey, 'name' | 'publicKey'>): string {
  return formatKey(key, signatureTypes.cosignature);
}

/** Parses exactly what `formatVerifierKey` prints, with the right id. Throws `MalformedError` for anything else. */
export function parseVerifierKey(vkey: string): VerifierKey {
  return parseKey(vkey, signatureTypes.note, 'not an Ed25519 verifier key');
}

/** Parses exactly what `formatWitnessKey` prints. Throws `MalformedError` for anything else, the key of a log too. */
export function parseWitnessKey(vkey: string): VerifierKey {
  return parseKey(vkey, signatureTypes.cosignature, 'not the Ed25519 key of a witness, of signature type 4');
}

function formatKey(key: Pick<VerifierKey, 'name' | 'publicKey'>, type: SignatureType): string {
  const { name, id, publicKey } = verifierKey(key.name, key.publicKey, type);
  return `${name}+${id}+${encodeBase64(Uint8Array.of(type, ...publicKey))}`;
}

function parseKey(vkey: string, type: SignatureType, isNot: string): VerifierKey {
  // The base64 part may contain "+"; name and id cannot.
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+([^\n]+)$/.exec(vkey) ?? [];
  const bytes = decodeBase64(encoded);
  if (bytes.length !== 1 + publicKeyBytes || bytes[0] !== type) {
    throw new MalformedError(isNot);
  }
  const key = verifierKey(name, bytes.slice(1), type);
  if (key.id !== id) {
    throw new MalformedError('the id of the verifier key is not that of its name and key');
  }
  return key;
}

/** Parses one signature line without its newline. Throws `MalformedError`. */
function parseSignatureLine(line: string): NoteSignature {
  const [name = '', encoded = '', ...rest] = line.slice(signatureStart.length).split(' ');
  const bytes = decodeBase64(encoded);
  if (!line.startsWith(signatureStart) || rest.length > 0 || !isKeyName(name) || bytes.length <= keyIdBytes) {
    throw new MalformedError('not a signature line of a note');
  }
  return { name, id: idHex(bytes), signature: bytes.slice(keyIdBytes) };
}

/** Parses a note. Checks its form and no signature. Throws `MalformedError`. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > noteBytesMax) {
    throw new MalformedError('note too long');
  }
  const whole = decodeUtf8(bytes);
  // oxlint-disable-next-line no-control-regex -- the specification forbids exactly these.
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole)) {
    throw new MalformedError('note with a control character');
  }
  const split = whole.lastIndexOf('\n\n');
  if (split < 0 || !whole.endsWith('\n') || split + 2 === whole.length) {
    throw new MalformedError('note without signatures');
  }
  const lines = whole.slice(split + 2, -1).split('\n');
  if (lines.length > noteSignaturesMax) {
    throw new MalformedError('note with too many signatures');
  }
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/** Checks the signatures of a note by known keys. Rejects with `MalformedError` if the bytes are not a note. */
export async function verifyNote(bytes: Uint8Array, keys: readonly VerifierKey[]): Promise<NoteOutcome> {
  const note = parseNote(bytes);
  const message = encodeUtf8(note.text);
  const claims = note.signatures.flatMap(({ name, id, signature }) =>
    keys.filter((key) => key.name === name && key.id === id).map((key) => ({ key, signature })),
  );
  const results = await Promise.all(claims.map(({ key, signature }) => verifyEd25519(key.publicKey, message, signature)));
  const forged = claims.find((_, i) => results[i] !== true);
  if (forged !== undefined) {
    return { outcome: 'forged', note, name: forged.key.name };
  }
  return claims.length === 0 ? { outcome: 'untrusted', note } : { outcome: 'verified', note, signers: claims.map((claim) => claim.key) };
}

/** Formats one signature line, with its newline. */
export function formatSignatureLine(key: Pick<VerifierKey, 'name' | 'publicKey'>, type: SignatureType, signature: Uint8Array): string {
  return `${signatureStart}${key.name} ${encodeBase64(Uint8Array.of(...keyIdOf(key.name, key.publicKey, type), ...signature))}\n`;
}

/** Formats a signature line of a type that is not registered, with its newline. `what` names the type. Throws `MalformedError` if `name` is no name. */
export function formatOtherLine(name: string, what: string, signature: Uint8Array): string {
  if (!isKeyName(name)) {
    throw new MalformedError('not a key name');
  }
  return `${signatureStart}${name} ${encodeBase64(Uint8Array.of(...keyIdOf(name, encodeUtf8(what), otherType), ...signature))}\n`;
}

/** Returns the signatures of a note that are of this type, which is not registered. */
export function otherSignatures({ signatures }: Note, what: string): readonly NoteSignature[] {
  return signatures.filter(({ name, id }) => id === idHex(keyIdOf(name, encodeUtf8(what), otherType)));
}

/** Signs `text`, which ends in a newline, and returns the note. Throws `MalformedError` if the text or the name is not allowed in a note. */
export function signNote(text: string, signer: NoteSigner): string {
  const signed = `${text}\n${formatSignatureLine(signer, signatureTypes.note, signer.sign(encodeUtf8(text)))}`;
  if (!isKeyName(signer.name) || !text.isWellFormed() || parseNote(encodeUtf8(signed)).text !== text) {
    throw new MalformedError('not the text of a note');
  }
  return signed;
}
