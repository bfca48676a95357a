/** Verifies the store in a directory, with whatever of it and of its keys is at hand. */
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootKeyVariable, type RootSource } from '@countersign/gateway/store';
import { JournalOpener, KeyStore, noKeyRows, openKeyRows, openRoot, readBucketRecord, type BucketRecord } from '@countersign/gateway/verification';
import {
  parseCertificates,
  parseWitnessPolicy,
  verifyStore,
  type AnchoredTrees,
  type Certificate,
  type FileOptions,
  type StoreFiles,
  type StoreOptions,
  type StoreProgress,
  type StoreReport,
  type WitnessPolicy,
} from '@countersign/ledger';
import { loadConfig } from './configuration.ts';
import { describeFailure } from './failure.ts';
import { readKnown } from './known-checkpoint.ts';
import { openStoreFiles } from './store-files.ts';
import { trustedKeys } from './trusted-keys.ts';
import { requireUsualSecrets } from './usual-secrets.ts';

const progressMs = 250;

/** The store, what it is compared with, and what of it is looked at. */
export interface StoreVerification {
  readonly config: string;
  readonly data?: string;
  readonly key: readonly string[];
  readonly known?: string;
  readonly storage?: boolean;
  readonly witnesses?: string;
  readonly timestamps?: string;
  readonly maxAge?: number;
  readonly bodies: boolean;
  readonly retention?: boolean;
  readonly at?: string;
}

/**
 * Verifies the store that the options name; `anchored` is what an anchor log says of its log, with the keys that count where none is given. Rejects with an Error if
 * there is no directory, or something that was given cannot be read.
 */
export async function verifyDirectory(options: StoreVerification, anchored?: AnchoredTrees): Promise<StoreReport> {
  const { data, ...source } = await storeOf(options);
  if (!isDirectory(data)) {
    throw new Error(`there is no directory ${data}: a store is a gateway's data directory, or a copy of journal/ and log/ from it`);
  }
  const progress = showProgress();
  using keyRows = openKeys(data);
  using opened = options.bodies ? await openBodies(data, source) : noBodies;
  const bucket = readBucketRecord(data);
  if (options.storage === true && options.data !== undefined) {
    requireUsualSecrets(data);
  }
  const report = await verifyStore(await openFiles(data, options.storage === true ? bucket : null), {
    ...(anchored === undefined ? {} : { keys: anchored.keys, anchored }),
    ...(await freshnessOf(options)),
    ...(options.witnesses === undefined ? {} : { witnesses: readPolicy(options.witnesses) }),
    ...(keyRows === null ? {} : { keyRows }),
    ...(options.retention === true ? { retentionAtMs: options.at === undefined ? Date.now() : Date.parse(options.at) } : {}),
    ...opened.options,
    onProgress: progress.show,
  });
  progress.clear();
  return report;
}

/** The trusted keys and the greatest age, which both kinds of check use. */
export async function freshnessOf(options: StoreVerification): Promise<FileOptions> {
  return {
    ...(await trustedKeys(options)),
    ...(options.known === undefined ? {} : { known: readKnown(options.known) }),
    ...(options.timestamps === undefined ? {} : { timestamps: readAuthorities(options.timestamps) }),
    ...(options.maxAge === undefined ? {} : { maxAgeMs: options.maxAge }),
  };
}

function readAuthorities(file: string): readonly Certificate[] {
  try {
    return parseCertificates(readFileSync(file));
  } catch (cause) {
    throw new Error(`--timestamps ${file}: ${describeFailure(cause)}. It is a PEM file with the certificates of the authorities that are trusted.`, { cause });
  }
}

/** Reads the file of `--witnesses`, or of another option. Throws an Error that names the option. */
export function readPolicy(file: string, option = '--witnesses'): WitnessPolicy {
  try {
    return parseWitnessPolicy(readFileSync(file));
  } catch (cause) {
    throw new Error(
      `${option} ${file}: ${describeFailure(cause)}. It is a policy as c2sp.org/tlog-policy describes, for instance one that \`countersign witness serve\` prints.`,
      { cause },
    );
  }
}

/** Opens the files of a store, with those that only its bucket has if it is given. */
async function openFiles(data: string, bucket: BucketRecord | null): Promise<StoreFiles> {
  const files = openStoreFiles(data);
  if (bucket === null || bucket.dropped === 0) {
    return files;
  }
  // Loaded only where a bucket is read.
  const { filesWithBucket } = await import('@countersign/gateway/bucket-files');
  return filesWithBucket(files, bucket);
}

/** A directory with one of these files is a gateway's own. An auditor has a copy of only `journal` and `log`. */
const ownFiles = ['root.key', 'identity.db', 'keys.db-journal'];

/** Opens the key store. Null if there is none and none is expected. */
function openKeys(data: string): ReturnType<typeof openKeyRows> | null {
  if (isThere(data, 'keys.db')) {
    return openKeyRows(join(data, 'keys.db'));
  }
  return ownFiles.some((name) => isThere(data, name)) ? noKeyRows : null;
}

/** The store that the options name, and where its root secret is found. */
export async function storeOf(options: StoreVerification): Promise<RootSource & { readonly data: string }> {
  const environment = process.env;
  if (options.data !== undefined) {
    return { data: options.data, environment };
  }
  const { data, keys } = await loadConfig(options);
  return { data, keys, environment };
}

interface OpenedBodies extends Disposable {
  readonly options: Pick<StoreOptions, 'bodies' | 'bodiesClosed'>;
}

const noBodies: OpenedBodies = { options: {}, [Symbol.dispose]: () => undefined };

/** Makes the opener of bodies, if key store and root key are there. A key store that cannot be read is told of each body; a root key that is not given is told once. */
async function openBodies(data: string, source: RootSource): Promise<OpenedBodies> {
  const hasRoot = (source.keys?.root ?? null) !== null || source.environment?.[rootKeyVariable] !== undefined || isThere(data, 'root.key');
  if (!hasRoot || !isThere(data, 'keys.db')) {
    return noBodies;
  }
  let openStore: () => KeyStore;
  try {
    const { secret } = await openRoot(data, { ...source, isNew: false });
    openStore = () => KeyStore.openReadOnly(join(data, 'keys.db'), secret);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'key_unavailable') {
      return { ...noBodies, options: { bodiesClosed: describeFailure(error) } };
    }
    openStore = () => {
      throw error;
    };
  }
  const bodies = new JournalOpener(openStore);
  return {
    options: { bodies },
    [Symbol.dispose]: () => {
      bodies[Symbol.dispose]();
    },
  };
}

function isThere(data: string, name: string): boolean {
  return lstatSync(join(data, name), { throwIfNoEntry: false }) !== undefined;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Shows the progress of the check, on a terminal only. */
function showProgress(): { readonly show: (progress: StoreProgress) => void; readonly clear: () => void } {
  let shownMs = performance.now();
  let isShown = false;
  return {
    show: ({ bytes, bytesTotal }) => {
      if (process.stderr.isTTY && performance.now() - shownMs > progressMs) {
        shownMs = performance.now();
        isShown = true;
        process.stderr.write(`\r${Math.floor((bytes / Math.max(1, bytesTotal)) * 100)} % of ${Math.ceil(bytesTotal / 2 ** 20)} MiB`);
      }
    },
    clear: () => {
      process.stderr.write(isShown ? '\r\u001B[K' : '');
    },
  };
}
