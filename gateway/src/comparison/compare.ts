import { align } from './align.ts';
import type { Step, StepCauses } from './steps.ts';

/** One request of the first session, of the second, or of both. */
export interface ComparedStep {
  /**
   * `answer`: both asked it and were answered differently. `cause`: both were answered the same, and their clients named different calls as the cause.
   * `unknown`: the content of one is not there for the reader, so that this is not known. `removed`: only the first asked it. `added`: only the second asked it.
   */
  readonly change: 'same' | 'answer' | 'cause' | 'unknown' | 'removed' | 'added';
  readonly target: string | null;
  readonly action: string | null;
  readonly a: ComparedSide | null;
  readonly b: ComparedSide | null;
}

export interface ComparedSide {
  readonly seq: number;
  readonly channel: number | null;
  /** The beginning of the request and of the answer, as a person reads them. */
  readonly asked: string;
  readonly answer: string;
  readonly causes: StepCauses;
}

/** Pairs the requests of two sessions by their text and target. */
export function compareSteps(a: readonly Step[], b: readonly Step[]): ComparedStep[] {
  const keys = (steps: readonly Step[]): string[] => steps.map(({ askedKey }) => askedKey);
  return align(keys(a), keys(b)).flatMap((pair) => {
    const first = pair.a === null ? undefined : a[pair.a];
    const second = pair.b === null ? undefined : b[pair.b];
    const either = first ?? second;
    return either === undefined ? [] : { change: changeOf(first, second), target: either.target, action: either.action, a: sideOf(first), b: sideOf(second) };
  });
}

function changeOf(a: Step | undefined, b: Step | undefined): ComparedStep['change'] {
  if (a === undefined || b === undefined) {
    return a === undefined ? 'added' : 'removed';
  }
  if (a.isHidden || b.isHidden) {
    return 'unknown';
  }
  if (a.answerKey !== b.answerKey) {
    return 'answer';
  }
  return isOther(a.callKey, b.callKey) || isOther(a.causedByKey, b.causedByKey) ? 'cause' : 'same';
}

/** True if both clients named a cause and these differ. A cause that is only likely depends on time and counts as no difference. */
function isOther(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && a !== b;
}

function sideOf(step: Step | undefined): ComparedSide | null {
  return step === undefined ? null : { seq: step.seq, channel: step.channel, asked: step.asked, answer: step.answer, causes: step.causes };
}
