/** Small servers of the public protocols of services that wrap keys. Each keeps one key to itself, and can be told to refuse. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { isSigned } from '../../gateway/src/archive/testdata/s3-server.ts';

export interface KeyServer extends AsyncDisposable {
  readonly url: string;
  /** False: every request is answered with 403. */
  isWilling: boolean;
}

class OwnKey {
  readonly #key = randomBytes(32);

  encrypt(plain: Buffer): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws if it was changed. */
  decrypt(bytes: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  }
}

export const vaultToken = 'hvs.only-for-tests';
export const kmsArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd';

const transit = z.union([z.object({ plaintext: z.base64() }), z.object({ ciphertext: z.string().startsWith('vault:v1:') })]);

/** The transit engine of Vault with the key `countersign`: https://developer.hashicorp.com/vault/api-docs/secret/transit */
export async function openVault(): Promise<KeyServer> {
  const key = new OwnKey();
  return keyServer(({ path, headers, body }) => {
    const asked = transit.parse(JSON.parse(body.toString()));
    if (headers['x-vault-token'] !== vaultToken) {
      return { status: 403, answer: { errors: ['permission denied'] } };
    }
    if ('plaintext' in asked && path === '/v1/transit/encrypt/countersign') {
      return { status: 200, answer: { data: { ciphertext: `vault:v1:${key.encrypt(Buffer.from(asked.plaintext, 'base64')).toString('base64')}` } } };
    }
    if ('ciphertext' in asked && path === '/v1/transit/decrypt/countersign') {
      return { status: 200, answer: { data: { plaintext: key.decrypt(Buffer.from(asked.ciphertext.slice(9), 'base64')).toString('base64') } } };
    }
    return { status: 404, answer: { errors: [] } };
  });
}

const kmsRequest = z.object({
  KeyId: z.literal(kmsArn),
  EncryptionContext: z.object({ countersign: z.literal('root') }),
  Plaintext: z.base64().optional(),
  CiphertextBlob: z.base64().optional(),
});

/** AWS KMS with one symmetric key, which checks the signature of each request: https://docs.aws.amazon.com/kms/latest/APIReference/ */
export async function openKms(): Promise<KeyServer> {
  const key = new OwnKey();
  return keyServer(({ headers, body, isSigned: isKnown }) => {
    if (!isKnown) {
      return { status: 400, answer: { __type: 'InvalidSignatureException' } };
    }
    const { Plaintext: plain, CiphertextBlob: blob } = kmsRequest.parse(JSON.parse(body.toString()));
    if (headers['x-amz-target'] === 'TrentService.Encrypt' && plain !== undefined) {
      return { status: 200, answer: { KeyId: kmsArn, CiphertextBlob: key.encrypt(Buffer.from(plain, 'base64')).toString('base64') } };
    }
    return { status: 200, answer: { KeyId: kmsArn, Plaintext: key.decrypt(Buffer.from(blob ?? '', 'base64')).toString('base64') } };
  });
}

interface AskedServer {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly isSigned: boolean;
}

async function keyServer(answer: (asked: AskedServer) => { readonly status: number; readonly answer: unknown }): Promise<KeyServer> {
  const made: SampleServer = await openServer(async (request, response) => {
    const body = await buffer(request);
    const asked = { path: request.url ?? '', headers: request.headers, body, isSigned: isSigned(request, body) };
    let answered = { status: 400, answer: { errors: ['invalid ciphertext'] } as unknown };
    try {
      answered = opened.isWilling ? answer(asked) : { status: 403, answer: { errors: ['the key is disabled'] } };
    } catch {
      // A text that was changed does not decrypt.
    }
    response.writeHead(answered.status, { 'content-type': 'application/json' }).end(JSON.stringify(answered.answer));
  });
  const opened: KeyServer = { url: made.url, isWilling: true, [Symbol.asyncDispose]: async () => made[Symbol.asyncDispose]() };
  return opened;
}
