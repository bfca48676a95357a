import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { SecretReader } from '../domain/target.ts';
import { writeWholeFile } from '../store/whole-file.ts';

const rootKeyBytes = 32;
export const rootKeyVariable = 'COUNTERSIGN_ROOT_KEY';

/**
 * Opens the key that wraps all others: from `COUNTERSIGN_ROOT_KEY` (64 hex digits), otherwise from `root.key` in the data directory. That file is made with
 * mode 0600 if `create` says that there is no store yet that it would have to open. Throws GatewayError `key_unavailable`.
 */
export function openRootKey(data: string, environment: NodeJS.ProcessEnv, create: boolean): KeyObject {
  const fromEnvironment = environment[rootKeyVariable];
  if (fromEnvironment !== undefined) {
    return parseRootKey(fromEnvironment, rootKeyVariable);
  }
  const file = join(data, 'root.key');
  if (!existsSync(file)) {
    if (!create) {
      throw new GatewayError(
        'key_unavailable',
        `${file} is missing, and no other key opens this store: restore the file, or give the key in ${rootKeyVariable}.`,
      );
    }
    writeWholeFile(file, `${randomBytes(rootKeyBytes).toString('hex')}\n`, { isNew: true });
  }
  if ((statSync(file).mode & 0o077) !== 0) {
    throw new GatewayError('key_unavailable', `${file} can be read by others: chmod 600 it.`);
  }
  return parseRootKey(readFileSync(file, 'latin1'), file);
}

/** The environment, with the key that the configuration gives in the variable. */
export function rootKeyEnvironment(given: SecretReader | null, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return given === null ? environment : { ...environment, [rootKeyVariable]: given() };
}

function parseRootKey(text: string, where: string): KeyObject {
  const hex = text.trim();
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    throw new GatewayError(
      'key_unavailable',
      `${where} does not hold a root key: 64 hex digits are expected. Put back the key that this store was made with; where nothing was recorded yet, remove what is there.`,
    );
  }
  return createSecretKey(Buffer.from(hex, 'hex'));
}
