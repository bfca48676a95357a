import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { replaceWholeFile } from '../store/whole-file.ts';

const manifestFile = 'manifest.json';
/** A manifest of this length names the files of a log of some hundred million records. */
const manifestBytesMax = 256 * 1024 * 1024;
const filesMax = 2_000_000;
const pathLengthMax = 1000;
const partsMax = 16;

/** True for the path of a file in a backup: it is relative, and no part of it leads out or begins with a dot. */
export function isBackupPath(path: string): boolean {
  const parts = path.split('/');
  return path.length <= pathLengthMax && parts.length <= partsMax && parts.every((part) => /^[\w][\w .+,=@-]*$/.test(part));
}

const backupFile = z.strictObject({
  path: z.string().refine(isBackupPath, 'is no path inside of a backup'),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifestSchema = z.strictObject({
  format: z.literal('countersign-backup/1'),
  /** 16 hex digits. */
  gateway: z.string().regex(/^[0-9a-f]{16}$/),
  /** Number of records. */
  size: z.int().min(0),
  /** The checkpoint up to which the journal was copied, as it was signed. */
  note: z.string().max(64 * 1024),
  made: z.iso.datetime(),
  files: z.array(backupFile).max(filesMax).readonly(),
});

/** A file of a backup: `bytes` is how much of it counts, from its beginning. */
export type BackupFile = z.output<typeof backupFile>;

/** The list of what a backup consists of. It is written last and whole (docs/formats/backup.md). */
export type BackupManifest = z.output<typeof manifestSchema>;

/** Reads the manifest of a backup; null if there is none. Rejects with GatewayError `malformed` if it is not what a backup writes. */
export async function readManifest(directory: string): Promise<BackupManifest | null> {
  const file = join(directory, manifestFile);
  let text: string;
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    const found = await handle.stat();
    if (!found.isFile() || found.size > manifestBytesMax) {
      throw malformed(file, found.isFile() ? `it is longer than ${manifestBytesMax} bytes` : 'it is no file');
    }
    text = await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return null;
    }
    throw error instanceof Error && 'code' in error && error.code === 'ELOOP' ? malformed(file, 'it is a link') : error;
  }
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const [{ path, message } = { path: [], message: '' }] = parsed.error.issues;
    throw malformed(file, `${path.join('.')}: ${message}`);
  }
  if (new Set(parsed.data.files.map(({ path }) => path)).size < parsed.data.files.length) {
    throw malformed(file, 'it names a file twice');
  }
  return parsed.data;
}

/** Writes the manifest. After any crash it is the old one or the new one. */
export async function writeManifest(directory: string, manifest: BackupManifest): Promise<void> {
  await replaceWholeFile(join(directory, manifestFile), `${JSON.stringify(manifest)}\n`);
}

/** Parses JSON; null if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function malformed(file: string, why: string): GatewayError {
  return new GatewayError('malformed', `${file} is no manifest of a backup: ${why}. Use another directory, or an older copy of this one.`);
}
