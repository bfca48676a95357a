import type { Action, Attributes } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Identity } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import { connectActionName } from '../policy/vocabulary.ts';
import { askerOf, type CurrentPolicy } from './gate.ts';
import { noHistory } from '../policy/no-history.ts';
import type { Question } from '../policy/policy.ts';

export interface AdmissionContext {
  readonly policy: CurrentPolicy;
  readonly findTarget: (name: string) => Target | undefined;
}

/** One object for all connections: each request over HTTP asks whether it may connect, and what is decided about new objects is kept for each of them. */
const noFacts: Attributes = {};
/** Returns the action of connecting to a target. */
export function connectAction(protocol: string): Action {
  return { name: connectActionName(protocol), attributes: noFacts };
}

/**
 * Decides whether an identity may connect to a target with a protocol; if `protocol` is null, with the target's own. The obligations of the decision are for
 * later acts. A connection that policy would hold is refused, because there is no channel yet that could wait. Throws GatewayError `unknown_target` or
 * `refused`.
 */
export function admit(
  { policy, findTarget }: AdmissionContext,
  { identity, address }: { readonly identity: Identity; readonly address: string },
  name: string,
  protocol: string | null,
): { target: Target; question: Question; decision: Decision } {
  const target = findTarget(name);
  if (target === undefined) {
    throw new GatewayError('unknown_target', `There is no target "${name}" here for ${identity.principal.id}.`);
  }
  const question: Question = {
    asker: askerOf(identity, { session: null, address, history: noHistory }),
    target,
    // Policies know no action of another protocol at this target. Who comes with another one is refused below, and learns only what it may know.
    action: connectAction(target.protocol),
    timeMs: Date.now(),
  };
  const decision = policy().decide(question);
  if (decision.verdict !== 'allow') {
    throw new GatewayError('refused', decision.reason);
  }
  if (protocol !== null && target.protocol !== protocol) {
    const words = `The target "${target.name}" is one of ${target.protocol}: it is not reached by ${protocol}. countersign target list shows each with its protocol.`;
    throw new GatewayError('unknown_target', words);
  }
  return { target, question, decision };
}
