import { setTimeout as delay } from 'node:timers/promises';
import type { LoginThrottle } from '../controls/login-throttle.ts';
import type { Decision } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Identity } from '../domain/principal.ts';
import type { Client, Credential, Door, Session } from '../domain/protocol.ts';
import type { ChannelFacts } from '../domain/record.ts';
import type { Target } from '../domain/target.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import { Channel, type ChannelContext } from './channel.ts';
import type { LiveSession } from './live-session.ts';
import { recordOwnDecision } from './own-decision.ts';

/** Signals (cancel keys) come without a login: so many from one connection is enough. */
const signalDelayMs = 50;

export interface DoorContext extends ChannelContext {
  readonly authenticator: Authenticator;
  readonly throttle: LoginThrottle;
  readonly findTarget: (name: string) => Target | undefined;
  readonly isStopping: () => boolean;
}

/** Where a client proves who it is. One for each connection. */
export class ClientDoor implements Door {
  readonly #context: DoorContext;
  readonly #client: Client;
  readonly #protocol: string;
  #authenticated = false;

  constructor(context: DoorContext, client: Client, protocol: string) {
    this.#context = context;
    this.#client = client;
    this.#protocol = protocol;
  }

  get limits(): DoorContext['limits'] {
    return this.#context.limits;
  }

  get authenticated(): boolean {
    return this.#authenticated;
  }

  async authenticate(credential: Credential): Promise<Session> {
    const { throttle, isStopping } = this.#context;
    if (isStopping()) {
      throw new GatewayError('stopping', 'The gateway is stopping: connect again in a moment.');
    }
    try {
      const identity = await this.#identify(credential);
      const { target, decision } = this.#admit(identity, credential);
      throttle.succeeded(this.#client.address);
      return this.#open(identity, target, { credential, decision });
    } catch (error) {
      if (error instanceof GatewayError && error.code !== 'cannot_record') {
        if (error.code === 'unauthenticated') {
          await delay(throttle.failed(this.#client.address));
        }
        await this.#recordRefusal(credential, error);
      }
      throw error;
    }
  }

  async signal(key: Uint8Array): Promise<boolean> {
    await delay(signalDelayMs);
    return this.#context.sessions.signal(key);
  }

  async #identify(credential: Credential): Promise<Identity> {
    const outcome = await this.#context.authenticator.authenticate(credential.token);
    if ('refused' in outcome) {
      throw new GatewayError('unauthenticated', `The token is not accepted: ${outcome.refused}.`);
    }
    return outcome.identity;
  }

  /** A name that is not configured and one that was not granted look the same to who has no grant. */
  #admit(identity: Identity, credential: Credential): { target: Target; decision: Decision } {
    const target = this.#context.findTarget(credential.target);
    if (target === undefined || target.protocol !== this.#protocol) {
      throw new GatewayError('unknown_target', `There is no target "${credential.target}" here for ${identity.principal.id}.`);
    }
    const decision = this.#context.policy().decide({
      principal: identity.principal,
      target,
      action: { name: `${this.#protocol}.connect`, attributes: {} },
    });
    if (decision.verdict !== 'allow') {
      throw new GatewayError('refused', decision.reason);
    }
    return { target, decision };
  }

  #open(identity: Identity, target: Target, visit: { credential: Credential; decision: Decision }): Session {
    const { sessions } = this.#context;
    const session: LiveSession | null = identity.session === undefined ? sessions.open(false) : sessions.find(identity.session);
    if (session === null) {
      throw new GatewayError('unauthenticated', 'The run that this token belongs to has ended.');
    }
    const { credential, decision } = visit;
    const facts: ChannelFacts = {
      principal: identity.principal.id,
      principalKind: identity.principal.kind,
      groups: identity.principal.groups,
      ...(identity.onBehalfOf === undefined ? {} : { onBehalfOf: identity.onBehalfOf }),
      tokenId: identity.tokenId,
      clientAddress: credential.clientAddress,
      target: target.name,
      protocol: this.#protocol,
      durability: target.durability,
      ...(credential.traceparent === undefined ? {} : { traceparent: credential.traceparent }),
    };
    const { verdict, policies, policyVersion } = decision;
    const opened = session.openChannel(facts, {
      action: 'gateway.authenticate',
      verdict,
      policies,
      policyVersion,
      attributes: { 'user.name': credential.user },
    });
    this.#authenticated = true;
    return new Channel(this.#context, session, opened, { identity, target });
  }

  /** Address and reason are in the record before the client is told. */
  async #recordRefusal(credential: Credential, error: GatewayError): Promise<void> {
    await recordOwnDecision(this.#context.recorder, {
      action: 'gateway.authenticate',
      verdict: 'deny',
      reason: `${error.code}: ${error.message}`,
      attributes: {
        'client.address': credential.clientAddress,
        'countersign.protocol': this.#protocol,
        'countersign.target': credential.target.slice(0, 256),
        'user.name': credential.user.slice(0, 256),
      },
    });
  }
}
