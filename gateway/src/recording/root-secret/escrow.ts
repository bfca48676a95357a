import { createSecretKey, type KeyObject } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../../domain/errors.ts';
import { openDecrypter, openEncrypter } from '../../store/age.ts';
import { systemErrorWords } from '../../store/system-error.ts';
import { writeWholeFile } from '../../store/whole-file.ts';
import { rootSecretBytes } from './provider.ts';

const format = 'countersign-root/1';
const fileBytesMax = 64 * 1024;
const filesMax = 10_000;
const fileName = /^root-([1-9]\d{0,5})\.age$/;

/** A file with a root secret that is encrypted for recipients. */
export interface EscrowFile {
  readonly file: string;
  /** The number of the root secret. */
  readonly root: number;
  readonly writtenMs: number;
}

/** A root secret, and the seed of the keys that are derived. */
export interface EscrowedRoot {
  readonly root: number;
  readonly secret: KeyObject;
  readonly seed: KeyObject;
}

/**
 * Encrypts a root secret for recipients of age, to `escrow/root-N.age` in the data directory: a line of JSON, the root secret and the seed. What was there for
 * this number is replaced. Rejects with GatewayError `config_invalid` if one is no recipient, and `cannot_record`.
 */
export async function writeEscrow(data: string, { root, secret, seed }: EscrowedRoot, gateway: string, recipients: readonly string[]): Promise<void> {
  const encrypter = await openEncrypter(recipients, 'keys.escrow');
  const [secretBytes, seedBytes] = [secret.export(), seed.export()];
  const plain = Buffer.concat([Buffer.from(`${JSON.stringify({ format, gateway, root })}\n`), secretBytes, seedBytes]);
  try {
    const encrypted = await encrypter.encrypt(plain);
    writeFile(join(data, 'escrow'), `root-${root}.age`, encrypted);
  } finally {
    for (const bytes of [secretBytes, seedBytes, plain]) {
      bytes.fill(0);
    }
  }
}

function writeFile(directory: string, name: string, encrypted: Uint8Array): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeWholeFile(join(directory, name), encrypted);
  } catch (cause) {
    const words = systemErrorWords(cause);
    throw words === null ? cause : new GatewayError('cannot_record', `The root secret cannot be put in escrow in ${directory}: ${words}.`, { cause });
  }
}

/** The files that are in escrow, the newest root secret first. */
export function listEscrow(data: string): readonly EscrowFile[] {
  const directory = join(data, 'escrow');
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) {
    return [];
  }
  return readdirSync(directory)
    .slice(0, filesMax)
    .flatMap((name) => {
      const [, root] = fileName.exec(name) ?? [];
      const file = join(directory, name);
      return root === undefined ? [] : [{ file, root: Number(root), writtenMs: Math.floor(statSync(file).mtimeMs) }];
    })
    .toSorted((a, b) => b.root - a.root);
}

/** The file with the root secret of a number; null: it is not in escrow. */
export function findEscrow(data: string, root: number): EscrowFile | null {
  return listEscrow(data).find((file) => file.root === root) ?? null;
}

/** Decrypts a file with the identities in the text of a file of age. Rejects with GatewayError `malformed`, or `key_unavailable` if none of them opens it. */
export async function readEscrow(file: string, identities: string): Promise<EscrowedRoot> {
  const decrypter = await openDecrypter(identities);
  if (statSync(file).size > fileBytesMax) {
    throw new GatewayError('malformed', `${file} is too long for a root secret in escrow.`);
  }
  const plain = await decrypter.decrypt(readFileSync(file)).catch((cause: unknown) => {
    throw new GatewayError('key_unavailable', `${file} cannot be decrypted: give with --identity the file of an identity of one of its recipients.`, { cause });
  });
  try {
    const end = plain.indexOf(0x0a);
    const [, root] =
      /^\{"format":"countersign-root\/1","gateway":"[0-9a-f]{16}","root":(\d{1,6})\}$/.exec(Buffer.from(plain.subarray(0, Math.max(0, end))).toString()) ?? [];
    if (root === undefined || plain.length !== end + 1 + 2 * rootSecretBytes) {
      throw new GatewayError('malformed', `${file} does not hold what a gateway puts in escrow.`);
    }
    const at = end + 1 + rootSecretBytes;
    return { root: Number(root), secret: createSecretKey(plain.subarray(end + 1, at)), seed: createSecretKey(plain.subarray(at)) };
  } finally {
    plain.fill(0);
  }
}

/** Says, for the record of an erasure, that there are root secrets that open the keys in copies of the key store. */
export function describeEscrow(data: string): readonly string[] {
  const files = listEscrow(data);
  return files.length === 0 ? [] : [`root secrets in escrow, up to number ${files[0]?.root}: they hold none of these keys, and open those in the backups`];
}
