import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { GatewayError } from '../../domain/errors.ts';
import { defaultKeys, type RootSettings, type RootSource } from '../../domain/root-settings.ts';
import { wrapKey } from '../wrapping.ts';
import { LocalProvider } from './local-provider.ts';
import { Pkcs11Provider } from './pkcs11-provider.ts';
import { kindOf, rootSecretBytes, type RootProvider } from './provider.ts';
import { readRootRow, seedPurpose, type RootRow } from './root-rows.ts';

export interface OpenedRoot {
  /** The root secret, which opens the key store. */
  readonly secret: KeyObject;
  /** The provider that wraps it. */
  readonly provider: RootProvider;
  /** A row that the key store does not have yet, for `KeyStore.keepRoot`; null: it has all. */
  readonly unkept: RootRow | null;
}

interface OpenRootOptions extends RootSource {
  /** True if there is no journal: then a key store without any key is a new one, for which a root secret is made. */
  readonly isNew: boolean;
  readonly now?: () => number;
}

/**
 * Opens the root secret of a data directory: the provider of the configuration unwraps it, or the one before, whose work the former then takes over. Changes
 * no file, but for `root.key` of a new store. Rejects with GatewayError `key_unavailable` or `store_damaged`.
 */
export async function openRoot(data: string, { keys = defaultKeys, environment = {}, isNew, now = Date.now }: OpenRootOptions): Promise<OpenedRoot> {
  const { row, isUntouched } = readRootRow(join(data, 'keys.db'));
  const isFirst = isNew && isUntouched && row === null;
  const open = async (settings: RootSettings | null): Promise<RootProvider> => openProvider(settings, { data, environment, isNew: isFirst, now });
  const provider = await open(keys.root);
  if (isFirst) {
    return newRoot(provider, { id: 1, seed: randomBytes(rootSecretBytes), nowMs: now() });
  }
  const previous = keys.previous === null ? null : await open(keys.previous);
  if (row === null) {
    return takeOver(provider, previous, now());
  }
  if (row.provider === previous?.name && row.provider !== provider.name) {
    const secret = await unwrapBy(previous, row);
    return { secret, provider, unkept: { ...row, provider: provider.name, wrapped: await wrapBy(provider, secret), createdMs: now(), isTold: false } };
  }
  if (kindOf(row.provider) !== kindOf(provider.name)) {
    throw new GatewayError(
      'key_unavailable',
      `The root secret of this store is wrapped by ${row.provider}, and keys.root names ${provider.name}: name what wrapped it under keys.previous, and the start takes it over.`,
    );
  }
  return { secret: await unwrapBy(provider, row), provider, unkept: null };
}

/** Makes a root secret that takes the place of another, or is the first. `seed` are the bytes from which other keys are derived; they are overwritten. */
export async function newRoot(
  provider: RootProvider,
  { id, seed, nowMs }: { readonly id: number; readonly seed: Buffer; readonly nowMs: number },
): Promise<OpenedRoot & { readonly unkept: RootRow }> {
  const bytes = randomBytes(rootSecretBytes);
  const secret = createSecretKey(bytes);
  bytes.fill(0);
  return { secret, provider, unkept: await keptRoot(provider, { id, secret, seed, nowMs, isTold: id === 1 }) };
}

interface NewRoot {
  readonly id: number;
  readonly secret: KeyObject;
  /** The bytes from which other keys are derived. They are overwritten. */
  readonly seed: Buffer;
  readonly nowMs: number;
  readonly isTold: boolean;
}

/** Wraps a root secret and its seed for the key store. Rejects with GatewayError `key_unavailable`. */
export async function keptRoot(provider: RootProvider, { id, secret, seed, nowMs, isTold }: NewRoot): Promise<RootRow> {
  const row = { id, provider: provider.name, wrapped: await wrapBy(provider, secret), createdMs: nowMs, seed: wrapKey(secret, seedPurpose, seed), isTold };
  seed.fill(0);
  return row;
}

/** Opens a store of before, whose root secret is the local key itself. If another provider is configured now, that wraps it from now on. */
async function takeOver(provider: RootProvider, previous: RootProvider | null, nowMs: number): Promise<OpenedRoot> {
  if (provider instanceof LocalProvider && previous === null) {
    return { secret: provider.key, provider, unkept: null };
  }
  if (!(previous instanceof LocalProvider)) {
    throw new GatewayError(
      'key_unavailable',
      `This store was made with a root key on this machine, and ${provider.name} has not wrapped it yet: name that key under keys.previous, { file: PATH } or { env: NAME }, and the start takes it over.`,
    );
  }
  const { key: secret } = previous;
  return { secret, provider, unkept: await keptRoot(provider, { id: 1, secret, seed: secret.export(), nowMs, isTold: false }) };
}

async function wrapBy(provider: RootProvider, secret: KeyObject): Promise<Uint8Array> {
  const bytes = secret.export();
  try {
    return await provider.wrap(bytes);
  } finally {
    bytes.fill(0);
  }
}

async function unwrapBy(provider: RootProvider, { wrapped }: RootRow): Promise<KeyObject> {
  const bytes = await provider.unwrap(wrapped);
  try {
    if (bytes.length !== rootSecretBytes) {
      throw new GatewayError('key_unavailable', `${provider.name} unwrapped something that is no root secret: it has another key now, or keys.db was changed.`);
    }
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

interface ProviderParts {
  readonly data: string;
  readonly environment: NodeJS.ProcessEnv;
  /** True if there is no store yet for which a local key would have to be there. */
  readonly isNew: boolean;
  readonly now: () => number;
}

/**
 * Opens the provider of some settings; null: the local key where nothing is configured. Rejects with GatewayError `key_unavailable`. The libraries that talk to
 * services are loaded where one is configured, because commands that read a store start here, too.
 */
export async function openProvider(settings: RootSettings | null, { data, environment, isNew, now }: ProviderParts): Promise<RootProvider> {
  if (settings === null) {
    return LocalProvider.readDefault(data, environment, isNew);
  }
  switch (settings.kind) {
    case 'local':
      return LocalProvider.read(settings.key, environment);
    case 'vault': {
      const { VaultProvider } = await import('./vault-provider.ts');
      return new VaultProvider(settings, environment);
    }
    case 'aws-kms': {
      const { KmsProvider } = await import('./kms-provider.ts');
      return new KmsProvider(settings, environment, now);
    }
    default:
      return new Pkcs11Provider(settings, environment);
  }
}
