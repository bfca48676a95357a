import { createHash } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';
import type { Upstream } from '../../domain/upstream.ts';
import type { SecretReader } from '../../domain/target.ts';
import { ByteReader } from '../../wire/byte-reader.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from './compose.ts';
import { backend } from './messages.ts';
import type { AuthMethod, PostgresOptions } from './options.ts';
import { answerChallenge, checkServerFinal, clientFirst, type ScramOptions } from './scram.ts';

/**
 * The numbers by which the target asks for a kind of login.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-AUTHENTICATIONOK
 */
const asks = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;
const mechanismsMax = 16;

export interface TargetCredential {
  readonly upstream: Upstream;
  /** Returns the next whole message of the target. Rejects with the target's errors. */
  readonly next: () => Promise<Buffer>;
  readonly user: string;
  readonly password: SecretReader | undefined;
  readonly options: PostgresOptions;
  readonly nonce: string;
}

/**
 * Answers the target's questions until the login succeeds, as far as the options allow. The target is not trusted: it gets a plain password only over TLS, each
 * question is answered only once, and SCRAM must be finished once it was asked for. Rejects with GatewayError `target_login_failed` or `malformed`.
 */
export async function authenticate(credential: TargetCredential): Promise<void> {
  const { upstream } = credential;
  const question = await nextQuestion(credential);
  switch (question.code) {
    case asks.ok:
      permit(credential, 'none');
      return;
    case asks.cleartext:
      permit(credential, 'password');
      if (!upstream.isEncrypted) {
        throw new GatewayError('target_login_failed', 'The target asks for the password in the clear, and the connection to it has no TLS.');
      }
      upstream.greet(passwordMessage(secretOf(credential)));
      break;
    case asks.md5:
      permit(credential, 'md5');
      upstream.greet(passwordMessage(md5Answer(credential, question.body.bytes(4))));
      break;
    case asks.sasl:
      permit(credential, 'scram-sha-256');
      await scram(credential, readMechanisms(question.body));
      break;
    default:
      throw new GatewayError('target_login_failed', `The target asks for a way to authenticate (${question.code}) that the gateway does not have.`);
  }
  await expect(credential, asks.ok);
}

async function scram(credential: TargetCredential, offered: readonly string[]): Promise<void> {
  const { upstream, options } = credential;
  const endPoint = upstream.tlsServerEndPoint();
  const offersPlus = offered.includes('SCRAM-SHA-256-PLUS');
  const binding = endPoint !== null && !offersPlus ? 'unsupported' : endPoint;
  if (options.channel_binding === 'require' && !(binding instanceof Buffer)) {
    throw new GatewayError('target_login_failed', 'Channel binding is required for this target, and it offers none.');
  }
  const mechanism = binding instanceof Buffer ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256';
  if (!offered.includes(mechanism)) {
    throw new GatewayError('target_login_failed', 'The target offers no SASL mechanism that the gateway has.');
  }
  const exchange: ScramOptions = { password: secretOf(credential), nonce: credential.nonce, binding };
  upstream.greet(saslInitialResponse(mechanism, clientFirst(exchange)));
  const challenge = await expect(credential, asks.saslContinue);
  const answer = await answerChallenge(exchange, challenge.rest().toString('latin1'));
  upstream.greet(saslResponse(answer.text));
  const final = await expect(credential, asks.saslFinal);
  checkServerFinal(final.rest().toString('latin1'), answer);
}

function readMechanisms(body: ByteReader): string[] {
  const mechanisms: string[] = [];
  while (mechanisms.length < mechanismsMax) {
    const name = body.cstring();
    if (name === '') {
      break;
    }
    mechanisms.push(name);
  }
  return mechanisms;
}

function md5Answer(credential: TargetCredential, salt: Buffer): string {
  const inner = md5(Buffer.from(`${secretOf(credential)}${credential.user}`));
  return `md5${md5(Buffer.concat([Buffer.from(inner), salt]))}`;
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function secretOf(credential: TargetCredential): string {
  if (credential.password === undefined) {
    throw new GatewayError('target_login_failed', 'The target asks for a password, and none is configured for it.');
  }
  return credential.password();
}

/** Refuses a method that is weaker than the options require. Throws GatewayError `target_login_failed`. */
function permit(credential: TargetCredential, method: AuthMethod): void {
  if (!credential.options.require_auth.includes(method)) {
    throw new GatewayError('target_login_failed', `The target wants the login by "${method}", which require_auth does not allow.`);
  }
}

async function nextQuestion(credential: TargetCredential): Promise<{ readonly code: number; readonly body: ByteReader }> {
  const message = await credential.next();
  if (message[0] !== backend.authentication) {
    throw new GatewayError('malformed', 'It sent something else than a question for the login.');
  }
  const body = new ByteReader(message, 5);
  return { code: body.int32(), body };
}

async function expect(credential: TargetCredential, code: number): Promise<ByteReader> {
  const question = await nextQuestion(credential);
  if (question.code !== code) {
    throw new GatewayError('malformed', 'Its questions for the login do not follow each other as they must.');
  }
  return question.body;
}
