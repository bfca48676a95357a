import { existsSync, readFileSync } from 'node:fs';
import { MalformedError, openGivenKeys } from '@countersign/ledger';
import { describeFailure } from './failure.ts';

/**
 * Returns what `--key` gives; the option may be repeated. Each is a verifier key, or a file that holds one or a keyring. Without them the verifier uses the key
 * inside the file that it checks. Rejects with an Error that names a value that is no key, and says what a key is.
 */
export async function trustedKeys({ key }: { readonly key: readonly string[] }): Promise<{ readonly keys?: readonly string[] }> {
  return key.length === 0 ? {} : { keys: await Promise.all(key.map(async (value) => readTrusted('--key', value))) };
}

/** Reads the value of an option that is a verifier key, or the file of one or of a keyring. Rejects with an Error that names the option. */
export async function readTrusted(option: string, value: string): Promise<string> {
  const isFile = existsSync(value);
  const key = isFile ? readKeyFile(option, value) : value;
  try {
    await openGivenKeys([key]);
  } catch (cause) {
    if (!(cause instanceof MalformedError)) {
      throw cause;
    }
    const what = isFile ? 'this file holds no verifier key and no keyring' : 'there is no such file, and it is no verifier key itself';
    throw new Error(
      `${option} ${value}: ${what} (${cause.message}). It is the line in log/key of the gateway, NAME+ID+BASE64, or its file log/keys, kept apart from what is checked.`,
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
