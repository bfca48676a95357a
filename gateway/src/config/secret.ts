import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { SecretReader } from '../domain/target.ts';

type SecretSource = { readonly env: string } | { readonly file: string };

/** Makes the reader of a secret. Calls `wrong` if the secret is not there now. */
export type OpenSecret = (source: SecretSource, wrong: (message: string) => void) => SecretReader;

export interface SecretContext {
  readonly environment: NodeJS.ProcessEnv;
  /** The directory from which relative file names start. */
  readonly base: string;
  /** True: a secret that is not there is a fault. An editor of the configuration does not need the secrets. */
  readonly needed: boolean;
}

/** Makes readers of secrets. A secret is read each time it is asked for, so that a changed secret takes effect, and it is never kept. */
export function secretOpener({ environment, base, needed }: SecretContext): OpenSecret {
  return (source, wrong) => {
    const read = 'env' in source ? () => readVariable(environment, source.env) : () => readSecretFile(resolve(base, source.file));
    if (needed) {
      try {
        read();
      } catch (error) {
        if (!(error instanceof GatewayError)) {
          throw error;
        }
        wrong(error.message);
      }
    }
    return () => {
      try {
        return read();
      } catch (cause) {
        // The client of a target must not learn where the gateway keeps its secrets.
        throw new GatewayError('key_unavailable', 'A secret that the configuration names cannot be read now: countersign config check says which.', { cause });
      }
    };
  };
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
