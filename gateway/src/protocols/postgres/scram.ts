import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';

/** RFC 5802, RFC 7677. A hostile server could make us compute for minutes (ATTACKS A7). */
const iterationsMax = 1_000_000;
const iterationsMin = 4096;

export interface ScramBinding {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';
  /** `n,,`, `y,,` or `p=tls-server-end-point,,`. */
  readonly header: string;
  /** What the binding is of; empty without. */
  readonly data: Uint8Array;
}

export interface ScramClient {
  readonly first: string;
  /** Answers the server's first message. Errors: `target_login_failed`. */
  final(serverFirst: string): string;
  /** Checks that the server knew the password too. Errors: `target_login_failed`. */
  verify(serverFinal: string): void;
}

function failed(what: string): GatewayError {
  return new GatewayError('target_login_failed', `The target's SCRAM exchange is not acceptable: ${what}.`);
}

/** `nonce` is printable, without commas. PostgreSQL ignores the user name here. */
export function scramClient(password: string, nonce: string, binding: ScramBinding): ScramClient {
  const firstBare = `n=,r=${nonce}`;
  let serverSignature: Buffer | null = null;
  return {
    first: binding.header + firstBare,
    final: (serverFirst) => {
      const [, serverNonce = '', salt = '', count = ''] = /^r=([!-+\--~]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9][0-9]{0,9})(?:,.*)?$/.exec(serverFirst) ?? [];
      const iterations = Number(count);
      if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length) {
        throw failed('the nonce is not an extension of ours');
      }
      if (!(iterations >= iterationsMin && iterations <= iterationsMax)) {
        throw failed(`${iterations} iterations, allowed are ${iterationsMin} to ${iterationsMax}`);
      }
      const salted = pbkdf2Sync(password.normalize('NFKC'), Buffer.from(salt, 'base64'), iterations, 32, 'sha256');
      const clientKey = hmac(salted, 'Client Key');
      const storedKey = createHash('sha256').update(clientKey).digest();
      const bound = Buffer.concat([Buffer.from(binding.header), binding.data]).toString('base64');
      const withoutProof = `c=${bound},r=${serverNonce}`;
      const message = `${firstBare},${serverFirst},${withoutProof}`;
      const signature = hmac(storedKey, message);
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)));
      serverSignature = hmac(hmac(salted, 'Server Key'), message);
      salted.fill(0);
      return `${withoutProof},p=${proof.toString('base64')}`;
    },
    verify: (serverFinal) => {
      const [, signature = ''] = /^v=([A-Za-z0-9+/]+={0,2})(?:,.*)?$/.exec(serverFinal) ?? [];
      const given = Buffer.from(signature, 'base64');
      if (serverSignature === null || given.length !== serverSignature.length || !timingSafeEqual(given, serverSignature)) {
        throw failed('the server does not prove that it knows the password');
      }
    },
  };
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
