/** Encryption to recipients of age (age-encryption.org). The package is loaded only where something is encrypted or decrypted. */
import type { Decrypter, Encrypter } from 'age-encryption';
import { GatewayError } from '../domain/errors.ts';

/** Opens what encrypts for recipients. Rejects with GatewayError `malformed` unless each is one of age (`age1…`), or `config_invalid` if `setting` names the part of the configuration that has them. */
export async function openEncrypter(recipients: readonly string[], setting: string | null = null): Promise<Encrypter> {
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      const words = `${recipient} is no recipient of age: age1… is expected, as age-keygen prints it.`;
      throw setting === null ? new GatewayError('malformed', words, { cause }) : new GatewayError('config_invalid', `${setting}: ${words}`, { cause });
    }
  }
  return encrypter;
}

/** Opens what decrypts with the identities of a file as age-keygen writes it. Rejects with GatewayError `malformed` for a line that is none. */
export async function openDecrypter(identities: string): Promise<Decrypter> {
  const age = await import('age-encryption');
  const decrypter = new age.Decrypter();
  const lines = identities.split('\n').map((line) => line.trim());
  for (const line of lines.filter((one) => one !== '' && !one.startsWith('#'))) {
    try {
      decrypter.addIdentity(line);
    } catch (cause) {
      throw new GatewayError('malformed', 'The file of --identity has a line that is no identity of age: AGE-SECRET-KEY-1… is expected.', { cause });
    }
  }
  return decrypter;
}

/** Yields bytes encrypted for recipients. Throws as `openEncrypter` does. */
export async function* encryptBytes(bytes: AsyncIterable<Uint8Array>, recipients: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* await (await openEncrypter(recipients)).encrypt(webStream(bytes));
}

/** Yields decrypted bytes. Throws as `openDecrypter` does, and GatewayError `key_unavailable` if no identity opens them. */
export async function* decryptBytes(bytes: AsyncIterable<Uint8Array>, identities: string): AsyncGenerator<Uint8Array> {
  const decrypter = await openDecrypter(identities);
  let decrypted: ReadableStream<Uint8Array>;
  try {
    decrypted = await decrypter.decrypt(webStream(bytes));
  } catch (cause) {
    throw new GatewayError('key_unavailable', 'It cannot be decrypted: give with --identity the file of an identity for which it was encrypted.', { cause });
  }
  yield* decrypted;
}

function webStream(bytes: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await source.next();
      if (done === true) {
        controller.close();
      } else {
        controller.enqueue(value);
      }
    },
    cancel: async () => {
      await source.return?.();
    },
  });
}
