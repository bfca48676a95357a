/** The public keys of the log, as they are published: `log/key`, and `log/keys` once a key took the place of another. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MalformedError } from '@countersign/ledger';
import {
  formatVerifierKey,
  openKeyRing,
  originOf,
  parseCheckpoint,
  parseVerifierKey,
  ringBytesMax,
  SigningKeys,
  verifyNote,
  type VerifierKey,
} from '@countersign/ledger/format';
import { readLimitedFile } from '../store/limited-file.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import type { KeyStore } from './key-store.ts';
import type { PublishedCheckpoint } from './publisher.ts';
import { mixed } from './recovery.ts';

/** Writes them as the key store has them: the keyring first, so that it has the key that `log/key` names. */
export function writePublicKeys(data: string, keys: KeyStore): void {
  const { keyring } = keys;
  if (keyring === null) {
    rmSync(join(data, 'log', 'keys'), { force: true });
  } else {
    writeWholeFile(join(data, 'log', 'keys'), keyring);
  }
  writeWholeFile(join(data, 'log', 'key'), `${formatVerifierKey(ownKey(keys))}\n`);
}

function ownKey(keys: KeyStore): VerifierKey {
  const { gatewayId, signer } = keys.signer();
  return parseVerifierKey(formatVerifierKey({ ...signer, name: originOf(gatewayId) }));
}

/** Returns the keys of the log as the key store has them. Rejects with GatewayError `store_damaged` or `key_unavailable`. */
export async function signingKeys(keys: KeyStore): Promise<SigningKeys> {
  const { keyring } = keys;
  const own = ownKey(keys);
  if (keyring === null) {
    return new SigningKeys([own]);
  }
  try {
    const ring = await openKeyRing(Buffer.from(keyring));
    if (formatVerifierKey(ring.keys.at(-1)?.key ?? own) === formatVerifierKey(own)) {
      return new SigningKeys([], [ring]);
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) {
      throw error;
    }
  }
  throw mixed('the keyring in keys.db does not end with the signing key there. Restore the keys.db of this store');
}

/** Returns the verifier keys of the log, each with the size from which it signs, the one in force last. Rejects with GatewayError `store_damaged` or `key_unavailable`. */
export async function listSigners(keys: KeyStore): Promise<readonly { readonly vkey: string; readonly from: number }[]> {
  return (await signingKeys(keys)).listed.map(({ first, key }) => ({ vkey: formatVerifierKey(key), from: first }));
}

/** Returns the checkpoints with which keys of the log took over, the first one first. Rejects with GatewayError `store_damaged` or `key_unavailable`. */
export async function handoversOf(keys: KeyStore): Promise<readonly PublishedCheckpoint[]> {
  const { rings } = await signingKeys(keys);
  return rings.flatMap(({ handovers }) => handovers.map(({ checkpoint: { size }, note }) => ({ size, note })));
}

/**
 * Ensures that the published keys are those of the key store. A crash during a rotation may have left those of before it. Rejects with GatewayError `store_damaged`, or
 * `key_unavailable`.
 */
export async function requirePublicKeys(data: string, keys: KeyStore): Promise<void> {
  const [key, ring] = [await readPublicKeys(data, 'key'), await readPublicKeys(data, 'keys')];
  if (key === null && ring === null) {
    return;
  }
  const directory = join(data, 'log');
  if (keys.gatewayId === null) {
    throw mixed(`${directory} has the public key of a log, and the signing key is not in keys.db. Restore the keys.db of this store`);
  }
  const known = (await signingKeys(keys)).all.map(formatVerifierKey);
  if (key !== null && !known.includes(key.trim())) {
    throw mixed(`${join(directory, 'key')} is not the key of the signer in keys.db. Restore whichever of log/ and keys.db is of another store`);
  }
  if (ring !== null && keys.keyring?.startsWith(ring) !== true) {
    throw mixed(`${join(directory, 'keys')} has another keyring than keys.db. Restore whichever of log/ and keys.db is older, or of another store`);
  }
}

/** Rejects with GatewayError `store_damaged` unless a key of the key store has signed the newest checkpoint of the journal. */
export async function requireSigner(note: Uint8Array, keys: KeyStore): Promise<void> {
  const trusted = await signingKeys(keys);
  try {
    const signed = await verifyNote(note, trusted.all);
    if (signed.outcome === 'verified') {
      const { size } = parseCheckpoint(signed.note.text);
      if (signed.signers.some((key) => trusted.signs(key, size))) {
        return;
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) {
      throw error;
    }
  }
  throw mixed('the key in keys.db has not signed the newest checkpoint of the journal. Restore the newest keys.db of this store');
}

/** Reads a file of public keys; null if there is none. Rejects with GatewayError `store_damaged` if it is longer than any of them. */
export async function readPublicKeys(data: string, name: 'key' | 'keys'): Promise<string | null> {
  const file = join(data, 'log', name);
  return existsSync(file) ? (await readLimitedFile(file, ringBytesMax)).toString() : null;
}
