import { readFileSync } from 'node:fs';
import { GatewayError } from '../domain/errors.ts';
import type { SecretSource } from '../domain/storage.ts';

/** Reads a secret as it is now. Throws GatewayError `config_invalid`, which says what cannot be read. */
export function readSecret(source: SecretSource, environment: NodeJS.ProcessEnv): string {
  return 'env' in source ? readVariable(environment, source.env) : readSecretFile(source.file);
}

function readVariable(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name];
  if (value === undefined || value.trim() === '') {
    throw new GatewayError('config_invalid', `the environment variable ${name} is not set, or empty`);
  }
  return value;
}

/** Reads a secret from its file, without the newline that editors leave at the end. */
function readSecretFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new GatewayError('config_invalid', `the file ${file} cannot be read`, { cause });
  }
  if (text.trim() === '') {
    throw new GatewayError('config_invalid', `the file ${file} is empty`);
  }
  return text;
}
