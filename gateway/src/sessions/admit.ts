import type { Action } from '../domain/action.ts';
import type { Decision } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Identity } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import { connectActionName } from '../policy/vocabulary.ts';
import { askerOf, type CurrentPolicy } from './gate.ts';
import { LiveHistory } from '../domain/session-history.ts';

export interface AdmissionContext {
  readonly policy: CurrentPolicy;
  readonly findTarget: (name: string) => Target | undefined;
}

/** Returns the action of connecting to a target. */
export function connectAction(protocol: string): Action {
  return { name: connectActionName(protocol), attributes: {} };
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
): { target: Target; decision: Decision } {
  const target = findTarget(name);
  if (target === undefined) {
    throw new GatewayError('unknown_target', `There is no target "${name}" here for ${identity.principal.id}.`);
  }
  const decision = policy().decide({
    asker: askerOf(identity, { session: null, address, history: new LiveHistory() }),
    target,
    action: connectAction(protocol ?? target.protocol),
    timeMs: Date.now(),
  });
  if (decision.verdict !== 'allow') {
    throw new GatewayError('refused', decision.reason);
  }
  if (protocol !== null && target.protocol !== protocol) {
    const words = `The target "${target.name}" is one of ${target.protocol}: it is not reached by ${protocol}. countersign target list shows each with its protocol.`;
    throw new GatewayError('unknown_target', words);
  }
  return { target, decision };
}
