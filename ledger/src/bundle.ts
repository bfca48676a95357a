/** The bundle: one file that proves a session, or some of its records. Normative: docs/formats/bundle.md. */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { decodeHex } from './hex.ts';
import { decodeLeaf, hashBytes, saltBytes, sessionIdBytes, type Leaf } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { formatVerifierKey, noteBytesMax, parseNote, parseVerifierKey } from './note.ts';
import { encodeUtf8 } from './text.ts';
import { treeHeightMax } from './tree.ts';

const forms = [
  { form: 'countersign/1', hasPolicies: false, hasKeyring: false },
  { form: 'countersign/2', hasPolicies: true, hasKeyring: false },
  { form: 'countersign/3', hasPolicies: false, hasKeyring: true },
  { form: 'countersign/4', hasPolicies: true, hasKeyring: true },
];
/** Most bytes of a line. A record has at most 1 MiB of content and little more of facts, and its line in Base64 is shorter than half of this limit. */
export const bundleLineBytesMax = 8 * 1024 * 1024;

type BundleScope = 'session' | 'records';

export type BundleBody =
  | { readonly form: 'none' }
  /** The exact UTF-8 JSON text that the leaf commits to. */
  | { readonly form: 'clear'; readonly text: string }
  | { readonly form: 'opened'; readonly salt: Uint8Array; readonly plaintext: Uint8Array }
  | { readonly form: 'withheld' };

export interface BundleHeader {
  readonly log: string;
  /** The verifier key of the log. It says who claims to have signed the bundle and proves nothing by itself. */
  readonly key: string;
  /** The keyring of the log; null: there is none. It counts if it has every key that is trusted. */
  readonly keyring: string | null;
  /** 32 hex digits. */
  readonly session: string;
  readonly scope: BundleScope;
  readonly records: number;
  /** True if records of the policies that decided may follow those of the session. */
  readonly hasPolicies: boolean;
}

export interface BundleRecord {
  readonly index: number;
  /** 164 bytes. */
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly meta: BundleBody;
  readonly content: BundleBody;
}

/** A record as it was parsed, with its leaf decoded. */
export type ParsedRecord = BundleRecord & { readonly decoded: Leaf };

export type Json = Readonly<Record<string, unknown>>;

function bodyJson(body: BundleBody): Json | null {
  if (body.form === 'none') {
    return null;
  }
  if (body.form === 'clear') {
    return { clear: body.text };
  }
  return body.form === 'opened' ? { salt: encodeBase64(body.salt), plain: encodeBase64(body.plaintext) } : { withheld: true };
}

/** Formats the first line, with its newline. */
export function formatBundleHeader(header: BundleHeader): string {
  const { log, key, keyring, session, scope, records } = header;
  const found = forms.find(({ hasPolicies, hasKeyring }) => hasPolicies === header.hasPolicies && hasKeyring === (keyring !== null));
  return `${JSON.stringify({ bundle: found?.form, log, key, ...(keyring === null ? {} : { keyring }), session, scope, records })}\n`;
}

/** Formats the line of a record, with its newline. */
export function formatBundleRecord(record: BundleRecord): string {
  return `${JSON.stringify({ index: record.index, ...recordMembers(record) })}\n`;
}

/** Formats the line of a record of policies, with its newline. */
export function formatBundlePolicy(record: BundleRecord): string {
  return `${JSON.stringify({ policy: record.index, ...recordMembers(record) })}\n`;
}

function recordMembers({ leaf, proof, meta, content }: BundleRecord): Json {
  return {
    leaf: encodeBase64(leaf),
    proof: proof.map(encodeBase64),
    meta: bodyJson(meta),
    content: bodyJson(content),
  };
}

/** Formats the last line, with its newline. */
export function formatBundleCheckpoint(checkpoint: string): string {
  return `${JSON.stringify({ checkpoint })}\n`;
}

export function parseObject(line: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new MalformedError('bundle line is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalformedError('bundle line is not an object');
  }
  return { ...value };
}

export function text(value: unknown): string {
  if (typeof value !== 'string') {
    throw new MalformedError('bundle member is not a string');
  }
  return value;
}

export function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new MalformedError('bundle member is not a number in range');
  }
  return value;
}

function bytesOf(value: unknown, length: number): Uint8Array {
  const bytes = decodeBase64(text(value));
  if (bytes.length !== length) {
    throw new MalformedError(`bundle member is not ${length} bytes`);
  }
  return bytes;
}

