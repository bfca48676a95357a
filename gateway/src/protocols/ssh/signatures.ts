import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import ssh2 from 'ssh2';
import { ByteReader } from '../../wire/byte-reader.ts';

/** How a kind of signature is made: of which type its key is, with which digest, and how long each of the two numbers of an ECDSA signature is, in bytes. Nothing with SHA-1 is here. */
const kinds: Readonly<Record<string, { readonly keyType: string; readonly digest: string | null; readonly numberBytes?: number }>> = {
  'ssh-ed25519': { keyType: 'ssh-ed25519', digest: null },
  'rsa-sha2-256': { keyType: 'ssh-rsa', digest: 'sha256' },
  'rsa-sha2-512': { keyType: 'ssh-rsa', digest: 'sha512' },
  'ecdsa-sha2-nistp256': { keyType: 'ecdsa-sha2-nistp256', digest: 'sha256', numberBytes: 32 },
  'ecdsa-sha2-nistp384': { keyType: 'ecdsa-sha2-nistp384', digest: 'sha384', numberBytes: 48 },
  'ecdsa-sha2-nistp521': { keyType: 'ecdsa-sha2-nistp521', digest: 'sha512', numberBytes: 66 },
};

/**
 * True if `signature` (its kind and its bytes, as SSH has them) is one over `signed` by the private key of a bare public key. Throws GatewayError `malformed` for a signature that
 * is none.
 */
export function isSignedBy(publicKey: Buffer, signed: Buffer, signature: Buffer): boolean {
  const reader = new ByteReader(signature);
  const kind = kinds[readString(reader).toString('latin1')];
  const value = readString(reader);
  reader.finish();
  const key = kind === undefined ? null : keyOf(publicKey, kind.keyType);
  if (kind === undefined || key === null) {
    return false;
  }
  return kind.numberBytes === undefined
    ? verify(kind.digest, signed, key, value)
    : verify(kind.digest, signed, { key, dsaEncoding: 'ieee-p1363' }, numbersOf(value, kind.numberBytes));
}

/** Reads a string of SSH: its length and its bytes. */
export function readString(reader: ByteReader): Buffer {
  return reader.bytes(reader.uint32());
}

/** Returns a public key if it is of this type. Null: it is another, or none. */
function keyOf(publicKey: Buffer, type: string): KeyObject | null {
  const parsed = ssh2.utils.parseKey(publicKey);
  return parsed instanceof Error || parsed.type !== type ? null : createPublicKey(parsed.getPublicPEM());
}

/** Returns the two numbers of an ECDSA signature, each with as many bytes as its curve has. */
function numbersOf(value: Buffer, numberBytes: number): Buffer {
  const reader = new ByteReader(value);
  const numbers = [readString(reader), readString(reader)];
  reader.finish();
  return Buffer.concat(
    numbers.map((number) => {
      const bytes = number.subarray(Math.max(0, number.length - numberBytes));
      return Buffer.concat([Buffer.alloc(numberBytes - bytes.length), bytes]);
    }),
  );
}
