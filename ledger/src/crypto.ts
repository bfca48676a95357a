/**
 * The one seam to cryptography: synchronous SHA-256 and asynchronous Ed25519 verification.
 *
 * SHA-256 is Node's one-shot `hash` where it exists. It is asked for a latin1 string because that costs half of what a Buffer
 * does: the call makes no typed array. Elsewhere (browsers) the small implementation in `sha256.ts` does the same.
 * Ed25519 is WebCrypto, which every runtime has.
 */
import { sha256Portable } from "./sha256.ts";

type HashLatin1 = (bytes: Uint8Array) => string;

function nodeHash(): HashLatin1 | undefined {
  if (typeof process === "undefined" || typeof process.getBuiltinModule !== "function") {
    return undefined;
  }
  const { hash } = process.getBuiltinModule("node:crypto");
  return typeof hash === "function" ? (bytes) => hash("sha256", bytes, "latin1") : undefined;
}

const hashLatin1 = nodeHash();

/** Writes SHA-256 of `bytes` to `target` at `offset`. `bytes` and the target may overlap. */
export function sha256Into(bytes: Uint8Array, target: Uint8Array, offset: number): void {
  if (hashLatin1 === undefined) {
    sha256Portable(bytes, target, offset);
    return;
  }
  const digest = hashLatin1(bytes);
  for (let i = 0; i < 32; i++) {
    target[offset + i] = digest.charCodeAt(i);
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32);
  sha256Into(bytes, digest, 0);
  return digest;
}

/** Ed25519 (RFC 8032). False for a public key or a signature that is not one. */
export async function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) {
    return false;
  }
  const { subtle } = globalThis.crypto;
  try {
    const key = await subtle.importKey("raw", publicKey.slice(), "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", key, signature.slice(), message.slice());
  } catch (error) {
    // A key that is no point of the curve; anything else is a fault of the runtime and must not pass for a bad signature.
    if (error instanceof DOMException && error.name === "DataError") {
      return false;
    }
    throw error;
  }
}
