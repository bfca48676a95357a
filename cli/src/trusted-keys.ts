import { existsSync, readFileSync } from 'node:fs';
import { MalformedError, parseVerifierKey } from '@countersign/ledger';
import { describeFailure } from './failure.ts';

/** Of `--key`, which may be repeated: a verifier key, or the file that holds it. Without one the verifier takes the key that is in what it checks. Errors: what is no key, and what would be. */
export function trustedKeys({ key }: { readonly key: readonly string[] }): { readonly keys?: readonly string[] } {
  return key.length === 0 ? {} : { keys: key.map(trustedKey) };
}

function trustedKey(value: string): string {
  const isFile = existsSync(value);
  const key = isFile ? readKeyFile(value) : value;
  try {
    parseVerifierKey(key);
  } catch (cause) {
    if (!(cause instanceof MalformedError)) {
      throw cause;
    }
    const what = isFile ? 'this file holds no verifier key' : 'there is no such file, and it is no verifier key itself';
    throw new Error(`--key ${value}: ${what} (${cause.message}). It is the line in log/key of the gateway, NAME+ID+BASE64, kept apart from what is checked.`, {
      cause,
    });
  }
  return key;
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Error(`--key ${file}: ${describeFailure(cause)}`, { cause });
  }
}
