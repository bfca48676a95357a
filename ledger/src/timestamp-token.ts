/** Timestamps of RFC 3161: the token of an authority that says when some bytes were there. The request and the answer of its protocol, too. */
import { commonNameOf, parseCertificate, type Certificate } from './certificate.ts';
import { whyNotTrusted } from './certificate-chain.ts';
import {
  booleanOf,
  contextTag,
  DerItems,
  derTags,
  identifierOf,
  insideOf,
  integerHex,
  isSameDer,
  nextSequence,
  readDer,
  sequenceOf,
  smallInteger,
  timeOf,
  type DerValue,
} from './der.ts';
import { encodeHex } from './hex.ts';
import { MalformedError } from './malformed.ts';
import { digest, hashOf, UnsupportedError, verifySignature } from './pki-signature.ts';
import { equalBytes } from './proof.ts';
import { decodeUtf8 } from './text.ts';

export const timestampBytesMax = 64 * 1024;
const certificatesMax = 32;
const signedData = '1.2.840.113549.1.7.2';
const timestampInfo = '1.2.840.113549.1.9.16.1.4';
const timeStamping = '1.3.6.1.5.5.7.3.8';
const attributeNames = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.47',
} as const;

/** The statement of a token. */
export interface TimestampInfo {
  /** Unix ms. */
  readonly timeMs: number;
  /** How exact the time is, as the authority says; 0 where it says nothing. */
  readonly accuracyMs: number;
  readonly serial: string;
  /** The policy of the authority, as an object identifier. */
  readonly policy: string;
  /** The nonce of the request, as `integerHex` prints it; null: there is none. */
  readonly nonce: string | null;
  /** The common name of the signer; empty if its certificate has none. */
  readonly authority: string;
}

/** `integrity`: it contradicts the bytes or itself. `trust`: nobody who is trusted vouches for it, or by an algorithm that is not supported. */
export type TimestampOutcome =
  | { readonly holds: true; readonly info: TimestampInfo }
  | { readonly holds: false; readonly code: 'integrity' | 'trust' | 'malformed'; readonly why: string };

/** Verifies a token over `message`. With null in place of trusted certificates, only that it is consistent and signed by the certificate that it names. */
export async function verifyTimestamp(token: Uint8Array, message: Uint8Array, trusted: readonly Certificate[] | null): Promise<TimestampOutcome> {
  try {
    if (token.length > timestampBytesMax) {
      throw new MalformedError(`longer than ${timestampBytesMax} bytes`);
    }
    return await verifyParsed(parseToken(readDer(token)), message, trusted);
  } catch (error) {
    if (error instanceof UnsupportedError) {
      return { holds: false, code: 'trust', why: error.message };
    }
    if (error instanceof MalformedError) {
      return { holds: false, code: 'malformed', why: error.message };
    }
    throw error;
  }
}

interface Token {
  /** TSTInfo. */
  readonly content: Uint8Array;
  readonly info: Omit<TimestampInfo, 'authority'>;
  readonly imprint: { readonly hash: string; readonly digest: Uint8Array };
  readonly certificates: readonly Certificate[];
  readonly signer: { readonly issuer: DerValue; readonly serial: string };
  readonly hash: string;
  /** The attributes that are signed, by their names. Each has one value. */
  readonly attributes: ReadonlyMap<string, DerValue>;
  /** The bytes that are signed: the attributes as a set. */
  readonly signed: Uint8Array;
  readonly signatureAlgorithm: DerValue;
  readonly signature: Uint8Array;
}

