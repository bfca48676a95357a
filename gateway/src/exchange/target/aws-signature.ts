import { createHash } from 'node:crypto';
import aws4 from 'aws4';
import { z } from 'zod';
import { GatewayError } from '../../domain/errors.ts';
import type { CallCredential, CallHead } from '../../domain/call.ts';
import { headerOf } from '../reading.ts';

interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Present for temporary keys. */
  readonly sessionToken?: string;
}

export interface AwsSigner extends AwsKey {
  readonly region: string;
  readonly service: string;
}

const hashHeader = 'x-amz-content-sha256';
/** Headers that belong to a client's own signature. They are replaced. */
const replaced: ReadonlySet<string> = new Set(['authorization', 'x-amz-date', hashHeader]);
/**
 * Reads the AWS key of a target from its user and password. These are the key's id and secret; or the password is the output of a `credential_process`, for
 * keys that are renewed. Throws GatewayError `target_login_failed`.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 */
export function readAwsKey(user: string, password: string): AwsKey {
  if (!password.startsWith('{')) {
    if (user === '' || password === '') {
      throw noKey();
    }
    return { accessKeyId: user, secretAccessKey: password };
  }
  const parsed = printedKey.safeParse(parseSecret(password));
  if (!parsed.success) {
    throw noKey();
  }
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = parsed.data;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

const printedKey = z.object({ AccessKeyId: z.string().min(1), SecretAccessKey: z.string().min(1), SessionToken: z.string().min(1).optional() });

/** Parses JSON without the parser's own message, which would quote the secret. */
function parseSecret(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function noKey(): GatewayError {
  const forms = 'its user is the access key id and its password the secret access key, or its password is the JSON that a credential_process prints';
  return new GatewayError('target_login_failed', `The target has no key to sign with: ${forms}.`);
}

/**
 * The value of `x-amz-content-sha256` for a body that the client frames itself and does not sign. In all other framings each piece is signed with a key that
 * the gateway does not have.
 */
const unsignedFraming = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/** True if the signature must cover the body. Only S3 accepts a request whose body is not signed. */
export function needsWholeBody(service: string): boolean {
  return service !== 's3';
}

/**
 * Signs the head as it is sent, and the body if all of it is there, with Signature Version 4. Throws GatewayError `malformed` for a path that cannot be signed,
 * and `unsupported`.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signAws(head: CallHead, body: readonly Uint8Array[], key: AwsSigner, now: Date): CallCredential {
  const hash = hashOf(head, body, key.service);
  const date = now.toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
  const own: [string, string][] = [['x-amz-date', date]];
  if (hash !== null) {
    own.push([hashHeader, hash]);
  }
  if (key.sessionToken !== undefined) {
    own.push(['x-amz-security-token', key.sessionToken]);
  }
  const headers = new Map<string, string>();
  for (const [name, value] of [...head.headers.filter(([known]) => !replaced.has(known)), ...own]) {
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  const { accessKeyId, secretAccessKey, region, service } = key;
  try {
    const request = {
      method: head.method,
      path: head.path,
      headers: Object.fromEntries(headers),
      region,
      service,
      extraHeadersToIgnore: { 'transfer-encoding': true },
    };
    const signed = aws4.sign(request, { accessKeyId, secretAccessKey });
    const secrets = own.filter(([name]) => name === 'x-amz-security-token').map(([, value]) => value);
    return { headers: [...own, ['authorization', String(signed.headers?.['Authorization'])]], secrets };
  } catch (cause) {
    throw new GatewayError('malformed', 'This path cannot be signed: its percent encoding is not of UTF-8.', { cause });
  }
}

/** Returns the hash of the body to sign; null if an empty body needs none. Throws GatewayError `unsupported`. */
function hashOf({ headers }: CallHead, body: readonly Uint8Array[], service: string): string | null {
  const told = headerOf(headers, hashHeader);
  if (told?.startsWith('STREAMING-') === true) {
    if (told !== unsignedFraming) {
      throw new GatewayError('unsupported', `A body in pieces that the client signed is not forwarded: send it unsigned, or whole.`);
    }
    return told;
  }
  const hash = createHash('sha256');
  let bytes = 0;
  for (const piece of body) {
    hash.update(piece);
    bytes += piece.length;
  }
  if (headerOf(headers, 'transfer-encoding') !== undefined || Number(headerOf(headers, 'content-length') ?? 0) > bytes) {
    return 'UNSIGNED-PAYLOAD';
  }
  return told === undefined && bytes === 0 && needsWholeBody(service) ? null : hash.digest('hex');
}
