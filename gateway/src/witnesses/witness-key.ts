import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { MalformedError } from '@countersign/ledger';
import { decodeBase64, encodeBase64, formatVerifierKey, formatWitnessKey, signatureTypes, type NoteSigner } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { writeWholeFile } from '../store/whole-file.ts';

const seedBytes = 32;
const keyStart = 'PRIVATE+KEY+';
/** The bytes before the seed of an Ed25519 key in its DER form (RFC 8410). */
const pkcs8Start = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `cosignature`: the key of a witness. `note`: that of a log, here of the anchor log. */
type KeyUse = keyof typeof signatureTypes;

/** A key that was made, and is in no file yet. */
export interface NewKey {
  readonly signer: NoteSigner;
  /** The content of its file, in the form of the signer keys of Go's note package. Secret. */
  readonly file: string;
}

/** Makes a key. Throws GatewayError `config_invalid` if the name is none. */
export function makeKey(name: string, use: KeyUse): NewKey {
  const seed = randomBytes(seedBytes);
  const signer = signerOf(name, seed);
  const [keyName = '', id = ''] = formatNewKey(signer, use).split('+');
  return { signer, file: `${keyStart}${keyName}+${id}+${encodeBase64(Uint8Array.of(signatureTypes[use], ...seed))}\n` };
}

/** Reads the file of a key. Throws GatewayError `key_unavailable`. */
export function readKey(file: string, use: KeyUse): NoteSigner {
  const [, keyName = '', id = '', encoded = ''] = /^PRIVATE\+KEY\+([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\n?$/.exec(readFileSync(file, 'utf8')) ?? [];
  const bytes = encoded === '' ? new Uint8Array(0) : decodeBase64(encoded);
  if (bytes.length !== 1 + seedBytes || bytes[0] !== signatureTypes[use]) {
    throw unavailable(file, use === 'note' ? 'it is not the key of an anchor log' : 'it is not the key of a witness');
  }
  const signer = signerOf(keyName, bytes.subarray(1));
  if (formatKey(signer, use).split('+')[1] !== id) {
    throw unavailable(file, 'its name or key was changed');
  }
  return signer;
}

/**
 * Opens the key of a witness; makes it, with mode 0600, if the file is not there. `name` is the name of a new key; null: one is made of the name of this machine.
 * Throws GatewayError `key_unavailable` or `config_invalid`.
 */
export function openWitnessKey(file: string, name: string | null): NoteSigner {
  if (!existsSync(file)) {
    writeWholeFile(file, makeKey(name ?? `${hostname().toLowerCase()}/${randomBytes(4).toString('hex')}`, 'cosignature').file, { isNew: true });
  }
  const signer = readKey(file, 'cosignature');
  if (name !== null && name !== signer.name) {
    throw unavailable(file, `it is the key of the witness ${signer.name}, not of ${name}`);
  }
  return signer;
}

function signerOf(name: string, seed: Uint8Array): NoteSigner {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Start, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { name, publicKey, sign: (message) => sign(null, message, key) };
}

function formatKey(signer: NoteSigner, use: KeyUse): string {
  return use === 'note' ? formatVerifierKey(signer) : formatWitnessKey(signer);
}

function formatNewKey(signer: NoteSigner, use: KeyUse): string {
  try {
    return formatKey(signer, use);
  } catch (cause) {
    throw cause instanceof MalformedError
      ? new GatewayError('config_invalid', `${JSON.stringify(signer.name)} is no name of a key: it has no spaces and no +. Name another: --name NAME.`, {
          cause,
        })
      : cause;
  }
}

function unavailable(file: string, what: string): GatewayError {
  return new GatewayError('key_unavailable', `${file}: ${what}. Restore it; a witness with another key is another witness.`);
}
