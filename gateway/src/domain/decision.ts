import type { ApprovalAnswer } from './approval.ts';
import { GatewayError } from './errors.ts';
import type { Grant } from './grant.ts';

export type Verdict = 'allow' | 'deny' | 'hold';

/** A demand of policy beside its verdict. A control of the same kind carries it out. */
export interface Obligation {
  readonly kind: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The outcome of policy for one action, with the reasons for it. */
export interface Decision {
  readonly verdict: Verdict;
  /** The ids of the policies that led to the verdict. */
  readonly policies: readonly string[];
  readonly policyVersion: string;
  /** One sentence for the person or agent that asked. */
  readonly reason: string;
  readonly obligations: readonly Obligation[];
  /** The decision that would be made if policies that are only observed were enforced. Absent: the same. */
  readonly observed?: Observed;
  /** The approval on which the decision depends, or depended. Absent: the request was not held for one. */
  readonly approval?: ApprovalAnswer;
  /** The number of seconds, at least 1, after which a denied request would be allowed. Absent: waiting does not help, or nobody knows how long. */
  readonly retryAfterSeconds?: number;
  /**
   * The error that the client of a denied request gets instead of `refused`: `not_found`, so that it learns nothing about what belongs to others, or
   * `catching_up`, if the owner is not known yet.
   */
  readonly answeredAs?: 'not_found' | 'catching_up';
}

/** A decision that was not carried out. */
export type Observed = Pick<Decision, 'verdict' | 'policies' | 'reason'>;

/** The result of the gate: only an allowed request has a grant. */
export type Authorization = { readonly decision: Decision; readonly grant: Grant } | { readonly decision: Decision; readonly grant: null };

/** Makes the error that the client gets for a request that was denied, or that is held and not waited for. */
export function refusalOf({ verdict, reason, answeredAs, approval, retryAfterSeconds }: Decision): GatewayError {
  const code = answeredAs ?? (verdict === 'hold' ? 'held' : 'refused');
  const words = answeredAs === 'not_found' ? 'Nothing here has an id that the request names.' : reason;
  return new GatewayError(code, words, { ...(approval === undefined ? {} : { approval }), ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}