function parseBody(value: unknown): BundleBody {
  if (value === null) {
    return { form: 'none' };
  }
  if (typeof value !== 'object') {
    throw new MalformedError('bundle body is not an object');
  }
  const body: Json = { ...value };
  if ('clear' in body) {
    return { form: 'clear', text: text(body['clear']) };
  }
  if ('withheld' in body) {
    return { form: 'withheld' };
  }
  return {
    form: 'opened',
    salt: bytesOf(body['salt'], saltBytes),
    plaintext: decodeBase64(text(body['plain'])),
  };
}

function parseHeader(line: string): BundleHeader {
  const { bundle, log, key, keyring, session, scope, records } = parseObject(line);
  if (scope !== 'session' && scope !== 'records') {
    throw new MalformedError('bundle of an unknown scope');
  }
  const header: BundleHeader = {
    log: text(log),
    key: text(key),
    keyring: keyring === undefined ? null : text(keyring),
    session: text(session),
    scope,
    records: count(records),
    hasPolicies: forms.some(({ form, hasPolicies }) => form === bundle && hasPolicies),
  };
  decodeHex(header.session, sessionIdBytes);
  const vkey = parseVerifierKey(header.key);
  if (vkey.name !== header.log || formatVerifierKey(vkey) !== header.key) {
    throw new MalformedError('bundle whose key is not that of its log');
  }
  return header;
}

function parseRecord(line: string): ParsedRecord {
  return parseMembers('index', line);
}

function parsePolicy(line: string): ParsedRecord {
  return parseMembers('policy', line);
}

function parseMembers(indexName: 'index' | 'policy', line: string): ParsedRecord {
  const { [indexName]: index, leaf, proof, meta, content } = parseObject(line);
  if (!Array.isArray(proof) || proof.length > treeHeightMax) {
    throw new MalformedError('bundle record without a proof');
  }
  const leafAsBytes = decodeBase64(text(leaf));
  return {
    index: count(index),
    leaf: leafAsBytes,
    decoded: decodeLeaf(leafAsBytes),
    proof: proof.map((hash: unknown) => bytesOf(hash, hashBytes)),
    meta: parseBody(meta),
    content: parseBody(content),
  };
}

function parseCheckpointLine(line: string): string {
  const checkpoint = text(parseObject(line)['checkpoint']);
  if (checkpoint.length > noteBytesMax || !checkpoint.isWellFormed()) {
    throw new MalformedError('bundle checkpoint is not a note');
  }
  parseCheckpoint(parseNote(encodeUtf8(checkpoint)).text);
  return checkpoint;
}

/** Parses a line and refuses every spelling of it but the one that the writer prints. */
export function parseExactly<T>(line: string, parse: (line: string) => T, write: (value: T) => string): T {
  const value = parse(line);
  if (write(value) !== `${line}\n`) {
    throw new MalformedError('bundle line is not in the canonical form');
  }
  return value;
}

/** Parses the first line, given without its newline. Throws `MalformedError`. */
export function parseBundleHeader(line: string): BundleHeader {
  return parseExactly(line, parseHeader, formatBundleHeader);
}

/** Parses the line of a record, given without its newline. Throws `MalformedError`. */
export function parseBundleRecord(line: string): ParsedRecord {
  return parseExactly(line, parseRecord, formatBundleRecord);
}

/** Parses the line of a record of policies, given without its newline. Throws `MalformedError`. */
export function parseBundlePolicy(line: string): ParsedRecord {
  return parseExactly(line, parsePolicy, formatBundlePolicy);
}

/** True if a line begins as that of a record of policies does. The line is not checked. */
export function isBundlePolicy(line: string): boolean {
  return line.startsWith('{"policy":');
}

/** Parses the last line, given without its newline, and returns the signed note. Throws `MalformedError`. */
export function parseBundleCheckpoint(line: string): string {
  return parseExactly(line, parseCheckpointLine, formatBundleCheckpoint);
}

/** True if a line begins as the last line of a bundle does. The line is not checked. */
export function isBundleCheckpoint(line: string): boolean {
  return line.startsWith('{"checkpoint":');
}

/** True if the bytes begin as a bundle does. They are not checked. */
export function isBundle(bytes: Uint8Array): boolean {
  return encodeUtf8('{"bundle":').every((byte, i) => byte === bytes[i]);
}
