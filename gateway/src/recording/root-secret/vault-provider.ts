import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import type { VaultSettings } from '../../domain/root-settings.ts';
import { readSecret } from '../../store/read-secret.ts';
import { askProvider } from './ask-provider.ts';
import { unusable, type RootProvider } from './provider.ts';

const encrypted = z.object({
  data: z.object({
    ciphertext: z
      .string()
      .regex(/^vault:v\d+:/)
      .max(4096),
  }),
});
const decrypted = z.object({ data: z.object({ plaintext: z.base64().max(4096) }) });

/**
 * A key of the transit engine of Vault, or of OpenBao, which has the same protocol. The key never leaves it.
 *
 * https://developer.hashicorp.com/vault/api-docs/secret/transit
 */
export class VaultProvider implements RootProvider {
  readonly name: string;
  readonly #settings: VaultSettings;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(settings: VaultSettings, environment: NodeJS.ProcessEnv) {
    this.#settings = settings;
    this.#environment = environment;
    this.name = `vault ${settings.url}`;
  }

  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    const answer = encrypted.safeParse(await this.#ask('encrypt', { plaintext: Buffer.from(secret).toString('base64') }));
    if (!answer.success) {
      throw unusable(this.name);
    }
    return Buffer.from(answer.data.data.ciphertext);
  }

  async unwrap(wrapped: Uint8Array): Promise<Buffer> {
    const answer = decrypted.safeParse(await this.#ask('decrypt', { ciphertext: Buffer.from(wrapped).toString() }));
    if (!answer.success) {
      throw unusable(this.name);
    }
    return Buffer.from(answer.data.data.plaintext, 'base64');
  }

  async #ask(act: 'encrypt' | 'decrypt', body: Readonly<Record<string, string>>): Promise<unknown> {
    const { url, token, caFile } = this.#settings;
    // https://HOST/v1/MOUNT/keys/NAME becomes https://HOST/v1/MOUNT/decrypt/NAME.
    const place = new URL(url.replace(/\/keys\/([^/]+)$/, `/${act}/$1`));
    let credential: string;
    try {
      credential = readSecret(token, this.#environment);
    } catch (cause) {
      throw new GatewayError('key_unavailable', `The token for ${this.name} cannot be read.`, { cause });
    }
    return askProvider(place, {
      who: `The key ${this.name}`,
      headers: [
        ['content-type', 'application/json'],
        ['x-vault-token', credential],
      ],
      body: JSON.stringify(body),
      caFile,
    });
  }
}
