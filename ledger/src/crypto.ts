/**
 * All cryptography of the verifier: synchronous SHA-256 and asynchronous Ed25519 verification. It uses node:crypto if it exists, otherwise (in browsers)
 * `sha256.ts` and WebCrypto.
 */
import { verifyEd25519Web } from './ed25519-web.ts';
import { sha256Portable } from './sha256.ts';

type NodeCrypto = typeof import('node:crypto');

function findNodeCrypto(): NodeCrypto | undefined {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function') {
    return undefined;
  }
  const found = process.getBuiltinModule('node:crypto');
  return typeof found.hash === 'function' ? found : undefined;
}

const nodeCrypto = findNodeCrypto();

/** Writes SHA-256 of `bytes` to `target` at `offset`. `bytes` and the target may overlap. */
export function sha256Into(bytes: Uint8Array, target: Uint8Array, offset: number): void {
  if (nodeCrypto === undefined) {
    sha256Portable(bytes, target, offset);
    return;
  }
  // A latin1 string costs half of what a Buffer costs, because the call makes no typed array.
  const digest = nodeCrypto.hash('sha256', bytes, 'latin1');
  for (let i = 0; i < 32; i++) {
    target[offset + i] = digest.charCodeAt(i);
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32);
  sha256Into(bytes, digest, 0);
  return digest;
}

/** The bytes before the 32 bytes of an Ed25519 public key in its DER form (RFC 8410). */
const spkiStart = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0);

/** Verifies an Ed25519 signature (RFC 8032). False if the signature does not hold, and if key or signature is malformed. */
export async function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) {
    return false;
  }
  if (nodeCrypto === undefined) {
    return verifyEd25519Web(publicKey, message, signature);
  }
  // The type of this parameter is Buffer, but any bytes are accepted.
  const der = nodeCrypto.createPublicKey({
    key: globalThis.Buffer.from([...spkiStart, ...publicKey]),
    format: 'der',
    type: 'spki',
  });
  return nodeCrypto.verify(null, message, der, signature);
}
