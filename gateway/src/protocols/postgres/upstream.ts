import { createHash, randomBytes } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';
import type { Session, Upstream } from '../../domain/protocol.ts';
import { encode, encodeUntyped, Fields, int32, MessageReader, parseNotice, protocolVersion3, sslRequestCode, type Message } from './codec.ts';
import { postgresOptions } from './options.ts';
import { scramClient, type ScramBinding, type ScramClient } from './scram.ts';
import type { Startup } from './startup.ts';

/** No message of a login is longer; a hostile target cannot make us hold more. */
const loginMessageBytesMax = 64 * 1024;
const loginMessagesMax = 200;
/** Authentication request codes: https://www.postgresql.org/docs/18/protocol-message-formats.html */
const auth = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;

export interface UpstreamLogin {
  readonly upstream: Upstream;
  /** ParameterStatus messages, as they came. */
  readonly parameters: readonly Buffer[];
  /** What the target's cancel request must say: process id and secret. */
  readonly cancelKey: Buffer;
  /** The ReadyForQuery that ended the login. */
  readonly ready: Buffer;
}

/** Dials the target and logs in with the gateway's credential. Errors: `target_unreachable`, `target_tls_failed`, `target_login_failed`. */
export async function loginUpstream(session: Session, startup: Startup): Promise<UpstreamLogin> {
  const upstream = await openUpstream(session);
  try {
    return await new UpstreamConversation(session, upstream).login(startup);
  } catch (error) {
    upstream.destroy();
    throw error instanceof GatewayError && error.code === 'malformed'
      ? new GatewayError('target_login_failed', 'The target does not speak the PostgreSQL protocol.', { cause: error })
      : error;
  }
}

/** The socket to the target, under TLS if its options say so. */
export async function openUpstream(session: Session): Promise<Upstream> {
  const { tls, ca } = postgresOptions(session.target.options);
  const upstream = await session.connect();
  if (tls === 'off') {
    return upstream;
  }
  try {
    upstream.greet(encodeUntyped(int32(sslRequestCode)));
    const answer = await upstream.read(session.limits.dialMs);
    if (answer?.[0] !== 0x53) {
      throw new GatewayError('target_tls_failed', 'The target does not offer TLS.');
    }
    upstream.unread(answer.subarray(1));
    await upstream.startTls({ mode: tls, ...(ca === undefined ? {} : { caFile: ca }) });
    return upstream;
  } catch (error) {
    upstream.destroy();
    throw error;
  }
}

class UpstreamConversation {
  readonly #session: Session;
  readonly #upstream: Upstream;
  readonly #reader = new MessageReader(loginMessageBytesMax);
  readonly #parameters: Buffer[] = [];
  #cancelKey: Buffer = Buffer.alloc(0);
  #scram: ScramClient | null = null;
  #proven = false;

  constructor(session: Session, upstream: Upstream) {
    this.#session = session;
    this.#upstream = upstream;
  }

  async login(startup: Startup): Promise<UpstreamLogin> {
    const { target } = this.#session;
    const pairs = ['user', target.user, 'database', startup.database || target.path || target.user, ...[...startup.parameters].flat()];
    const text = pairs.map((part) => `${part}\0`).join('');
    this.#upstream.greet(encodeUntyped(int32(protocolVersion3), Buffer.from(text), Buffer.alloc(1)));
    for (let i = 0; i < loginMessagesMax; i++) {
      // oxlint-disable-next-line no-await-in-loop -- a dialogue.
      const message = await this.#next();
      if (message.type === 'Z') {
        this.#upstream.unread(this.#reader.rest());
        return { upstream: this.#upstream, parameters: this.#parameters, cancelKey: this.#cancelKey, ready: message.bytes };
      }
      this.#take(message);
    }
    throw new GatewayError('target_login_failed', 'The login at the target does not end.');
  }

  #take(message: Message): void {
    if (message.type === 'R') {
      this.#answer(new Fields(message.bytes));
    } else if (message.type === 'S') {
      this.#parameters.push(Buffer.from(message.bytes));
    } else if (message.type === 'K') {
      this.#cancelKey = Buffer.from(message.bytes.subarray(5));
    } else if (message.type === 'E') {
      const notice = parseNotice(message.bytes);
      throw new GatewayError('target_login_failed', `The target refused the gateway's login (SQLSTATE ${notice.get('C') ?? 'unknown'}).`);
    } else if (message.type !== 'N' && message.type !== 'v') {
      throw new GatewayError('target_login_failed', 'The target sent something else than a login.');
    }
  }

