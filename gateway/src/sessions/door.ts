import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../domain/errors.ts';
import type { Channel } from '../domain/channel.ts';
import type { Client } from '../domain/client.ts';
import type { Credential, Door } from '../domain/door.ts';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import { Login, type DoorContext } from './login.ts';

/** Time in ms by which each signal (cancel key) is delayed, because it comes without a login. A wrong signal counts as a guess, like a wrong token. */
const signalDelayMs = 50;

/** The door at which a client of a stream proves its identity. There is one for each connection. */
export class ClientDoor implements Door {
  readonly #context: DoorContext;
  readonly #login: Login;

  constructor(context: DoorContext, client: Client, protocol: string) {
    this.#context = context;
    this.#login = new Login(context, { address: client.address, protocol });
  }

  get limits(): DoorContext['limits'] {
    return this.#context.limits;
  }

  async authenticate(credential: Credential): Promise<Channel> {
    const { sessions } = this.#context;
    return this.#login.attempt(credential, (admitted) => {
      const { session } = admitted.identity;
      return this.#login.open(session === undefined ? sessions.open('channel') : sessions.findRun(session), credential, admitted);
    });
  }

  knows(certificate: ShownCertificate): boolean {
    return this.#login.knows(certificate);
  }

  async turnedAway(error: GatewayError): Promise<void> {
    await this.#login.turnedAway(error);
  }

  async signal(key: Uint8Array): Promise<boolean> {
    await delay(signalDelayMs);
    const isKnown = await this.#context.sessions.signal(key);
    if (!isKnown) {
      await this.#login.slowDown(new GatewayError('unauthenticated', 'The cancel key is unknown.'));
    }
    return isKnown;
  }
}
