import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { defaultKeys, type RootSource } from '../domain/root-settings.ts';
import { KeyStore } from '../recording/key-store.ts';
import { listEscrow, readEscrow } from '../recording/root-secret/escrow.ts';
import { keptRoot, openProvider } from '../recording/root-secret/open-root.ts';
import { StoreLock } from '../store/store-lock.ts';

export interface RecoveredRoot {
  readonly root: number;
  /** The file from which it is. */
  readonly file: string;
  /** The provider that wraps it now. */
  readonly provider: string;
}

/**
 * Puts a root secret from escrow back into the key store of a gateway that does not run, wrapped by what the configuration names. Of the files of `escrow/` the
 * one counts whose root secret opens the key store. Rejects with GatewayError `not_found`, `key_unavailable`, `malformed` or `store_in_use`; then nothing was changed.
 */
export async function recoverRoot(data: string, identities: string, { keys: settings = defaultKeys, environment = {} }: RootSource): Promise<RecoveredRoot> {
  const file = join(data, 'keys.db');
  const escrowed = listEscrow(data);
  if (!existsSync(file) || escrowed.length === 0) {
    const missing = existsSync(file) ? join(data, 'escrow') : file;
    throw new GatewayError(
      'not_found',
      `${missing} is missing: put back keys.db, and the files root-N.age of this gateway below escrow/ in its data directory.`,
    );
  }
  using _lock = StoreLock.take(data);
  for (const { file: from } of escrowed) {
    const { root, secret, seed } = await readEscrow(from, identities);
    using keys = KeyStore.open(file, secret);
    if (keys.gatewayId !== null && keys.isOpen) {
      const provider = await openProvider(settings.root, { data, environment, isNew: true, now: Date.now });
      keys.keepRoot(await keptRoot(provider, { id: root, secret, seed: seed.export(), nowMs: Date.now(), isTold: false }));
      return { root, file: from, provider: provider.name };
    }
  }
  throw new GatewayError(
    'key_unavailable',
    `None of the root secrets in ${join(data, 'escrow')} opens ${file}: it is of another gateway, or the newest one is not there.`,
  );
}
