/** A token of SoftHSM with one AES key, in a directory of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const softTokenPrograms = ['softhsm2-util', 'pkcs11-tool'] as const;

interface SoftToken {
  readonly module: string;
  readonly token: string;
  /** The id of the key. */
  readonly key: string;
  /** The variables with which the token is found. Its PIN is in `PIN`: words that no number or digest has by chance. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Makes a token below a directory. */
export function makeSoftToken(directory: string): SoftToken {
  const tokens = join(directory, 'tokens');
  mkdirSync(tokens);
  const configuration = join(directory, 'softhsm2.conf');
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const made = {
    module: '/usr/lib/softhsm/libsofthsm2.so',
    token: 'audit',
    key: '0a',
    environment: { SOFTHSM2_CONF: configuration, PIN: 'pin-of-this-token' },
  };
  const run = (program: string, ...argv: readonly string[]): void => {
    const { status, stderr } = spawnSync(program, argv, { env: { ...process.env, ...made.environment }, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  run('softhsm2-util', '--init-token', '--free', '--label', made.token, '--so-pin', 'pin-of-its-officer', '--pin', made.environment.PIN);
  const key = ['--keygen', '--key-type', 'AES:32', '--id', made.key];
  run('pkcs11-tool', '--module', made.module, '--token-label', made.token, '--login', '--pin', 'env:PIN', ...key);
  return made;
}
