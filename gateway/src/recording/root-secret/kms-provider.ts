import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import type { KmsSettings } from '../../domain/root-settings.ts';
import type { SecretSource } from '../../domain/storage.ts';
import { readAwsKey, signAws } from '../../exchange/target/aws-signature.ts';
import { readSecret } from '../../store/read-secret.ts';
import { askProvider } from './ask-provider.ts';
import { unusable, type RootProvider } from './provider.ts';

const encrypted = z.object({ CiphertextBlob: z.base64().max(16_384) });
const decrypted = z.object({ Plaintext: z.base64().max(16_384) });
/** Stands in the log of the service (CloudTrail), and a key policy may demand it. */
const context = { EncryptionContext: { countersign: 'root' } };

/**
 * A symmetric key of AWS KMS, which never leaves it.
 *
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
 */
export class KmsProvider implements RootProvider {
  readonly name: string;
  readonly #settings: KmsSettings;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #now: () => number;

  constructor(settings: KmsSettings, environment: NodeJS.ProcessEnv, now: () => number) {
    this.#settings = settings;
    this.#environment = environment;
    this.#now = now;
    this.name = `aws-kms ${settings.arn}`;
  }

  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    const answer = encrypted.safeParse(await this.#ask('Encrypt', { Plaintext: Buffer.from(secret).toString('base64') }));
    if (!answer.success) {
      throw unusable(this.name);
    }
    return Buffer.from(answer.data.CiphertextBlob, 'base64');
  }

  async unwrap(wrapped: Uint8Array): Promise<Buffer> {
    const answer = decrypted.safeParse(await this.#ask('Decrypt', { CiphertextBlob: Buffer.from(wrapped).toString('base64') }));
    if (!answer.success) {
      throw unusable(this.name);
    }
    return Buffer.from(answer.data.Plaintext, 'base64');
  }

  async #ask(act: 'Encrypt' | 'Decrypt', members: Readonly<Record<string, string>>): Promise<unknown> {
    const { arn, region, endpoint, caFile } = this.#settings;
    const url = new URL(endpoint ?? `https://kms.${region}.amazonaws.com/`);
    const body = JSON.stringify({ KeyId: arn, ...members, ...context });
    const told = [
      ['content-type', 'application/x-amz-json-1.1'],
      ['x-amz-target', `TrentService.${act}`],
    ] as const;
    const head = { method: 'POST', path: url.pathname, headers: [['host', url.host], ...told] as const };
    const signed = signAws(head, [Buffer.from(body)], { ...this.#key(), region, service: 'kms' }, new Date(this.#now()));
    return askProvider(url, { who: `The key ${this.name}`, headers: [...told, ...signed.headers], body, caFile });
  }

  #key(): ReturnType<typeof readAwsKey> {
    const { accessKeyId, secretAccessKey, sessionToken } = this.#settings;
    const read = (source: SecretSource): string => readSecret(source, this.#environment);
    try {
      return { ...readAwsKey(read(accessKeyId), read(secretAccessKey)), ...(sessionToken === null ? {} : { sessionToken: read(sessionToken) }) };
    } catch (cause) {
      throw new GatewayError('key_unavailable', `The access key for ${this.name} cannot be read.`, { cause });
    }
  }
}
