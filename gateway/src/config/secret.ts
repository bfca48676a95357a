import { resolve } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import type { SecretSource } from '../domain/storage.ts';
import type { SecretReader } from '../domain/target.ts';
import { readSecret } from '../store/read-secret.ts';

/** Makes the reader of a secret. Calls `wrong` if the secret is not there now. */
export type OpenSecret = (source: SecretSource, wrong: (message: string) => void) => SecretReader;

export interface SecretContext {
  readonly environment: NodeJS.ProcessEnv;
  /** The directory from which relative file names start. */
  readonly base: string;
  /** True: a secret that is not there is a fault. An editor of the configuration does not need the secrets. */
  readonly needed: boolean;
  /** Told of each file that has a secret. */
  readonly note: (file: string) => void;
}

/** Makes readers of secrets. A secret is read each time it is asked for, so that a changed secret takes effect, and it is never kept. */
export function secretOpener({ environment, base, needed, note }: SecretContext): OpenSecret {
  return (source, wrong) => {
    const found = resolveSecret(source, base);
    if ('file' in found) {
      note(found.file);
    }
    const read = (): string => readSecret(found, environment);
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

/** Makes the name of a secret's file absolute. */
export function resolveSecret(source: SecretSource, base: string): SecretSource {
  return 'env' in source ? source : { file: resolve(base, source.file) };
}
