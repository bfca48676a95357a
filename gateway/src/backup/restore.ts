import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gatewayIdOf, parseCheckpoint, parseNote } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { makeDataDirectory } from '../store/data-directory.ts';
import { requireApart } from './backups.ts';
import { isOfBackup, placesOf } from './copy-store.ts';
import { readManifest, type BackupFile, type BackupManifest } from './manifest.ts';
import { PlainDirectory } from './plain-directory.ts';
import { beginRestoring, isRestoring, markRestored } from './restored.ts';
import { decryptFiles, secretPath } from './secret-file.ts';
import { hashFile, readSlices, writeSlices } from './slices.ts';

interface RestoreOrder {
  readonly backup: string;
  /** The data directory that is made: it must be empty, or not there. */
  readonly data: string;
  /** The text of a file with identities of age; null: there is none. */
  readonly identities: string | null;
}

export type RestoredBackup = Pick<BackupManifest, 'gateway' | 'size' | 'made'>;

/**
 * Restores a backup into a data directory, and compares every file with its SHA-256. No gateway starts on it before `endRestoring`, which is for who has
 * verified it. A restore that was cut short is begun again by the next into the same directory. Rejects with GatewayError `not_found`, `malformed`, `conflict` or `key_unavailable`;
 * the message says what to do.
 */
export async function restoreBackup({ backup, data, identities }: RestoreOrder): Promise<RestoredBackup> {
  const from = new PlainDirectory(resolve(backup));
  const manifest = await requireManifest(from.path);
  if (identities === null && manifest.files.some(({ path }) => path === secretPath)) {
    throw new GatewayError('key_unavailable', `Keys and tokens in ${backup} are encrypted: give the file of an identity of age with --identity.`);
  }
  await makeEmpty(resolve(data), from.path);
  const to = new PlainDirectory(resolve(data));
  const place = (path: string): string => {
    if (!isOfBackup(path)) {
      throw new GatewayError('malformed', `${path} is no file that a backup writes. Use another backup.`);
    }
    return to.make(path);
  };
  for (const file of manifest.files) {
    await (file.path === secretPath ? restoreSecret(from, file, { identities: identities ?? '', place }) : restoreFile(from, file, place(file.path)));
  }
  markRestored(to.path, { size: manifest.size, note: createHash('sha256').update(manifest.note).digest('hex') });
  return manifest;
}

async function requireManifest(directory: string): Promise<BackupManifest> {
  const manifest = await readManifest(directory);
  if (manifest === null) {
    throw new GatewayError('not_found', `${directory} has no manifest.json: it is no backup, or its first one was cut short. countersign backup makes one.`);
  }
  const { origin, size } = parseCheckpoint(parseNote(Buffer.from(manifest.note)).text);
  if (gatewayIdOf(origin) !== manifest.gateway || size !== manifest.size) {
    throw new GatewayError('malformed', `${directory}/manifest.json names another gateway or size than its checkpoint. Use another backup.`);
  }
  return manifest;
}

/** Makes the directory, or empties it if an earlier restore into it did not end. Rejects with GatewayError `conflict` if there is anything else in it. */
async function makeEmpty(data: string, backup: string): Promise<void> {
  requireApart(data, backup);
  makeDataDirectory(data);
  const there = readdirSync(data).filter((name) => name !== 'lost+found' && !/^restoring\.\w+\.new$/.test(name));
  if (there.length > 0 && !isRestoring(data)) {
    throw new GatewayError('conflict', `${data} is not empty. A backup is restored into an empty directory only: name another with --data.`);
  }
  beginRestoring(data);
  for (const name of there.filter((one) => one !== 'restoring')) {
    await rm(join(data, name), { recursive: true });
  }
}

async function restoreFile(from: PlainDirectory, { path, bytes, sha256 }: BackupFile, to: string): Promise<void> {
  for (const candidate of await candidates(from, path, bytes)) {
    if ((await writeSlices(to, readSlices(candidate, 0, bytes))).sha256 === sha256) {
      return;
    }
  }
  throw notWhole(from, path);
}

async function restoreSecret(
  from: PlainDirectory,
  { path, bytes, sha256 }: BackupFile,
  { identities, place }: { readonly identities: string; readonly place: (path: string) => string },
): Promise<void> {
  for (const candidate of await candidates(from, path, bytes)) {
    if ((await hashFile(candidate, bytes)) === sha256) {
      return decryptFiles(candidate, identities, place);
    }
  }
  throw notWhole(from, path);
}

async function candidates(from: PlainDirectory, path: string, bytes: number): Promise<readonly string[]> {
  const found = await Promise.all(placesOf(from, path).map(async (file) => ({ file, size: (await stat(file).catch(() => null))?.size ?? -1 })));
  return found.filter(({ size }) => size >= bytes).map(({ file }) => file);
}

function notWhole(from: PlainDirectory, path: string): GatewayError {
  return new GatewayError('malformed', `${join(from.path, path)} is missing, or is not what was backed up. Use another backup.`);
}
