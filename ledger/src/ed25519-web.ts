/** Ed25519 (RFC 8032) by WebCrypto, for runtimes without node:crypto. `crypto.ts` chooses. */

/** False for a public key or a signature that is not one. */
export async function verifyEd25519Web(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  try {
    // Copies, for WebCrypto takes no views of shared memory.
    const raw = new Uint8Array(publicKey);
    const key = await subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    return await subtle.verify('Ed25519', key, new Uint8Array(signature), new Uint8Array(message));
  } catch (error) {
    // Not a point of the curve. Anything else is a fault of the runtime and must not pass for a bad signature.
    if (error instanceof DOMException && error.name === 'DataError') {
      return false;
    }
    throw error;
  }
}
