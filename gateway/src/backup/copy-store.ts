import { readdirSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tilePath, tilesOf, hashBytes } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { readTile } from '../recording/tile-store.ts';
import { moveWholeFile } from '../store/whole-file.ts';
import { copySegment, segmentsUpTo, sizeOfNote, type CopiedFile } from './journal-copy.ts';
import { isBackupPath, readManifest, writeManifest, type BackupFile, type BackupManifest } from './manifest.ts';
import { PlainDirectory } from './plain-directory.ts';
import { encryptFiles, secretPath, type SetAside } from './secret-file.ts';
import { smallNames } from './set-aside.ts';
import { hashFile, openPlain, readSlices, writeSlices } from './slices.ts';

/** The order to copy a store somewhere. All of it can be sent to a thread. */
export interface CopyOrder {
  readonly data: string;
  readonly out: string;
  readonly gateway: string;
  /** The checkpoint up to which the journal is copied. */
  readonly note: string;
  readonly made: string;
  /** Files that are copied as they are, and those that are encrypted for `recipients` if there are any. */
  readonly open: readonly SetAside[];
  readonly secret: readonly SetAside[];
  readonly recipients: readonly string[];
}

export interface CopyReport {
  readonly size: number;
  readonly files: number;
  readonly bytes: number;
  /** The bytes that were not there before. */
  readonly copiedBytes: number;
}

/** A file that is replaced is written beside it, and takes its place once the manifest names it: a backup is always the one before or the new one. */
const stagedEnd = '.new';

/**
 * Copies a store into a directory that is empty or has an earlier backup of it. One file is read at a time, in slices of at most 1 MiB. Whenever it is cut
 * short, the next call takes it up. Rejects with GatewayError `conflict` if the directory has another history, `malformed` if something in it is not what a
 * backup writes, `store_damaged` if the store is.
 */
export async function copyStore(order: CopyOrder): Promise<CopyReport> {
  const { data, note, gateway, made } = order;
  const out = new PlainDirectory(order.out);
  const before = await readManifest(order.out);
  const size = sizeOfNote(note);
  if (before !== null) {
    requireSameGateway(before, order);
    if (before.size > size) {
      const words = `${order.out} has ${before.size} records, and this store ${size}: it is an older copy, which must not take the place of the backup.`;
      throw new GatewayError('conflict', `${words} Use another directory.`);
    }
    await placeStaged(out, before);
  }
  await removeUnlisted(out, before);
  const listed = new Map(before?.files.map((file) => [file.path, file]));
  const copied: CopiedFile[] = [];
  for await (const part of segmentsUpTo(data, note)) {
    copied.push(await copySegment(data, out, part, listed.get(part.path)));
  }
  for (const tile of tilesOf(size)) {
    copied.push(await copyTile(data, out, tilePath(tile.level, tile.index, tile.width), { bytes: tile.width * hashBytes, listed }));
  }
  const staged = await stage(order, out);
  const files = [...copied, ...staged].map(({ file }) => file);
  const manifest: BackupManifest = { format: 'countersign-backup/1', gateway, size, note, made, files };
  await writeManifest(order.out, manifest);
  await placeStaged(out, manifest);
  await removeDropped(out, before, manifest);
  await removeUnlisted(out, manifest);
  return {
    size,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    copiedBytes: [...copied, ...staged].reduce((sum, one) => sum + one.copied, 0),
  };
}

/** Throws GatewayError `conflict` if a directory has a backup of another gateway. */
export function requireSameGateway(before: BackupManifest, { out, gateway }: Pick<CopyOrder, 'out' | 'gateway'>): void {
  if (before.gateway !== gateway) {
    throw new GatewayError('conflict', `${out} has a backup of gateway ${before.gateway}, and this is ${gateway}. Use another directory.`);
  }
}

async function copyTile(
  data: string,
  out: PlainDirectory,
  tile: string,
  { bytes, listed }: { readonly bytes: number; readonly listed: ReadonlyMap<string, BackupFile> },
): Promise<CopiedFile> {
  const path = `log/${tile}`;
  const to = out.make(path);
  const known = listed.get(path);
  if (known?.bytes === bytes && (await stat(to).catch(() => null))?.size === bytes) {
    return { file: known, copied: 0 };
  }
  const hashes = await readTile(join(data, 'log'), tile);
  if (hashes?.length !== bytes) {
    throw new GatewayError('store_damaged', `The tile log/${tile} is missing: start the gateway once, which makes it again from the journal.`);
  }
  return { file: { path, ...(await writeSlices(to, [hashes])) }, copied: bytes };
}

