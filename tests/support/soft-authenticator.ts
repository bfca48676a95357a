import assert from 'node:assert/strict';
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, type webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

/** A passkey with its private key, as Chromium's virtual authenticator gives it out too. */
export interface KnownPasskey {
  readonly credentialId: string;
  /** PKCS#8 in base64. */
  readonly privateKey: string;
  readonly userHandle?: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  /** How often it was used. */
  readonly signCount: number;
}

/** The parts of a text that an authenticator signs, as honest ones and others may make it. */
export interface Signed {
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
  readonly counter: number;
  readonly isVerified: boolean;
  readonly type: string;
  readonly userHandle: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
}

/** The body of a sign-in. */
export interface SignIn {
  readonly sealed: string;
  readonly credential: object;
}

const userPresent = 0x01;
const userVerified = 0x04;
const hasKey = 0x40;

/**
 * Posts to a gateway at `origin`, `http://localhost:PORT`, as its pages do unless `headers` say otherwise. `from` is the address of the client, of which a gateway
 * slows down each for itself.
 */
export async function postAsPage(
  origin: string,
  path: string,
  body: unknown,
  { headers = {}, from = '127.0.0.1' }: { readonly headers?: Readonly<Record<string, string>>; readonly from?: string } = {},
): Promise<Answer> {
  const { host, port } = new URL(origin);
  const asked = request({
    host: '127.0.0.1',
    port,
    path,
    method: 'POST',
    localAddress: from,
    agent: false,
    headers: { host, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', origin, ...headers },
  });
  asked.end(JSON.stringify(body));
  const [answer]: IncomingMessage[] = await once(asked, 'response');
  assert.ok(answer !== undefined);
  return { status: answer.statusCode ?? 0, text: await text(answer), cookies: answer.headers['set-cookie'] ?? [] };
}

async function ask(origin: string, path: string, body: unknown): Promise<{ readonly options: Readonly<Record<string, unknown>>; readonly sealed: string }> {
  const answer = await postAsPage(origin, path, body);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}

/** Registers a passkey behind the link of an invitation, as a browser with an authenticator does. */
export async function registerPasskey(link: string): Promise<KnownPasskey> {
  const { origin, hostname: rpId, hash } = new URL(link);
  const { options, sealed } = await ask(origin, '/api/v1/invitation/challenge', { secret: hash.slice(1), name: '' });
  const clientData = clientDataOf({ type: 'webauthn.create', challenge: String(options['challenge']), origin });
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(16);
  const attestation = attestationOf(rpId, id, publicKey.export({ format: 'jwk' }));
  const response = { clientDataJSON: clientData.toString('base64url'), attestationObject: attestation.toString('base64url') };
  const name = id.toString('base64url');
  await ask(origin, '/api/v1/invitation/passkey', { sealed, credential: { id: name, rawId: name, type: 'public-key', clientExtensionResults: {}, response } });
  return {
    credentialId: id.toString('base64'),
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    userHandle: Buffer.from(String(Object(options['user']).id), 'base64url').toString('base64'),
    isResidentCredential: true,
    signCount: 0,
  };
}

/** Returns what a passkey signs for a new challenge of a gateway, with the next counter, or else what no honest authenticator or browser would sign. */
export async function signFor(origin: string, passkey: KnownPasskey, forged: Partial<Signed> = {}): Promise<SignIn> {
  const { options, sealed } = await ask(origin, '/api/v1/sign-in/passkey/challenge', {});
  const honest = { challenge: String(options['challenge']), origin, rpId: String(options['rpId']), counter: passkey.signCount + 1, isVerified: true };
  return { sealed, credential: assertionOf(passkey, { ...honest, type: 'webauthn.get', userHandle: passkey.userHandle ?? '', ...forged }) };
}

/** https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data */
function assertionOf(passkey: KnownPasskey, { rpId, counter, isVerified, userHandle, ...client }: Signed): object {
  const clientData = clientDataOf(client);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(counter);
  const authenticatorData = Buffer.concat([sha256(Buffer.from(rpId)), Buffer.of(userPresent | (isVerified ? userVerified : 0)), count]);
  const key = createPrivateKey({ key: Buffer.from(passkey.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  const id = base64url(passkey.credentialId);
  return {
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: sign('sha256', Buffer.concat([authenticatorData, sha256(clientData)]), key).toString('base64url'),
      userHandle: base64url(userHandle),
    },
  };
}

/** Returns the attestation object of a new key, without an attestation (CBOR, https://www.w3.org/TR/webauthn-3/#sctn-none-attestation). */
function attestationOf(rpId: string, id: Buffer, { x = '', y = '' }: webcrypto.JsonWebKey): Buffer {
  const coordinate = (value: string): Buffer => Buffer.concat([Buffer.of(0x58, 32), Buffer.from(value, 'base64url')]);
  // A map of 5: the kind of key is EC2, the algorithm ES256, the curve P-256; then x and y.
  const key = Buffer.concat([Buffer.from('a5010203262001', 'hex'), Buffer.of(0x21), coordinate(x), Buffer.of(0x22), coordinate(y)]);
  const flags = userPresent | userVerified | hasKey;
  const data = Buffer.concat([sha256(Buffer.from(rpId)), Buffer.of(flags), Buffer.alloc(4 + 16), Buffer.of(0, id.length), id, key]);
  const named = (name: string, value: Buffer): Buffer => Buffer.concat([Buffer.of(0x60 + name.length), Buffer.from(name), value]);
  const none = Buffer.concat([Buffer.of(0x64), Buffer.from('none')]);
  const fields = [named('fmt', none), named('attStmt', Buffer.of(0xa0)), named('authData', Buffer.concat([Buffer.of(0x58, data.length), data]))];
  return Buffer.concat([Buffer.of(0xa3), ...fields]);
}

function clientDataOf({ type, challenge, origin }: Pick<Signed, 'type' | 'challenge' | 'origin'>): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

function base64url(base64: string): string {
  return Buffer.from(base64, 'base64').toString('base64url');
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
