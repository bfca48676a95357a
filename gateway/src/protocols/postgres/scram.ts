import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { GatewayError } from '../../domain/errors.ts';

/**
 * The client of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; channel binding tls-server-end-point, RFC 5929). The server is not trusted: the
 * computation that it can demand is limited, and it must prove that it knows the password too.
 */

export const iterationsMax = 1_000_000;
const serverTextBytesMax = 4096;
const keyBytes = 32;

const derive = promisify(pbkdf2);

export interface ScramOptions {
  readonly password: string;
  /** Printable characters without a comma. It must be new for each login. */
  readonly nonce: string;
  /**
   * The hash of the server's certificate, which proves that nobody intercepts the connection. `unsupported`: the connection uses TLS, and the server offers no
   * PLUS.
   */
  readonly binding: Buffer | 'unsupported' | null;
  /** PostgreSQL takes the name from the startup packet, so this stays empty. */
  readonly user?: string;
}

/** The answer to the server's challenge. `text` contains the client's proof; `serverSignature` is the proof that the server must give. */
export interface ScramAnswer {
  readonly text: string;
  readonly serverSignature: Buffer;
}

export function clientFirst(options: ScramOptions): string {
  return `${gs2Header(options)}${clientFirstBare(options)}`;
}

/** Answers the server's challenge. Rejects with GatewayError `target_login_failed`. */
export async function answerChallenge(options: ScramOptions, serverFirst: string): Promise<ScramAnswer> {
  const { nonce, salt, iterations } = parseChallenge(serverFirst, options.nonce);
  const salted = await derive(prepare(options.password), salt, iterations, keyBytes, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const bound = Buffer.concat([Buffer.from(gs2Header(options)), options.binding instanceof Buffer ? options.binding : Buffer.alloc(0)]);
  const withoutProof = `c=${bound.toString('base64')},r=${nonce}`;
  const transcript = `${clientFirstBare(options)},${serverFirst},${withoutProof}`;
  const signature = hmac(createHash('sha256').update(clientKey).digest(), transcript);
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)));
  return {
    text: `${withoutProof},p=${proof.toString('base64')}`,
    serverSignature: hmac(hmac(salted, 'Server Key'), transcript),
  };
}

/** Checks the server's proof. Throws GatewayError `target_login_failed` if the server does not know the password. */
export function checkServerFinal(serverFinal: string, answer: ScramAnswer): void {
  const expected = Buffer.from(`v=${answer.serverSignature.toString('base64')}`);
  const given = Buffer.from(serverFinal);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new GatewayError('target_login_failed', 'The target could not prove that it knows the password: it may not be the target.');
  }
}

function parseChallenge(text: string, clientNonce: string): { nonce: string; salt: Buffer; iterations: number } {
  const [, nonce = '', salt = '', count = ''] =
    text.length > serverTextBytesMax ? [] : (/^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})$/.exec(text) ?? []);
  if (nonce.length <= clientNonce.length || !nonce.startsWith(clientNonce)) {
    throw new GatewayError('target_login_failed', 'The target answered the login with a malformed or foreign challenge.');
  }
  const iterations = Number(count);
  if (iterations > iterationsMax) {
    throw new GatewayError('target_login_failed', `The target asks for ${count} iterations; ${iterationsMax} is the limit.`);
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations };
}

function gs2Header(options: ScramOptions): string {
  if (options.binding === null) {
    return 'n,,';
  }
  return options.binding === 'unsupported' ? 'y,,' : 'p=tls-server-end-point,,';
}

function clientFirstBare(options: ScramOptions): string {
  return `n=${options.user ?? ''},r=${options.nonce}`;
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/**
 * Prepares a password with the parts of SASLprep (RFC 4013) that passwords need: other spaces become spaces, characters mapped to nothing are removed, then
 * NFKC is applied. As in PostgreSQL, a password with characters that SASLprep forbids is used unchanged.
 */
function prepare(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) {
    return password;
  }
  const mapped = password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g, '')
    .normalize('NFKC');
  return mapped === '' || /[\p{Cc}\p{Co}\p{Cs}\p{Cn}\ufff9-\ufffd\u2ff0-\u2ffb]/u.test(mapped) ? password : mapped;
}
