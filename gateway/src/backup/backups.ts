import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { findEscrow } from '../recording/root-secret/escrow.ts';
import { readRootRow } from '../recording/root-secret/root-rows.ts';
import { makeDataDirectory } from '../store/data-directory.ts';
import { openSqliteReadOnly } from '../store/sqlite.ts';
import { requireOwn, requireSameGateway, type CopyReport } from './copy-store.ts';
import { sayFullDisk } from './full-disk.ts';
import { readManifest } from './manifest.ts';
import { runCopy } from './run-copy.ts';
import { openEncrypter } from '../store/age.ts';
import type { SetAside } from './secret-file.ts';
import { configurationFiles, type Configured } from './configuration-files.ts';
import { AsideDirectory } from './set-aside.ts';

export const recipientsMax = 20;
/** So many files are named that are not in a backup. */
const namedFilesMax = 20;

/** The backup that somebody wants. */
export interface BackupOrder {
  /** The directory to which the backup goes, as an absolute path. */
  readonly out: string;
  /** Recipients of age for whom what is secret is encrypted. Empty: the key store is copied as it is, and the root key is not. */
  readonly recipients: readonly string[];
}

export interface BackupReport extends CopyReport {
  readonly directory: string;
  readonly gateway: string;
  readonly made: string;
  /** True if what is secret is encrypted in it. */
  readonly isEncrypted: boolean;
  /** One sentence for each thing that is not in it and is needed to use it. */
  readonly lacks: readonly string[];
}

/** The store of which a backup is made, by a gateway that runs on it or while none does. */
export interface BackedUpStore {
  readonly data: string;
  readonly gateway: string;
  /** Writes a copy of the key store for a log of `size` records to a new file. */
  readonly copyKeys: (file: string, size: number) => Promise<void>;
  /** The file of tokens and accounts; null if they are in a database elsewhere. */
  readonly identityFile: string | null;
  readonly configured: () => Configured;
  /** Returns a checkpoint that is on stable storage, and that covers all that was recorded before the call. */
  readonly checkpoint: () => Promise<{ readonly size: number; readonly note: string }>;
  /** Runs an act during which no key is destroyed or rotated: a copy of the keys without one, of a log that does not say why, would look like a loss. */
  readonly whileKeysStay: <T>(act: () => Promise<T>) => Promise<T>;
  readonly now: () => number;
}

/** Makes backups of one store, one at a time. */
export class Backups {
  readonly #store: BackedUpStore;
  #isBusy = false;

  constructor(store: BackedUpStore) {
    this.#store = store;
  }

  /** Checks an order before anything is recorded or copied, and makes the directory. Rejects with GatewayError `malformed`, `conflict` or `config_invalid`; the message says what to do. */
  async check(order: BackupOrder): Promise<void> {
    this.#requireIdle();
    await this.#check(order);
  }

  /** Makes a backup. When `signal` aborts, it is cut short, and the next takes it up. Rejects as `check` and `copyStore` do, and with GatewayError `cannot_record` on a full disk. */
  async make(order: BackupOrder, signal: AbortSignal): Promise<BackupReport> {
    this.#requireIdle();
    this.#isBusy = true;
    try {
      await this.#check(order);
      return await this.#make(order, signal);
    } catch (error) {
      throw sayFullDisk(error);
    } finally {
      this.#isBusy = false;
    }
  }

