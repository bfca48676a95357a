import { createHash } from 'node:crypto';
import type { Act } from '../control.ts';

const version = 'countersign approval 2';

/**
 * Returns the digest of an act, as hexadecimal text: SHA-256 over who asks, for whom, of which target at which address, for which action, the exact bytes (without what a client makes anew with each attempt, see
 * `Action.known`) and the version of the policies. Each part is preceded by its length, so no two acts have the same input.
 */
export function digestOf({ asker, target, action, bytes }: Act, policyVersion: string): string {
  const { principal, onBehalfOf } = asker;
  const place = `${target.scheme}://${target.host}:${target.port}/${target.path}`;
  const hash = createHash('sha256');
  for (const text of [version, principal.id, onBehalfOf ?? '', target.name, place, action.name, policyVersion]) {
    const part = Buffer.from(text);
    hash.update(lengthOf(part.length)).update(part);
  }
  const known = action.known?.() ?? bytes;
  hash.update(lengthOf(known.reduce((sum, { length }) => sum + length, 0)));
  for (const piece of known) {
    hash.update(piece);
  }
  return hash.digest('hex');
}

/** A length as 8 bytes, big-endian. */
function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
