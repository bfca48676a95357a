import { align } from './align.ts';
import { compareSteps, type ComparedStep } from './compare.ts';
import { markDifferences, type MarkedPiece } from './mark-differences.ts';
import type { Step } from './steps.ts';

/** A request as it stands beside that of another session, with what differs in their texts. */
export interface SideBySide extends Omit<ComparedStep, 'change'> {
  /** `asked`: at the same place, something else was asked of the same target in the same way. */
  readonly change: ComparedStep['change'] | 'asked';
  /** Both requests, or both answers, as one text; null where they are the same or only one is there. */
  readonly asked: readonly MarkedPiece[] | null;
  readonly answer: readonly MarkedPiece[] | null;
}

/** Puts the requests of two sessions beside each other, in order. */
export function* sideBySide(a: readonly Step[], b: readonly Step[]): Generator<SideBySide> {
  const removed: ComparedStep[] = [];
  const added: ComparedStep[] = [];
  for (const step of compareSteps(a, b)) {
    if (step.change === 'removed' || step.change === 'added') {
      (step.change === 'removed' ? removed : added).push(step);
    } else {
      yield* replaced(removed.splice(0), added.splice(0));
      yield marked(step);
    }
  }
  yield* replaced(removed, added);
}

/** Pairs requests that came in place of others, by their targets and actions. */
function* replaced(removed: readonly ComparedStep[], added: readonly ComparedStep[]): Generator<SideBySide> {
  const keys = (steps: readonly ComparedStep[]): readonly string[] => steps.map(({ target, action }) => JSON.stringify([target, action]));
  for (const pair of align(keys(removed), keys(added))) {
    const first = pair.a === null ? undefined : removed[pair.a];
    const second = pair.b === null ? undefined : added[pair.b];
    const either = first ?? second;
    if (either !== undefined) {
      yield marked(first === undefined || second === undefined ? either : { ...first, change: 'asked', b: second.b });
    }
  }
}

function marked(step: Omit<SideBySide, 'asked' | 'answer'>): SideBySide {
  const { a, b, change } = step;
  const differ = (one: string | undefined, other: string | undefined): readonly MarkedPiece[] | null =>
    one === undefined || other === undefined || one === other ? null : markDifferences(one, other);
  return { ...step, asked: change === 'asked' ? differ(a?.asked, b?.asked) : null, answer: differ(a?.answer, b?.answer) };
}