async function verifyParsed(token: Token, message: Uint8Array, trusted: readonly Certificate[] | null): Promise<TimestampOutcome> {
  const { content, info, imprint, certificates, signer, hash, attributes } = token;
  if (!equalBytes(imprint.digest, await digest(imprint.hash, message))) {
    return { holds: false, code: 'integrity', why: 'the timestamp is of other bytes' };
  }
  const contentType = attributes.get(attributeNames.contentType);
  const messageDigest = attributes.get(attributeNames.messageDigest);
  if (contentType?.tag !== derTags.identifier || identifierOf(contentType) !== timestampInfo || messageDigest?.tag !== derTags.octetString) {
    throw new MalformedError('a timestamp without its signed attributes');
  }
  if (!equalBytes(messageDigest.content, await digest(hash, content))) {
    return { holds: false, code: 'integrity', why: 'what the timestamp says is not what was signed' };
  }
  const own = certificates.find(({ issuer, serial }) => serial === signer.serial && isSameDer(issuer, signer.issuer));
  const certificate = own ?? trusted?.find(({ issuer, serial }) => serial === signer.serial && isSameDer(issuer, signer.issuer));
  if (certificate === undefined) {
    return { holds: false, code: 'trust', why: 'the certificate of its signer is not in the timestamp' };
  }
  if (!(await namesCertificate(attributes.get(attributeNames.signingCertificate), certificate))) {
    return { holds: false, code: 'trust', why: 'its signed attributes do not name the certificate of the signer (ESSCertIDv2, RFC 5816)' };
  }
  const { publicKey } = certificate;
  const { signatureAlgorithm: algorithm, signed, signature } = token;
  if (!(await verifySignature({ publicKey, algorithm, hash, message: signed, signature }))) {
    return { holds: false, code: 'integrity', why: 'the signature of the timestamp does not hold' };
  }
  const why = isForTimestamps(certificate)
    ? trusted === null
      ? null
      : await whyNotTrusted(certificate, { others: certificates, trusted, atMs: info.timeMs, purpose: timeStamping })
    : 'the certificate of the signer is not for timestamps alone';
  return why === null ? { holds: true, info: { ...info, authority: commonNameOf(certificate.subject) } } : { holds: false, code: 'trust', why };
}

/** RFC 3161, 2.3: the certificate has one purpose, which is critical. */
function isForTimestamps({ purposes, keyUsage }: Certificate): boolean {
  return purposes?.isCritical === true && purposes.names.length === 1 && purposes.names[0] === timeStamping && keyUsage?.signsData !== false;
}

/** Reads SigningCertificateV2, whose first certificate is that of the signer. */
async function namesCertificate(value: DerValue | undefined, { bytes }: Certificate): Promise<boolean> {
  if (value === undefined) {
    return false;
  }
  const first = nextSequence(nextSequence(new DerItems(value)));
  const algorithm = first.optional(derTags.sequence);
  const hash = algorithm === undefined ? 'SHA-256' : hashOf(algorithm);
  return equalBytes(first.next(derTags.octetString).content, await digest(hash, bytes));
}

function parseToken(value: DerValue): Token {
  const outer = sequenceOf(value);
  requireName(outer, signedData);
  const items = new DerItems(insideOf(outer.next(contextTag(0)), derTags.sequence));
  outer.end();
  items.next(derTags.integer);
  items.next(derTags.set);
  const encapsulated = nextSequence(items);
  requireName(encapsulated, timestampInfo);
  const { content } = insideOf(encapsulated.next(contextTag(0)), derTags.octetString);
  encapsulated.end();
  const included = items.optional(contextTag(0));
  items.optional(contextTag(1));
  const [signer, ...others] = new DerItems(items.next(derTags.set)).all(derTags.sequence);
  items.end();
  const certificates = included === undefined ? [] : new DerItems(included).all(derTags.sequence);
  if (signer === undefined || others.length > 0 || certificates.length > certificatesMax) {
    throw new MalformedError('not a timestamp with one signature');
  }
  return { content, ...parseInfo(readDer(content)), certificates: certificates.map(parseCertificate), ...parseSigner(signer) };
}

function parseSigner(value: DerValue): Pick<Token, 'signer' | 'hash' | 'attributes' | 'signed' | 'signatureAlgorithm' | 'signature'> {
  const items = new DerItems(value);
  items.next(derTags.integer);
  const named = nextSequence(items);
  const issuer = named.next(derTags.sequence);
  const serial = integerHex(named.next(derTags.integer));
  named.end();
  const hash = hashOf(items.next(derTags.sequence));
  const attributes = items.next(contextTag(0));
  const signatureAlgorithm = items.next(derTags.sequence);
  const signature = items.next(derTags.octetString).content;
  items.optional(contextTag(1));
  items.end();
  // The signature is over the attributes as a set, whose tag they do not have here.
  const signed = new Uint8Array(attributes.bytes);
  signed[0] = derTags.set;
  return { signer: { issuer, serial }, hash, attributes: readAttributes(attributes), signed, signatureAlgorithm, signature };
}

