import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../../domain/errors.ts';
import { rootKeyVariable } from '../../domain/root-settings.ts';
import type { SecretSource } from '../../domain/storage.ts';
import { readSecret } from '../../store/read-secret.ts';
import { writeWholeFile } from '../../store/whole-file.ts';
import { unwrapBytes, wrapKey } from '../wrapping.ts';
import { rootSecretBytes, type RootProvider } from './provider.ts';

const purpose = 'countersign/root';

/** A root key that this machine has: 64 hex digits in a file or a variable. */
export class LocalProvider implements RootProvider {
  readonly name: string;
  /** In a store of before, this key is the root secret itself. */
  readonly key: KeyObject;

  private constructor(key: KeyObject) {
    this.key = key;
    this.name = `local ${createHmac('sha256', key).update('countersign name of a root key').digest('hex').slice(0, 16)}`;
  }

  /** Reads the key that is configured. Throws GatewayError `key_unavailable`. */
  static read(source: SecretSource, environment: NodeJS.ProcessEnv): LocalProvider {
    const where = 'env' in source ? source.env : source.file;
    try {
      return new LocalProvider(parseRootKey(readSecret(source, environment)));
    } catch (cause) {
      throw new GatewayError(
        'key_unavailable',
        `${where} does not hold a root key: 64 hex digits are expected. Put back the key that this store was made with; where nothing was recorded yet, remove what is there.`,
        { cause },
      );
    }
  }

  /**
   * Reads the key where nothing is configured: from `COUNTERSIGN_ROOT_KEY`, otherwise from `root.key` in the data directory. That file is made with mode 0600 if
   * `isNew` says that there is no store yet that it would have to open. Throws GatewayError `key_unavailable`.
   */
  static readDefault(data: string, environment: NodeJS.ProcessEnv, isNew: boolean): LocalProvider {
    if (environment[rootKeyVariable] !== undefined) {
      return LocalProvider.read({ env: rootKeyVariable }, environment);
    }
    const file = join(data, 'root.key');
    if (!existsSync(file)) {
      if (!isNew) {
        throw new GatewayError(
          'key_unavailable',
          `${file} is missing, and no other key opens this store: restore the file, or give the key in ${rootKeyVariable}.`,
        );
      }
      writeWholeFile(file, `${randomBytes(rootSecretBytes).toString('hex')}\n`, { isNew: true });
    }
    const found = statSync(file);
    if (!found.isFile()) {
      throw new GatewayError('key_unavailable', `${file} is no file: put back the key that this store was made with.`);
    }
    if ((found.mode & 0o077) !== 0) {
      throw new GatewayError('key_unavailable', `${file} can be read by others: chmod 600 it.`);
    }
    return LocalProvider.read({ file }, environment);
  }

  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(wrapKey(this.key, purpose, secret));
  }

  async unwrap(wrapped: Uint8Array): Promise<Buffer> {
    return new Promise((resolve) => {
      resolve(unwrapBytes(this.key, purpose, wrapped));
    });
  }
}

/** Throws a RangeError that does not quote the text. */
function parseRootKey(text: string): KeyObject {
  const hex = text.trim();
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    throw new RangeError('no 64 hex digits');
  }
  const bytes = Buffer.from(hex, 'hex');
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
