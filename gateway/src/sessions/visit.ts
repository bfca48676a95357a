import { areSameClaims, type ClientClaims } from '../domain/client-claims.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Channel } from '../domain/channel.ts';
import type { Credential, Door } from '../domain/door.ts';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import type { LiveChannel } from './live-channel.ts';
import type { LiveSession } from './live-session.ts';
import { Login, type Admitted, type DoorContext } from './login.ts';

/** Most channels of one connection. No client has a use for more tokens and targets on one connection. */
const channelsMax = 64;

/** A channel, and the number of exchanges that are running on it. */
interface Open {
  readonly channel: LiveChannel;
  readonly session: LiveSession;
  readonly admitted: Admitted;
  readonly claims: ClientClaims;
  exchanges: number;
}

/**
 * One connection of an HTTP client. Each of its requests authenticates. Requests with one token to one target share a channel, which closes with the
 * connection. A request whose client says something else of itself begins another channel, because a proxy may send requests of many clients over one connection. Their session is the token's run, or the activity of the token, which tokens of an issuer continue that come after it.
 */
export class Visit {
  readonly #context: DoorContext;
  readonly #address: string;
  #certificate: ShownCertificate | null = null;
  readonly #open = new Map<string, Open>();
  #hasLeft = false;

  constructor(context: DoorContext, address: string) {
    this.#context = context;
    this.#address = address;
  }

  /** Called before the first request, with the certificate that the client showed. */
  show(certificate: ShownCertificate | null): void {
    this.#certificate = certificate;
  }

  /** Makes the door for one request. */
  door(protocol: string): VisitDoor {
    return new VisitDoor(this, new Login(this.#context, { address: this.#address, protocol, certificate: this.#certificate }), this.#context.limits);
  }

  /** Called when the connection is closed. Closes its channels. */
  leave(): void {
    this.#hasLeft = true;
    for (const open of this.#open.values()) {
      this.#closeIfUnused(open, 'client');
    }
  }

  /** Returns the channel for an admitted client. */
  enter(login: Login, credential: Credential, admitted: Admitted): Open {
    const key = `${admitted.identity.tokenId}\0${admitted.target.name}`;
    const known = this.#open.get(key);
    if (
      known !== undefined &&
      isSame(known.admitted, admitted) &&
      areSameClaims(known.claims, credential.claims) &&
      !known.channel.signal.aborted &&
      !known.session.isFull
    ) {
      known.exchanges += 1;
      return known;
    }
    if (known !== undefined) {
      this.#open.delete(key);
      this.#closeIfUnused(known, 'client');
    }
    if (this.#open.size >= channelsMax || this.#hasLeft) {
      throw new GatewayError('limit_exceeded', `One connection may use at most ${channelsMax} pairs of a token and a target.`);
    }
    const session = this.#session(admitted);
    const channel = login.open(session, credential, admitted);
    const open: Open = { channel, session, admitted, claims: credential.claims, exchanges: 1 };
    this.#open.set(key, open);
    channel.signal.addEventListener('abort', () => {
      this.#closeIfUnused(open, 'error');
    });
    const forget = session.onContinued(() => {
      this.#open.delete(key);
      this.#closeIfUnused(open, 'continued');
    });
    channel.onClose(forget);
    return open;
  }

  /** Called when an exchange is over. */
  done(open: Open): void {
    open.exchanges -= 1;
    if (this.#hasLeft || open.channel.signal.aborted || !Array.from(this.#open.values()).includes(open)) {
      this.#closeIfUnused(open, 'client');
    }
  }

  #session({ identity }: Admitted): LiveSession {
    const { sessions, limits } = this.#context;
    const { sessionIdleMs: idleMs, sessionAgeMs: ageMs, sessionRecordsMax: recordsMax } = limits;
    return identity.session === undefined
      ? sessions.ofToken(identity.activity ?? identity.tokenId, { idleMs, ageMs, recordsMax })
      : sessions.findRun(identity.session);
  }

  #closeIfUnused(open: Open, reason: string): void {
    if (open.exchanges > 0) {
      return;
    }
    for (const [key, known] of this.#open) {
      if (known === open) {
        this.#open.delete(key);
      }
    }
    // If the channel cannot be closed in the record now, the next start closes it there.
    void open.channel.close(reason).catch((error: unknown) => {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    });
  }
}

/** True unless the configuration changed the target or the principal in between: then the client is admitted anew. */
function isSame(known: Admitted, now: Admitted): boolean {
  return known.target === now.target && known.identity.principal === now.identity.principal;
}

/** The door of one request. */
class VisitDoor implements Door, Disposable {
  readonly limits: DoorContext['limits'];
  readonly #visit: Visit;
  readonly #login: Login;
  #open: Open | null = null;

  constructor(visit: Visit, login: Login, limits: DoorContext['limits']) {
    this.#visit = visit;
    this.#login = login;
    this.limits = limits;
  }

  async authenticate(credential: Credential): Promise<Channel> {
    const open = await this.#login.attempt(credential, (admitted) => this.#visit.enter(this.#login, credential, admitted));
    this.#open = open;
    return open.channel;
  }

  knows(certificate: ShownCertificate): boolean {
    return this.#login.knows(certificate);
  }

  async turnedAway(error: GatewayError): Promise<void> {
    await this.#login.turnedAway(error);
  }

  /** Always false: over HTTP nothing comes without a credential. */
  async signal(): Promise<boolean> {
    return Promise.resolve(false);
  }

  [Symbol.dispose](): void {
    if (this.#open !== null) {
      this.#visit.done(this.#open);
      this.#open = null;
    }
  }
}
