import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { originOf, parseCheckpoint, verifyNote } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { AnnouncedSecrets } from './journal-fold.ts';
import { KeyStore } from './key-store.ts';
import { mixed, recoverJournal, rolledBack, type JournalEnd } from './recovery.ts';
import { requirePublicKeys, requireSigner, signingKeys } from './public-keys.ts';
import type { RootSource } from '../domain/root-settings.ts';
import { openRoot, type OpenedRoot } from './root-secret/open-root.ts';

/** The loss in a store of which one part is older than the rest. The operator accepted it at this start. */
export interface Rollback {
  /** The number of records that the log had; null if none is missing. */
  readonly records: number | null;
  /** The number of the newest key that was announced and is not in the key store; null if none is missing. */
  readonly key: number | null;
}

export interface OpenedStore {
  readonly keys: KeyStore;
  /** The root secret, which opens `keys`. */
  readonly root: OpenedRoot;
  readonly end: JournalEnd;
  readonly rollback: Rollback | null;
}

/**
 * Opens key store and journal for a gateway that holds the lock; makes them if there is nothing yet. Ensures that they and the published log are parts of one
 * store and that none is older than another. `kept` is a checkpoint note of this log that somebody kept elsewhere: the journal must be as long. With `mayRollBack` an older part is accepted, and the result says what is lost, for the record. Rejects with
 * GatewayError `key_unavailable`, `store_damaged`, `malformed` if `kept` is no checkpoint of this log, or `store_rolled_back`, which says what to restore; then nothing but the torn tail of a crash was changed.
 */
export async function openStore(data: string, source: RootSource, mayRollBack: boolean, kept: string | null = null): Promise<OpenedStore> {
  const file = join(data, 'keys.db');
  const hasKeys = existsSync(file);
  const hasJournal = existsSync(join(data, 'journal')) && readdirSync(join(data, 'journal')).length > 0;
  const root = await openRoot(data, { ...source, isNew: !hasJournal });
  if (hasJournal && !hasKeys) {
    throw mixed(`there is a journal, and no ${file}. Restore the keys.db of this journal`);
  }
  await using parts = new AsyncDisposableStack();
  const keys = parts.use(KeyStore.open(file, root.secret));
  if (root.unkept !== null) {
    keys.keepRoot(root.unkept);
  }
  await requirePublicKeys(data, keys);
  const { gatewayId } = keys;
  let lostKey: number | null = null;
  const requireSecrets = (announced: AnnouncedSecrets): void => {
    lostKey = findLostKey(keys, announced, mayRollBack);
  };
  const keptSize = kept === null ? 0 : await sizeOfKept(kept, keys);
  const { end, lostSize } = await recoverJournal(data, { gatewayId, size: keys.loggedSize, keptSize, requireSecrets, mayRollBack });
  const rollback = lostSize === null && lostKey === null ? null : { records: lostSize, key: lostKey };
  if (rollback === null) {
    // After a rollback the secrets stay: lost records that they open may still be found.
    keys.dropSpares(end.secrets?.key ?? 0);
    if (end.note !== null) {
      await requireSigner(end.note, keys);
    }
  } else {
    // It may name a key that took over in the part that is lost. The recorder writes it again as far as it counts.
    rmSync(join(data, 'log', 'keys'), { force: true });
  }
  keys.untell(end.size);
  parts.move();
  return { keys, root, end, rollback };
}

/** Returns the size of a checkpoint of this log that was kept elsewhere. Rejects with GatewayError `malformed` if it is none. */
async function sizeOfKept(note: string, keys: KeyStore): Promise<number> {
  const name = originOf(keys.signer().gatewayId);
  const trusted = await signingKeys(keys);
  try {
    const found = await verifyNote(Buffer.from(note), trusted.all);
    const { origin, size } = parseCheckpoint(found.note.text);
    if (found.outcome === 'verified' && origin === name && found.signers.some((key) => trusted.signs(key, size))) {
      return size;
    }
  } catch (cause) {
    throw notKept(name, cause);
  }
  throw notKept(name);
}

function notKept(name: string, cause?: unknown): GatewayError {
  return new GatewayError('malformed', `The file of --known is no checkpoint of ${name}. It is a copy of log/checkpoint, kept apart from this store.`, {
    cause,
  });
}

/**
 * Returns the number of the newest announced key if it is not in the key store, otherwise null. Keys are made in order, so if the newest is there, all before
 * it are. Throws GatewayError `store_damaged`, or `store_rolled_back` unless `mayRollBack`.
 */
function findLostKey(keys: KeyStore, announced: AnnouncedSecrets, mayRollBack: boolean): number | null {
  const found = keys.secretsHash(announced.key);
  if (found === announced.hash) {
    return null;
  }
  if (found !== null) {
    throw mixed(`keys.db holds another key ${announced.key} than the journal announces. Restore the keys.db of this journal`);
  }
  if (!mayRollBack) {
    throw rolledBack(`keys.db is older than the journal: key ${announced.key}, which was announced, is not in it. Restore a newer copy of keys.db`);
  }
  keys.skipTo(announced.key);
  return announced.key;
}
