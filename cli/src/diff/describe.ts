import { bold, dim, escapeControls } from '../terminal.ts';
import type { ComparedSide, ComparedStep } from './compare.ts';

/** Equal requests that are shown around a difference. */
const contextSteps = 3;
/** Of one request or one answer. */
const linesMax = 10;
const partings: Readonly<Record<ComparedStep['change'], string>> = {
  same: '',
  answer: 'it was answered differently',
  removed: 'only the first session asks it',
  added: 'only the second session asks it',
};

/** For people: how much is the same, where the sessions part, and all differences, like a unified diff. Controls escaped. */
export function* describeComparison(steps: readonly ComparedStep[]): Generator<string> {
  const parting = steps.findIndex(({ change }) => change !== 'same');
  const first = steps[parting];
  if (first === undefined) {
    yield bold(`${steps.length} requests: the same was asked and answered`);
    return;
  }
  const side = first.a ?? first.b;
  yield bold(`the first ${parting} requests and their answers are the same`);
  yield bold(`they part at ${escapeControls(`${headOf(first)} #${side?.seq ?? 0}`, 'nothing')}: ${partings[first.change]}`);
  let skipped = 0;
  for (const [i, step] of steps.entries()) {
    const isNear = steps.slice(Math.max(0, i - contextSteps), i + contextSteps + 1).some(({ change }) => change !== 'same');
    if (isNear) {
      yield* skippedLine(skipped);
      skipped = 0;
      yield* describeStep(step);
    } else {
      skipped += 1;
    }
  }
  yield* skippedLine(skipped);
}

function* skippedLine(count: number): Generator<string> {
  if (count > 0) {
    yield dim(`  … ${count} the same`);
  }
}

function* describeStep(step: ComparedStep): Generator<string> {
  const sides = [
    ['-', step.a],
    ['+', step.b],
  ] as const;
  const isBoth = step.change === 'same' || step.change === 'answer';
  if (isBoth) {
    yield* marked(' ', headOf(step), step.a?.asked ?? '');
  }
  for (const [mark, side] of sides) {
    if (side !== null && !isBoth) {
      yield* marked(mark, headOf(step), side.asked);
    }
    if (side !== null && step.change === 'answer') {
      yield* marked(mark, '', answerOf(side));
    }
  }
}

function headOf({ action, target }: ComparedStep): string {
  return [action ?? 'request', target].filter((part) => part !== null).join(' ');
}

function answerOf({ answer }: ComparedSide): string {
  return answer === '' ? '(no answer)' : answer.replace(/\n$/, '');
}

function* marked(mark: string, head: string, text: string): Generator<string> {
  if (head !== '') {
    yield `${mark} ${escapeControls(head, 'nothing')}`;
  }
  const lines = escapeControls(text, 'lines').split('\n');
  for (const line of lines.slice(0, linesMax)) {
    yield `${mark}     ${line}`;
  }
  if (lines.length > linesMax) {
    yield dim(`${mark}     … ${lines.length - linesMax} lines more`);
  }
}
