import { existsSync, readFileSync } from 'node:fs';
import { MalformedError, parseVerifierKey } from '@countersign/ledger';
import { describeFailure } from './failure.ts';

/**
 * Returns the keys that `--key` gives; the option may be repeated. Each is a verifier key, or a file that holds one. Without them the verifier uses the key
 * inside the file that it checks. Throws an Error that names a value that is no key, and says what a key is.
 */
export function trustedKeys({ key }: { readonly key: readonly string[] }): { readonly keys?: readonly string[] } {
  return key.length === 0 ? {} : { keys: key.map((value) => readVerifierKey('--key', value)) };
}

/** Reads the value of an option that is a verifier key, or the file of one. Throws an Error that names the option. */
export function readVerifierKey(option: string, value: string): string {
  const isFile = existsSync(value);
  const key = isFile ? readKeyFile(option, value) : value;
  try {
    parseVerifierKey(key);
  } catch (cause) {
    if (!(cause instanceof MalformedError)) {
      throw cause;
    }
    const what = isFile ? 'this file holds no verifier key' : 'there is no such file, and it is no verifier key itself';
    throw new Error(
      `${option} ${value}: ${what} (${cause.message}). It is the line in log/key of the gateway, NAME+ID+BASE64, kept apart from what is checked.`,
      {
        cause,
      },
    );
  }
  return key;
}

function readKeyFile(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Error(`${option} ${file}: ${describeFailure(cause)}`, { cause });
  }
}
