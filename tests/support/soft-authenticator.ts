import assert from 'node:assert/strict';
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A passkey with its private key, as Chromium's virtual authenticator gives it out. */
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

export interface AssertionOptions {
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
  readonly counter: number;
  readonly isVerified?: boolean;
  readonly type?: string;
  /** Replaces the handle of the user. */
  readonly userHandle?: string;
}

const userPresent = 0x01;
const userVerified = 0x04;
const hasKey = 0x40;

/** Registers a passkey behind the link of an invitation, as a browser with an authenticator does. Resolves with its id. */
export async function registerPasskey(link: string): Promise<string> {
  const { origin, hostname: rpId, hash } = new URL(link);
  const post = async (path: string, body: unknown): Promise<Record<string, never>> => {
    const headers = { 'content-type': 'application/json', origin, 'sec-fetch-site': 'same-origin', connection: 'close' };
    const answer = await fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
  };
  const { options, sealed } = await post('/api/v1/invitation/challenge', { secret: hash.slice(1), name: '' });
  const { challenge = '' } = Object.assign({ challenge: '' }, options);
  const id = randomBytes(16);
  const clientData = Buffer.from(JSON.stringify({ type: 'webauthn.create', challenge, origin, crossOrigin: false }));
  const response = { clientDataJSON: clientData.toString('base64url'), attestationObject: attestationOf(rpId, id).toString('base64url') };
  const name = id.toString('base64url');
  await post('/api/v1/invitation/passkey', { sealed, credential: { id: name, rawId: name, type: 'public-key', clientExtensionResults: {}, response } });
  return name;
}

/** Returns the attestation object of a new key, without an attestation (CBOR, https://www.w3.org/TR/webauthn-3/#sctn-none-attestation). */
function attestationOf(rpId: string, id: Buffer): Buffer {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const coordinate = (text: string): Buffer => Buffer.concat([Buffer.of(0x58, 32), Buffer.from(text, 'base64url')]);
  // A map of 5: the kind of key is EC2, the algorithm ES256, the curve P-256; then x and y.
  const key = Buffer.concat([Buffer.from('a5010203262001', 'hex'), Buffer.of(0x21), coordinate(x), Buffer.of(0x22), coordinate(y)]);
  const flags = userPresent | userVerified | hasKey;
  const data = Buffer.concat([sha256(Buffer.from(rpId)), Buffer.of(flags), Buffer.alloc(4 + 16), Buffer.of(0, id.length), id, key]);
  return Buffer.concat([
    Buffer.from('a363', 'hex'),
    Buffer.from('fmt'),
    Buffer.of(0x64),
    Buffer.from('none'),
    Buffer.of(0x67),
    Buffer.from('attStmt'),
    Buffer.of(0xa0, 0x68),
    Buffer.from('authData'),
    Buffer.of(0x58, data.length),
    data,
  ]);
}

/** Signs with a passkey what no honest authenticator or browser would sign (https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data). */
export function assertionOf(passkey: KnownPasskey, options: AssertionOptions): object {
  const { challenge, origin, rpId, counter, isVerified = true, type = 'webauthn.get', userHandle = passkey.userHandle ?? '' } = options;
  const clientData = Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  const count = Buffer.alloc(4);
  count.writeUInt32BE(counter);
  const authenticatorData = Buffer.concat([sha256(Buffer.from(rpId)), Buffer.of(userPresent | (isVerified ? userVerified : 0)), count]);
  const key = createPrivateKey({ key: Buffer.from(passkey.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientData)]), key);
  const id = base64url(passkey.credentialId);
  return {
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: base64url(userHandle),
    },
  };
}

function base64url(base64: string): string {
  return Buffer.from(base64, 'base64').toString('base64url');
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
