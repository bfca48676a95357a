import type { Attributes } from '../domain/action.ts';
import { claimsAttribute, type ClientClaims } from '../domain/client-claims.ts';
import type { Decision } from '../domain/decision.ts';
import { tagsAttribute } from '../domain/environment.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Identity } from '../domain/principal.ts';
import type { Credential } from '../domain/door.ts';
import type { ShownCertificate } from '../domain/shown-certificate.ts';
import type { ChannelFacts } from '../domain/record.ts';
import { targetFacts, type Target } from '../domain/target.ts';
import { changeText, type TextChange } from '../domain/text-change.ts';
import type { Authenticator } from '../identity/authenticator.ts';
import type { Question } from '../policy/policy.ts';
import { issuedFacts } from './accepted-token.ts';
import { admit } from './admit.ts';
import { attempt, identify, identifyByCertificate } from './attempt.ts';
import { LiveChannel, type ChannelContext } from './live-channel.ts';
import type { LiveSession } from './live-session.ts';
import type { Refusals } from './refusals.ts';

export interface DoorContext extends ChannelContext {
  readonly authenticator: Authenticator;
  readonly refusals: Refusals;
  readonly isStopping: () => boolean;
  /** Throws GatewayError `catching_up` as long as a protocol has not got back what was recorded about its targets. */
  readonly requireRecalled: (protocol: string) => void;
}

/** A client that was admitted: its identity, its target and the decision. */
export interface Admitted {
  readonly identity: Identity;
  readonly target: Target;
  /** The question that policy was asked about the connection. */
  readonly question: Question;
  readonly decision: Decision;
}

/** The login of a client of one protocol at one address, before it gets a channel. Every refusal is recorded and slowed down. */
export class Login {
  readonly #context: DoorContext;
  readonly #address: string;
  readonly #protocol: string;
  readonly #certificate: ShownCertificate | null;

  constructor(context: DoorContext, client: { readonly address: string; readonly protocol: string; readonly certificate?: ShownCertificate | null }) {
    this.#certificate = client.certificate ?? null;
    this.#context = context;
    this.#address = client.address;
    this.#protocol = client.protocol;
  }

  /** Authenticates a client and decides on its target. Rejects as `Door.authenticate` does. */
  async attempt<Outcome>(credential: Credential, admitted: (admitted: Admitted) => Outcome): Promise<Outcome> {
    this.#requireServing();
    const { authenticator, refusals } = this.#context;
    const certificate = credential.token === '' ? (credential.certificate ?? this.#certificate) : null;
    const who = {
      address: this.#address,
      protocol: this.#protocol,
      isQuestion: credential.token === '' && certificate === null,
      attributes: { [ownAttributes.target]: credential.target.slice(0, 256), 'user.name': nameOf(credential).slice(0, 256) },
    };
    const identity = await attempt(refusals, who, async () =>
      certificate === null ? identify(authenticator, { token: credential.token }) : identifyByCertificate(authenticator, certificate),
    );
    return attempt(refusals, { ...who, principal: identity.principal.id }, () => {
      this.#requireServing();
      this.#context.requireRecalled(this.#protocol);
      const { target, question, decision } = admit(this.#context, { identity, address: credential.clientAddress }, credential.target, this.#protocol);
      return admitted({ identity, target, question, decision });
    });
  }

  knows(certificate: ShownCertificate): boolean {
    return this.#context.authenticator.knows(certificate);
  }

  #requireServing(): void {
    if (this.#context.isStopping()) {
      throw new GatewayError('stopping', 'The gateway is stopping: connect again in a moment.');
    }
  }

  /** Records that a client is refused before it has presented a credential. Rejects with GatewayError `cannot_record`. */
  async turnedAway(error: GatewayError): Promise<void> {
    await this.#context.refusals.record({ address: this.#address, protocol: this.#protocol, error });
  }

  /** Slows down a client that guessed. Resolves when the guess is recorded or counted and the delay is over. Rejects with GatewayError `cannot_record`. */
  async slowDown(guess: GatewayError): Promise<void> {
    await this.#context.refusals.refuse({ address: this.#address, protocol: this.#protocol, error: guess }).catch((error: unknown) => {
      if (!(error instanceof GatewayError) || error.code === 'cannot_record') {
        throw error;
      }
    });
  }

  /** Opens a channel for an admitted client in its session. */
  open(session: LiveSession, credential: Credential, admitted: Admitted): LiveChannel {
    const { identity, target, decision } = admitted;
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
      ...(session.isActivity ? { isActivity: true, ...(identity.activity === undefined ? {} : { activity: identity.activity }) } : {}),
      targets: targetFacts([target]),
    };
    const { verdict, policies, policyVersion } = decision;
    const { claims, token } = credential;
    const masks = this.#masks(session.id, admitted);
    const describeClaims = (said: ClientClaims): Attributes =>
      claimsAttribute(
        said.map(([name, value]) => [name, changeText(masks, value, [`=${name}`])] as const),
        token,
      );
    const attributes = {
      'user.name': changeText(masks, nameOf(credential)),
      ...tagsAttribute(target.tags),
      ...describeClaims(claims),
      ...(identity.issued === undefined ? {} : issuedFacts(identity.issued)),
      ...(identity.certificate === undefined ? {} : (credential.certificate?.signed ?? { 'tls.client.hash.sha256': identity.certificate })),
      ...(identity.key === undefined ? {} : { [ownAttributes.clientKeySha256]: identity.key }),
    };
    const { onBehalfOf = null } = identity;
    const keeping = this.#context.keepingOf({ ...facts, onBehalfOf, environment: target.tags?.['environment'] ?? null });
    const opened = session.openChannel(facts, { action: 'gateway.authenticate', verdict, policies, policyVersion, attributes }, keeping());
    session.endWith(identity.standing, session.isActivity && identity.activity !== undefined ? opened.channel : null);
    return new LiveChannel(this.#context, session, opened, { identity, target, keeping, address: credential.clientAddress, claims, describeClaims });
  }

  /** Returns the changes of what the client says of itself: it is in records before there is a request, and values that policy masks in requests must be in none. */
  #masks(session: string, { question, decision }: Admitted): readonly TextChange[] {
    const act = { ...question, asker: { ...question.asker, session }, bytes: [], isWhole: true, isPart: false };
    return decision.obligations.flatMap((obligation) => {
      const control = this.#context.controls.find(({ kind }) => kind === obligation.kind);
      return control?.changeRequest === undefined ? [] : [control.changeRequest(act, obligation)];
    });
  }
}

/** Returns the user name that the client gave; empty if it holds the client's token, because no record may hold a token. */
function nameOf({ user, token }: Credential): string {
  return token !== '' && user.includes(token) ? '' : user;
}
