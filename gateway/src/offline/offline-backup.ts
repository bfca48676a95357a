import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayIdOf, parseCheckpoint, parseNote } from '@countersign/ledger/format';
import { Backups, directoryDigest, type BackupOrder, type BackupReport } from '../backup/backups.ts';
import type { Configured } from '../backup/configuration-files.ts';
import { GatewayError } from '../domain/errors.ts';
import { BackupNotes, backupNotesSchema, copyKeys } from '../recording/backup-notes.ts';
import { requireDataDirectory } from '../store/data-directory.ts';
import { openSqlite } from '../store/sqlite.ts';
import { StoreLock } from '../store/store-lock.ts';

/** A data directory on which no gateway runs, and the files of its configuration. */
export interface StoppedStore {
  readonly data: string;
  readonly configured: Configured;
  /** True if tokens and accounts are in a database elsewhere. */
  readonly hasSharedStore: boolean;
}

/**
 * Makes a backup without a gateway, up to the newest published checkpoint. The next start records it. Rejects with GatewayError `store_in_use` while a gateway
 * runs, and as `Backups.make` does.
 */
export async function backUpOffline({ data, configured, hasSharedStore }: StoppedStore, order: BackupOrder): Promise<BackupReport> {
  requireDataDirectory(data);
  using _lock = StoreLock.take(data);
  const checkpoint = readCheckpoint(data);
  using keys = openSqlite(requireFile(join(data, 'keys.db')), { journal: 'truncate', secureDelete: true });
  const backups = new Backups({
    data,
    gateway: checkpoint.gateway,
    copyKeys: async (file, size) => copyKeys(keys, file, size),
    identityFile: hasSharedStore ? null : join(data, 'identity.db'),
    configured: () => configured,
    checkpoint: async () => checkpoint,
    whileKeysStay: async (act) => act(),
    now: Date.now,
  });
  await backups.check(order);
  keys.exec(backupNotesSchema);
  new BackupNotes(keys).add({ directory: directoryDigest(order.out), atMs: Date.now(), size: checkpoint.size, isTold: false });
  return await backups.make(order, new AbortController().signal);
}

function readCheckpoint(data: string): { readonly gateway: string; readonly size: number; readonly note: string } {
  const note = readFileSync(requireFile(join(data, 'log', 'checkpoint')), 'utf8');
  const { origin, size } = parseCheckpoint(parseNote(Buffer.from(note)).text);
  return { gateway: gatewayIdOf(origin) ?? '', size, note };
}

function requireFile(file: string): string {
  if (!existsSync(file)) {
    throw new GatewayError('store_damaged', `${file} is missing, so this is no store that can be backed up. countersign verify says what else is missing.`);
  }
  return file;
}