/** Writes the files that are replaced beside those of the backup before. */
async function stage({ note, open: plain, secret, recipients }: CopyOrder, out: PlainDirectory): Promise<readonly CopiedFile[]> {
  const staged: CopiedFile[] = [];
  const write = async (path: string, slices: Parameters<typeof writeSlices>[1]): Promise<void> => {
    const written = await writeSlices(out.make(path) + stagedEnd, slices);
    staged.push({ file: { path, ...written }, copied: written.bytes });
  };
  await write('log/checkpoint', [Buffer.from(note)]);
  for (const { path, file } of recipients.length === 0 ? [...plain, ...secret] : plain) {
    await write(path, readSlices(file, 0, await lengthOf(file)));
  }
  if (recipients.length > 0) {
    await write(secretPath, encryptFiles(secret, recipients));
  }
  return staged;
}

async function lengthOf(file: string): Promise<number> {
  await using handle = await openPlain(file);
  return (await handle.stat()).size;
}

/** Finishes what a manifest says: puts the files in place that were written beside. */
async function placeStaged(out: PlainDirectory, { files }: BackupManifest): Promise<void> {
  for (const { path, bytes, sha256 } of files.filter(({ path: one }) => isReplaced(one))) {
    const file = out.at(path);
    const beside = file + stagedEnd;
    if ((await stat(beside).catch(() => null)) === null) {
      continue;
    }
    if ((await lengthOf(beside)) === bytes && (await hashFile(beside, bytes)) === sha256) {
      await moveWholeFile(beside, file);
    } else {
      await rm(beside);
    }
  }
}

/** Returns the places where a file of a backup may be. It is still beside its place if a backup was cut short just before its end. */
export function placesOf(directory: PlainDirectory, path: string): readonly string[] {
  const file = directory.at(path);
  return isReplaced(path) ? [file, file + stagedEnd] : [file];
}

/** True if a backup writes a file of this path. */
export function isOfBackup(path: string): boolean {
  return /^(journal|log|config|escrow)\//.test(path) || replacedNames.includes(path);
}

/** True for a file that each backup writes anew. The journal grows, and a tile never changes. */
function isReplaced(path: string): boolean {
  return !path.startsWith('journal/') && !path.startsWith('log/tile/');
}

/** Removes the tiles, and the other files, of the backup before that are not part of this one. */
async function removeDropped(out: PlainDirectory, before: BackupManifest | null, { files }: BackupManifest): Promise<void> {
  const kept = new Set(files.map(({ path }) => path));
  for (const { path } of before?.files ?? []) {
    if (!kept.has(path)) {
      await rm(out.at(path), { force: true });
    }
  }
}

/** Removes what a backup that was cut short left beside its files, and keys that are encrypted from now on. */
async function removeUnlisted(out: PlainDirectory, manifest: BackupManifest | null): Promise<void> {
  const kept = new Set(manifest?.files.map(({ path }) => path));
  const escrowed = (await readdir(join(out.path, escrowName)).catch(() => [])).map((name) => `${escrowName}/${name}`).filter(isBackupPath);
  for (const left of [...replacedNames.flatMap((name) => [name, name + stagedEnd]), ...escrowed].filter((one) => !kept.has(one))) {
    await rm(out.at(left), { force: true });
  }
}

/** The directory of the root secret that is encrypted for the recipients of `keys.escrow`. */
const escrowName = 'escrow';

/** Files in a backup that are not below a directory and are written anew by each. */
const replacedNames = ['keys.db', 'identity.db', 'root.key', secretPath, ...smallNames];

/** Throws GatewayError `conflict` unless a directory is empty, or has only what a backup writes, be it one that was cut short. */
export function requireOwn(directory: string): void {
  const own = new Set(['journal', 'log', 'config', escrowName, 'manifest.json', ...replacedNames].flatMap((name) => [name, name + stagedEnd]));
  const other = readdirSync(directory).find((name) => !own.has(name));
  if (other !== undefined) {
    throw new GatewayError('conflict', `${join(directory, other)} is no part of a backup. Use an empty directory, or one with an earlier backup.`);
  }
}
