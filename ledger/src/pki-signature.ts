/** Signatures by keys of certificates, with WebCrypto: RSA (PKCS #1 v1.5 and PSS) and ECDSA on P-256, P-384 and P-521, with SHA-256, SHA-384 and SHA-512. */
import { contextTag, DerItems, derTags, identifierOf, insideOf, nextSequence, readDer, smallInteger, type DerValue } from './der.ts';
import { MalformedError } from './malformed.ts';

/** RSA keys of fewer bits are refused. */
const rsaBitsMin = 2048;

const hashNames: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'SHA-256'],
  ['2.16.840.1.101.3.4.2.2', 'SHA-384'],
  ['2.16.840.1.101.3.4.2.3', 'SHA-512'],
]);
const rsaHashes: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.11', 'SHA-256'],
  ['1.2.840.113549.1.1.12', 'SHA-384'],
  ['1.2.840.113549.1.1.13', 'SHA-512'],
]);
const ecdsaHashes: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10045.4.3.2', 'SHA-256'],
  ['1.2.840.10045.4.3.3', 'SHA-384'],
  ['1.2.840.10045.4.3.4', 'SHA-512'],
]);
const curves: ReadonlyMap<string, { readonly name: string; readonly bytes: number }> = new Map([
  ['1.2.840.10045.3.1.7', { name: 'P-256', bytes: 32 }],
  ['1.3.132.0.34', { name: 'P-384', bytes: 48 }],
  ['1.3.132.0.35', { name: 'P-521', bytes: 66 }],
]);
const rsaKey = '1.2.840.113549.1.1.1';
const rsaPss = '1.2.840.113549.1.1.10';
const ecKey = '1.2.840.10045.2.1';
const maskOfHash = '1.2.840.113549.1.1.8';

/** Says that an algorithm is not one of those above. It says nothing about whether the signature holds. */
export class UnsupportedError extends Error {}

type Scheme =
  | { readonly name: 'RSASSA-PKCS1-v1_5'; readonly hash: string }
  | { readonly name: 'RSA-PSS'; readonly hash: string; readonly saltLength: number }
  | { readonly name: 'ECDSA'; readonly hash: string };

/** Returns the hash of an AlgorithmIdentifier. Throws `MalformedError` or `UnsupportedError`. */
export function hashOf(algorithm: DerValue): string {
  const name = identifierOf(new DerItems(algorithm).next(derTags.identifier));
  const hash = hashNames.get(name);
  if (hash === undefined) {
    throw new UnsupportedError(`the hash ${name} is not supported`);
  }
  return hash;
}

export async function digest(hash: string, bytes: Uint8Array): Promise<Uint8Array> {
  // These are copies, because WebCrypto accepts no views of shared memory.
  return new Uint8Array(await globalThis.crypto.subtle.digest(hash, new Uint8Array(bytes)));
}

interface Signed {
  /** SubjectPublicKeyInfo of the signer. */
  readonly publicKey: DerValue;
  /** The AlgorithmIdentifier of the signature. */
  readonly algorithm: DerValue;
  /** The hash, where the algorithm names none. */
  readonly hash?: string;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Returns whether a signature holds. Rejects with `MalformedError`, or with `UnsupportedError` if the algorithm or the key is none of those above. */
export async function verifySignature({ publicKey, algorithm, hash, message, signature }: Signed): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  const scheme = schemeOf(algorithm, hash);
  const key = new DerItems(new DerItems(publicKey).next(derTags.sequence));
  const kind = identifierOf(key.next(derTags.identifier));
  const spki = new Uint8Array(publicKey.bytes);
  const data = new Uint8Array(message);
  if (scheme.name === 'ECDSA') {
    const curve = kind === ecKey ? curves.get(identifierOf(key.next(derTags.identifier))) : undefined;
    if (curve === undefined) {
      throw new UnsupportedError('the curve of a key is not supported');
    }
    const raw = new Uint8Array(rawSignature(signature, curve.bytes));
    const imported = await imports(subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: curve.name }, false, ['verify']));
    return subtle.verify(scheme, imported, raw, data);
  }
  if (kind !== rsaKey) {
    throw new UnsupportedError(`keys of ${kind} are not supported`);
  }
  const imported = await imports(subtle.importKey('spki', spki, { name: scheme.name, hash: scheme.hash }, false, ['verify']));
  if (!('modulusLength' in imported.algorithm) || Number(imported.algorithm.modulusLength) < rsaBitsMin) {
    throw new UnsupportedError(`RSA keys of fewer than ${rsaBitsMin} bits are not accepted`);
  }
  return subtle.verify(scheme, imported, new Uint8Array(signature), data);
}

/** A key that cannot be imported is malformed. Any other error is a fault of the runtime. */
async function imports(importing: Promise<CryptoKey>): Promise<CryptoKey> {
  try {
    return await importing;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataError') {
      throw new MalformedError('not a public key', { cause: error });
    }
    throw error;
  }
}

function schemeOf(algorithm: DerValue, given: string | undefined): Scheme {
  const items = new DerItems(algorithm);
  const name = identifierOf(items.next(derTags.identifier));
  const rsa = rsaHashes.get(name) ?? (name === rsaKey ? given : undefined);
  const ecdsa = ecdsaHashes.get(name);
  if (rsa !== undefined) {
    return { name: 'RSASSA-PKCS1-v1_5', hash: rsa };
  }
  if (ecdsa !== undefined) {
    return { name: 'ECDSA', hash: ecdsa };
  }
  if (name === rsaPss) {
    return schemeOfPss(nextSequence(items));
  }
  throw new UnsupportedError(`signatures of ${name} are not supported`);
}

/** Reads RSASSA-PSS-params. Where they are left out they mean SHA-1, which is not supported. */
function schemeOfPss(items: DerItems): Scheme {
  const [hash, mask, salt] = [0, 1, 2].map((number) => items.optional(contextTag(number)));
  items.end();
  if (hash === undefined || mask === undefined) {
    throw new UnsupportedError('the hash SHA-1 is not supported');
  }
  const name = hashOf(insideOf(hash, derTags.sequence));
  const masking = new DerItems(insideOf(mask, derTags.sequence));
  if (identifierOf(masking.next(derTags.identifier)) !== maskOfHash || hashOf(masking.next(derTags.sequence)) !== name) {
    throw new UnsupportedError('PSS with two hashes is not supported');
  }
  return { name: 'RSA-PSS', hash: name, saltLength: salt === undefined ? 20 : smallInteger(insideOf(salt, derTags.integer)) };
}

/** Turns the two integers of an ECDSA signature into the form of WebCrypto: both in as many bytes as the curve has. */
function rawSignature(signature: Uint8Array, bytes: number): Uint8Array {
  const items = new DerItems(readDer(signature));
  const raw = new Uint8Array(2 * bytes);
  for (const end of [bytes, 2 * bytes]) {
    const { content } = items.next(derTags.integer);
    const number = content[0] === 0 ? content.subarray(1) : content;
    if (number.length > bytes) {
      throw new MalformedError('not a signature of this curve');
    }
    raw.set(number, end - number.length);
  }
  items.end();
  return raw;
}
