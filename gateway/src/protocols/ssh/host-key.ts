import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { strings } from './compose.ts';

const name = 'ssh-ed25519';
const checkBytes = 4;
const blockBytes = 8;
/** The beginning of an Ed25519 key in PKCS #8 (RFC 8410); the 32 bytes of its seed follow. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An SSH key of the gateway itself. */
export interface HostKey {
  /** The private key, in the format of OpenSSH. */
  readonly secret: string;
  /** The public key, as known_hosts has it. */
  readonly shown: string;
}

/** Makes the Ed25519 key that belongs to a seed of 32 bytes: the same seed gives the same key. https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key */
export function hostKeyOf(seed: Uint8Array): HostKey {
  const jwk = createPublicKey(createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  const point = Buffer.from(jwk.x ?? '', 'base64url');
  const shown = strings(name, point);
  const check = randomBytes(checkBytes);
  const secret = Buffer.concat([check, check, strings(name, point, Buffer.concat([seed, point]), 'countersign')]);
  const padding = Buffer.from(Array.from({ length: (blockBytes - (secret.length % blockBytes)) % blockBytes }, (_, i) => i + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const key = Buffer.concat([Buffer.from('openssh-key-v1\0'), strings('none', 'none', ''), one, strings(shown, Buffer.concat([secret, padding]))]);
  const lines = key.toString('base64').replaceAll(/.{70}/g, '$&\n');
  return { secret: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`, shown: `${name} ${shown.toString('base64')}` };
}