  #requireIdle(): void {
    if (this.#isBusy) {
      throw new GatewayError('conflict', 'A backup is being made. Wait for its end.');
    }
  }

  async #check({ out, recipients }: BackupOrder): Promise<void> {
    if (!isAbsolute(out)) {
      throw new GatewayError('malformed', `--out ${out} is no absolute path.`);
    }
    await openEncrypter(recipients);
    requireApart(resolve(this.#store.data), resolve(out));
    makeDataDirectory(out);
    requireApart(realpathSync(this.#store.data), realpathSync(out));
    requireOwn(out);
    const before = await readManifest(out);
    if (before !== null) {
      requireSameGateway(before, { out, gateway: this.#store.gateway });
    }
  }

  async #make({ out, recipients }: BackupOrder, signal: AbortSignal): Promise<BackupReport> {
    const { data, gateway, copyKeys, identityFile, checkpoint, whileKeysStay, now } = this.#store;
    const made = new Date(now()).toISOString();
    await using aside = await AsideDirectory.make(data);
    // These must not be ahead of the journal of the backup, and the keys not behind it.
    const small = await aside.takeSmall();
    const keyCopy = aside.place('keys.db');
    const { log, note } = await whileKeysStay(async () => {
      const taken = await aside.takeLog();
      const published = await checkpoint();
      await copyKeys(keyCopy.file, published.size);
      return { log: taken, note: published.note };
    });
    const secret: SetAside[] = [...small, keyCopy];
    // The key store notes how much was known of tokens, so what is known of them must not be older than its copy.
    if (identityFile !== null && existsSync(identityFile)) {
      const copy = aside.place('identity.db');
      using identities = openSqliteReadOnly(identityFile);
      await identities.copyTo(copy.file);
      secret.push(copy);
    }
    const { row } = readRootRow(keyCopy.file);
    const escrow = findEscrow(data, row?.id ?? 1);
    if (escrow !== null) {
      secret.push({ path: `escrow/${basename(escrow.file)}`, file: escrow.file });
    }
    const rootFile = join(data, 'root.key');
    const hasRootFile = existsSync(rootFile);
    if (hasRootFile && recipients.length > 0) {
      secret.push({ path: 'root.key', file: rootFile });
    }
    const configured = this.#store.configured();
    const config = configurationFiles(configured);
    const report = await runCopy({ data, out, gateway, note, made, open: [...log, ...config.taken], secret, recipients }, signal);
    return {
      ...report,
      directory: out,
      gateway,
      made,
      isEncrypted: recipients.length > 0,
      lacks: [
        ...(hasRootFile && recipients.length > 0 ? [] : [rootWords(hasRootFile ? rootFile : null, escrow !== null)]),
        ...(identityFile === null ? ['Tokens and accounts are in the database of store: back that up as well.'] : []),
        ...(configured.files.length === 0 ? ['The configuration file is not in it, since nothing said which it is.'] : []),
        ...leftWords(config.left.filter((file) => file !== rootFile)),
      ],
    };
  }
}

function rootWords(file: string | null, isInEscrow: boolean): string {
  const words = 'The root key is not in it, and without it nothing that was recorded can be read';
  return `${words}: keep ${file ?? 'the key that the gateway gets from elsewhere'} apart from the backup${isInEscrow ? ', or an identity of keys.escrow, for which the root secret in it is encrypted' : ''}.`;
}

function leftWords(files: readonly string[]): readonly string[] {
  const more = files.length > namedFilesMax ? ` and ${files.length - namedFilesMax} more` : '';
  return files.length === 0
    ? []
    : [
        `The configuration names files that are not in it, because they may be secret, or do not lie beside the configuration file: ${files.slice(0, namedFilesMax).join(', ')}${more}. Keep copies of them.`,
      ];
}

/** Throws GatewayError `malformed` if one of the directories is inside of the other. */
export function requireApart(data: string, out: string): void {
  const isInside = (inner: string, outer: string): boolean => !/^\.\.(?:\/|$)/.test(relative(outer, inner));
  if (isInside(out, data) || isInside(data, out)) {
    throw new GatewayError(
      'malformed',
      `The backup cannot be in the data directory ${data}, or around it. Use a directory elsewhere, best on another machine.`,
    );
  }
}

/** The digest by which the record names a directory. */
export function directoryDigest(directory: string): string {
  return createHash('sha256').update(directory).digest('hex');
}