  #answer(request: Fields): void {
    const code = request.int32();
    const { user } = this.#session.target;
    if (code === auth.ok) {
      if (this.#scram !== null && !this.#proven) {
        throw new GatewayError('target_login_failed', 'The target ended the SCRAM exchange without proving that it knows the password.');
      }
    } else if (code === auth.cleartext) {
      if (!this.#upstream.isEncrypted) {
        throw new GatewayError('target_login_failed', 'The target asks for the password in the clear, which is answered only under TLS: set tls to verify-full, or SCRAM at the target.');
      }
      this.#upstream.greet(encode('p', this.#password()));
    } else if (code === auth.md5) {
      const inner = md5(Buffer.from(this.#password() + user));
      this.#upstream.greet(encode('p', `md5${md5(Buffer.concat([Buffer.from(inner), request.bytes(4)]))}`));
    } else if (code === auth.sasl) {
      this.#startScram(request);
    } else if (code === auth.saslContinue && this.#scram !== null) {
      this.#upstream.greet(encode('p', Buffer.from(this.#scram.final(request.rest().toString()))));
    } else if (code === auth.saslFinal && this.#scram !== null) {
      this.#scram.verify(request.rest().toString());
      this.#proven = true;
    } else {
      throw new GatewayError('target_login_failed', `The target asks for an authentication that is not supported (${code}).`);
    }
  }

  #startScram(request: Fields): void {
    const offered: string[] = [];
    for (let name = request.text(); name !== ''; name = request.text()) {
      offered.push(name);
    }
    const binding = this.#binding(offered);
    this.#scram = scramClient(this.#password(), randomBytes(18).toString('base64'), binding);
    const first = Buffer.from(this.#scram.first);
    this.#upstream.greet(encode('p', binding.mechanism, int32(first.length), first));
  }

  #binding(offered: readonly string[]): ScramBinding {
    const endPoint = this.#upstream.tlsServerEndPoint();
    if (endPoint !== null && offered.includes('SCRAM-SHA-256-PLUS')) {
      return { mechanism: 'SCRAM-SHA-256-PLUS', header: 'p=tls-server-end-point,,', data: endPoint };
    }
    if (!offered.includes('SCRAM-SHA-256')) {
      throw new GatewayError('target_login_failed', 'The target offers no SCRAM-SHA-256.');
    }
    // `y`: we could bind, and the server did not say that it can; it will notice if somebody cut that out (RFC 5802 §6).
    return { mechanism: 'SCRAM-SHA-256', header: endPoint === null ? 'n,,' : 'y,,', data: Buffer.alloc(0) };
  }

  #password(): string {
    const { password } = this.#session.target;
    if (password === undefined) {
      throw new GatewayError('target_login_failed', 'The target asks for a password and the configuration has none.');
    }
    return password();
  }

  async #next(): Promise<Message> {
    for (;;) {
      const message = this.#reader.next();
      if (message !== null) {
        return message;
      }
      // oxlint-disable-next-line no-await-in-loop -- until a message is whole.
      const bytes = await this.#upstream.read(this.#session.limits.dialMs);
      if (bytes === null) {
        throw new GatewayError('target_login_failed', 'The target closed the connection during the login.');
      }
      this.#reader.push(bytes);
    }
  }
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
