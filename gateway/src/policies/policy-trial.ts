import type { Attributes } from '../domain/action.ts';
import type { Config } from '../config/config.ts';
import type { Decision } from '../domain/decision.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Principal } from '../domain/principal.ts';
import { runAction } from '../domain/record.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import type { Otherwise, TrialCounts, Undecided } from '../policy/candidate.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { LiveHistory, readHistory } from '../domain/session-history.ts';
import { findProtocol } from '../protocols/registry.ts';

/** The people and targets by which recorded requests are decided, beside the policies. */
export type TrialDirectory = Pick<Config, 'targets' | 'principals'>;

/** Decides recorded requests again by a candidate. Its sessions are given one after the other, each with its records in order. */
export class PolicyTrial {
  readonly #directory: TrialDirectory;
  readonly #candidate: PolicyEngine;
  /** True if what is given of sessions may lack some of their records. */
  readonly #isPartial: boolean;
  #requests = 0;
  readonly #undecided = new Map<string, Undecided>();
  #session = newSession();

  constructor(directory: TrialDirectory, candidate: PolicyEngine, { isPartial = false } = {}) {
    this.#directory = directory;
    this.#candidate = candidate;
    this.#isPartial = isPartial;
  }

  get counts(): TrialCounts {
    return { requests: this.#requests, undecided: [...this.#undecided.values()] };
  }

  /** Begins the next session. */
  begin(): void {
    this.#session = newSession();
  }

  /** Takes the next record of the session, and returns it if the candidate decides it otherwise. Not `isWanted`: it is not decided again, and counts as what was done before. */
  take(record: ShownRecord, isWanted = true): Otherwise | null {
    const session = this.#session;
    const { kind, verdict, attributes, target } = record;
    session.isShared ||= attributes[ownAttributes.parentSession] !== undefined || attributes[ownAttributes.childSession] !== undefined;
    if (kind === 'decision' && record.action === runAction) {
      session.run = record.session;
    } else if (kind === 'request' && verdict !== null && attributes[ownAttributes.request] === undefined) {
      const found = isWanted ? this.#decide(record) : null;
      if (attributes[ownAttributes.undecided] === undefined) {
        remember(session.history, verdict, record);
      }
      if (verdict === 'hold') {
        session.held.set(record.seq, record);
      }
      return found;
    } else if (kind === 'decision' && target !== null) {
      const asked = session.held.get(Number(attributes[ownAttributes.request]));
      if (asked !== undefined && verdict !== null) {
        remember(session.history, verdict, asked);
      }
    } else if (kind === 'event') {
      const before = readHistory(attributes);
      if (before !== null) {
        session.history = before.isFirst ? new LiveHistory() : session.history;
        session.history.include(before.summary);
      }
      session.history.noted(attributes);
    } else if (kind === 'response') {
      session.history.answered(attributes, record.content?.bytes ?? Number(attributes[ownAttributes.contentBytes] ?? 0));
    }
    return null;
  }

  #leaveOut({ record }: ShownRecord, why: string): null {
    const { requests = 0 } = this.#undecided.get(why) ?? {};
    this.#undecided.set(why, { why, requests: requests + 1, record: record ?? '' });
    return null;
  }

