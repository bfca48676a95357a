/** Verifies Ed25519 signatures (RFC 8032) with WebCrypto, for runtimes without node:crypto. `crypto.ts` chooses between them. */

/** False if the signature does not hold, and if key or signature is malformed. */
export async function verifyEd25519Web(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  try {
    // These are copies, because WebCrypto accepts no views of shared memory.
    const raw = new Uint8Array(publicKey);
    const key = await subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    return await subtle.verify('Ed25519', key, new Uint8Array(signature), new Uint8Array(message));
  } catch (error) {
    // The key is not a point of the curve. Any other error is a fault of the runtime and must not count as a bad signature.
    if (error instanceof DOMException && error.name === 'DataError') {
      return false;
    }
    throw error;
  }
}
