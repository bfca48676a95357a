import type { Attributes } from '../domain/action.ts';
import type { Config } from '../config/config.ts';
import type { Decision } from '../domain/decision.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Principal } from '../domain/principal.ts';
import { runAction } from '../domain/record.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { LiveHistory, readHistory } from '../domain/session-history.ts';
import { findProtocol } from '../protocols/registry.ts';

/** A recorded request that a candidate decides otherwise than it was decided. */
export interface Otherwise {
  readonly record: string;
  readonly time: string;
  readonly principal: string;
  readonly target: string;
  readonly action: string;
  readonly was: string;
  readonly would: string;
  readonly policies: readonly string[];
  readonly reason: string;
}

/** Requests that cannot be decided again, for one reason. */
interface Undecided {
  readonly why: string;
  readonly requests: number;
  /** The last of them. */
  readonly record: string;
}

/** Decides recorded requests again by a candidate. Its sessions are given one after the other, each with its records in order. */
export class PolicyTrial {
  readonly #config: Config;
  readonly #candidate: PolicyEngine;
  #requests = 0;
  readonly #undecided = new Map<string, Undecided>();

  constructor(config: Config, candidate: PolicyEngine) {
    this.#config = config;
    this.#candidate = candidate;
  }

  get counts(): { readonly requests: number; readonly undecided: readonly Undecided[] } {
    return { requests: this.#requests, undecided: [...this.#undecided.values()] };
  }

  /** Yields the requests of one session that the candidate decides otherwise. With `wanted`, only those that it names are decided again; the others count as what was done before. */
  async *otherwise(records: AsyncIterable<ShownRecord>, wanted?: ReadonlySet<string>): AsyncGenerator<Otherwise> {
    let history = new LiveHistory();
    const held = new Map<number, ShownRecord>();
    let run: string | null = null;
    let isShared = false;
    for await (const record of records) {
      const { kind, verdict, attributes, target } = record;
      isShared ||= attributes[ownAttributes.parentSession] !== undefined || attributes[ownAttributes.childSession] !== undefined;
      if (kind === 'decision' && record.action === runAction) {
        run = record.session;
      } else if (kind === 'request' && verdict !== null && attributes[ownAttributes.request] === undefined) {
        const found = wanted?.has(record.record ?? '') === false ? null : this.#decide(record, { history, run }, isShared);
        if (found !== null) {
          yield found;
        }
        if (attributes[ownAttributes.undecided] === undefined) {
          remember(history, verdict, record);
        }
        if (verdict === 'hold') {
          held.set(record.seq, record);
        }
      } else if (kind === 'decision' && target !== null) {
        const asked = held.get(Number(attributes[ownAttributes.request]));
        if (asked !== undefined && verdict !== null) {
          remember(history, verdict, asked);
        }
      } else if (kind === 'event') {
        const before = readHistory(attributes);
        if (before !== null) {
          history = before.isFirst ? new LiveHistory() : history;
          history.include(before.summary);
        }
        history.noted(attributes);
      } else if (kind === 'response') {
        history.answered(attributes, record.content?.bytes ?? Number(attributes[ownAttributes.contentBytes] ?? 0));
      }
    }
  }

  #leaveOut({ record }: ShownRecord, why: string): null {
    const { requests = 0 } = this.#undecided.get(why) ?? {};
    this.#undecided.set(why, { why, requests: requests + 1, record: record ?? '' });
    return null;
  }

  /** `isShared`: the session is of a run within another, or has one within it, so that its own records are not all that policy knew. */
  #decide(record: ShownRecord, asked: { readonly history: LiveHistory; readonly run: string | null }, isShared: boolean): Otherwise | null {
    const { principal, target: name, action, verdict, attributes, time } = record;
    const target = this.#config.targets.get(name ?? '');
    this.#requests += 1;
    const isUnkept = attributes[ownAttributes.withheld] === 'not_kept' && mayLookAtContent(target?.protocol);
    if (isRefusedByGateway(record)) {
      return this.#leaveOut(record, 'the gateway itself refused it, and no policy');
    }
    if (target === undefined) {
      return this.#leaveOut(record, 'its target is not configured any more');
    }
    if (isShared && this.#candidate.readsHistory === true) {
      return this.#leaveOut(record, 'it is of a run within another or around one, and a policy asks what both did');
    }
    if (attributes[ownAttributes.cut] !== undefined || principal === null || action === null) {
      return this.#leaveOut(record, 'its facts were too long for the record');
    }
    if (isUnkept) {
      return this.#leaveOut(record, 'only its facts were kept, and a policy may look at content');
    }
    const onBehalfOf = attributes[ownAttributes.onBehalfOf];
    const groups = attributes['user.roles'];
    const decision = this.#candidate.decide({
      asker: {
        principal:
          this.#config.principals.get(principal) ?? gonePrincipal(principal, Array.isArray(groups) ? groups : [], attributes[ownAttributes.principalKind]),
        onBehalfOf: typeof onBehalfOf === 'string' ? onBehalfOf : null,
        within: null,
        session: record.session,
        address: textOf(attributes['client.address'], '127.0.0.1'),
        ...asked,
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

/** True if policies about this protocol may look at something that is content. */
function mayLookAtContent(protocol: string | undefined): boolean {
  return findProtocol(protocol ?? '')?.context.some(({ isContent = false }) => isContent) === true;
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