  /** Returns whether a policy may ask for a fact of requests over this protocol that is content. */
  #asksContentOf(protocol: string): boolean {
    const { factsRead = new Set() } = this.#candidate;
    return findProtocol(protocol)?.context.some(({ name, isContent = false }) => isContent && factsRead?.has(name) !== false) === true;
  }

  #decide(record: ShownRecord): Otherwise | null {
    const { principal, target: name, action, verdict, attributes, time } = record;
    const { history, run, isShared } = this.#session;
    const target = this.#directory.targets.get(name ?? '');
    this.#requests += 1;
    const asksContent = target !== undefined && this.#asksContentOf(target.protocol);
    if (isRefusedByGateway(record)) {
      return this.#leaveOut(record, 'the gateway itself refused it, and no policy');
    }
    if (target === undefined) {
      return this.#leaveOut(record, 'its target is not configured any more');
    }
    if (isShared && this.#candidate.readsHistory === true) {
      return this.#leaveOut(record, 'it is of a run within another or around one, and a policy asks what both did');
    }
    if (this.#isPartial && this.#candidate.readsHistory === true) {
      return this.#leaveOut(record, 'you may read only some of the records, and a policy asks what the session did');
    }
    if (attributes[ownAttributes.cut] !== undefined || principal === null || action === null) {
      return this.#leaveOut(record, 'its facts were too long for the record');
    }
    if (asksContent && attributes[ownAttributes.withheld] === 'not_kept') {
      return this.#leaveOut(record, 'only its facts were kept, and a policy looks at content');
    }
    if (asksContent && this.#isPartial && record.content === null) {
      return this.#leaveOut(record, 'you may not read its content, and a policy looks at content');
    }
    const onBehalfOf = attributes[ownAttributes.onBehalfOf];
    const groups = attributes['user.roles'];
    const decision = this.#candidate.decide({
      asker: {
        principal:
          this.#directory.principals.get(principal) ?? gonePrincipal(principal, Array.isArray(groups) ? groups : [], attributes[ownAttributes.principalKind]),
        onBehalfOf: typeof onBehalfOf === 'string' ? onBehalfOf : null,
        within: null,
        session: record.session,
        address: textOf(attributes['client.address'], '127.0.0.1'),
        history,
        run,
      },
      target,
      action: { name: action, attributes: asDecided(attributes) },
      timeMs: Date.parse(time),
    });
    const { verdict: would, policies, reason } = decision;
    if (verdict === 'deny' && would !== 'deny' && isOfLimit(decision, record.policies)) {
      return this.#leaveOut(record, 'a limit denied it, and how much of the limit would be used is not known');
    }
    return would === verdict
      ? null
      : { record: record.record ?? '', time, principal, target: target.name, action, was: verdict ?? '', would, policies, reason };
  }
}

interface TriedSession {
  history: LiveHistory;
  readonly held: Map<number, ShownRecord>;
  run: string | null;
  /** True if it is of a run within another, or has one within it, so that its own records are not all that policy knew. */
  isShared: boolean;
}

function newSession(): TriedSession {
  return { history: new LiveHistory(), held: new Map(), run: null, isShared: false };
}

/** Returns the attributes by which policy decided. A record that is shown has arguments of a call too that were too long to be looked at. */
function asDecided({ 'gen_ai.tool.call.arguments': callArguments, ...others }: Attributes): Attributes {
  return callArguments === undefined || others[ownAttributes.argumentsFit] === false ? others : { ...others, 'gen_ai.tool.call.arguments': callArguments };
}

/** True for a request that the gateway itself refused, so that no policy was asked or none counted. */
function isRefusedByGateway({ verdict, policies, attributes }: ShownRecord): boolean {
  return verdict === 'deny' && (policies.includes('countersign') || attributes[ownAttributes.policyVersion] === undefined);
}

/** True if one of these policies, which denied a request, is a limit of the candidate too. How much of it would have been used is not known. */
function isOfLimit({ obligations }: Decision, denied: readonly string[]): boolean {
  return obligations.some(({ kind, parameters: { policy = '' } }) => kind === 'limit' && denied.includes(policy));
}

function remember(history: LiveHistory, verdict: string, { target, attributes }: ShownRecord): void {
  if (verdict === 'allow') {
    history.allowed(target ?? '', attributes);
  } else if (verdict === 'deny') {
    history.denied();
  }
}

/** Returns a principal that the configuration does not have, or not any more, as far as the record tells. */
export function gonePrincipal(id: string, groups: readonly string[], kind: unknown): Principal {
  return { id, kind: kind === 'human' ? kind : 'agent', groups, targets: [] };
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