function readAttributes(value: DerValue): ReadonlyMap<string, DerValue> {
  const attributes = new Map<string, DerValue>();
  for (const each of new DerItems(value).all(derTags.sequence)) {
    const items = new DerItems(each);
    const name = identifierOf(items.next(derTags.identifier));
    const [only, ...more] = new DerItems(items.next(derTags.set)).rest();
    if (only === undefined || more.length > 0 || attributes.has(name)) {
      throw new MalformedError('a signed attribute without one value');
    }
    attributes.set(name, only);
  }
  return attributes;
}

function parseInfo(value: DerValue): Pick<Token, 'info' | 'imprint'> {
  const items = sequenceOf(value);
  if (smallInteger(items.next(derTags.integer)) !== 1) {
    throw new MalformedError('a timestamp of another version');
  }
  const policy = identifierOf(items.next(derTags.identifier));
  const imprint = nextSequence(items);
  const hash = hashOf(imprint.next(derTags.sequence));
  const { content } = imprint.next(derTags.octetString);
  imprint.end();
  const serial = integerHex(items.next(derTags.integer));
  const timeMs = timeOf(items.next(derTags.generalizedTime));
  const accuracy = items.optional(derTags.sequence);
  items.optional(derTags.boolean);
  const nonce = items.optional(derTags.integer);
  items.optional(contextTag(0));
  refuseCritical(items.optional(contextTag(1)));
  items.end();
  return {
    imprint: { hash, digest: content },
    info: { timeMs, accuracyMs: accuracy === undefined ? 0 : accuracyOf(accuracy), serial, policy, nonce: nonce === undefined ? null : integerHex(nonce) },
  };
}

/** Throws `UnsupportedError` if one of these extensions must be known: none is. */
function refuseCritical(extensions: DerValue | undefined): void {
  for (const each of extensions === undefined ? [] : new DerItems(extensions).all(derTags.sequence)) {
    const items = new DerItems(each);
    const name = identifierOf(items.next(derTags.identifier));
    const critical = items.optional(derTags.boolean);
    if (critical !== undefined && booleanOf(critical)) {
      throw new UnsupportedError(`the timestamp has the critical extension ${name}, which is not known`);
    }
  }
}

function accuracyOf(value: DerValue): number {
  const items = new DerItems(value);
  const [seconds, millis, micros] = [derTags.integer, contextTag(0, true), contextTag(1, true)].map((tag) => items.optional(tag));
  items.end();
  const numberOf = (part: DerValue | undefined): number => (part === undefined ? 0 : smallInteger(part));
  return numberOf(seconds) * 1000 + numberOf(millis) + numberOf(micros) / 1000;
}

function requireName(items: DerItems, name: string): void {
  if (identifierOf(items.next(derTags.identifier)) !== name) {
    throw new MalformedError('not a timestamp');
  }
}

/** A nonce has this many bytes. Its first must be from 1 to 127, so that it is an integer in its shortest form. */
export const nonceBytes = 8;

/** Makes a request for a timestamp over a SHA-256 hash, with the certificate of the signer. */
export function formatTimestampRequest(hash: Uint8Array, nonce: Uint8Array): Uint8Array {
  const sha256Algorithm = [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
  const imprint = [0x30, sha256Algorithm.length + 2 + hash.length, ...sha256Algorithm, derTags.octetString, hash.length, ...hash];
  const content = [derTags.integer, 1, 1, ...imprint, derTags.integer, nonce.length, ...nonce, derTags.boolean, 1, 0xff];
  return Uint8Array.of(derTags.sequence, content.length, ...content);
}

/** `refused`: the authority gave none; why, in its words. */
export type TimestampAnswer = { readonly said: 'token'; readonly token: Uint8Array } | { readonly said: 'refused'; readonly why: string };

/** Parses the answer to a request. Throws `MalformedError`. */
export function parseTimestampAnswer(bytes: Uint8Array): TimestampAnswer {
  const items = sequenceOf(readDer(bytes));
  const status = nextSequence(items);
  const granted = smallInteger(status.next(derTags.integer)) <= 1;
  const words = status.optional(derTags.sequence);
  const token = items.optional(derTags.sequence);
  items.end();
  if (granted && token !== undefined) {
    return { said: 'token', token: token.bytes };
  }
  const texts = words === undefined ? [] : new DerItems(words).rest().map(({ content }) => decodeUtf8(content));
  return { said: 'refused', why: texts.join(' ') || `status ${encodeHex(readDer(bytes).content).slice(0, 32)}` };
}
