import { align, type ComparedSide, type ComparedStep } from '@countersign/gateway/comparison';
import { countOf } from '@countersign/gateway/count-of';
import { bold, dim, escapeControls } from '../terminal.ts';
import { aroundDifference } from './around-difference.ts';

/** Around a difference, this many equal requests or lines of an answer are shown on each side. */
const contextMax = 3;
/** Most lines of one request or one answer that are shown. */
const linesMax = 10;
/** Most differing lines of two answers that are shown. */
const differingLinesMax = 40;
/** Most characters of a differing line that are shown. */
const lineCharactersMax = 300;
const partings: Readonly<Record<ComparedStep['change'], string>> = {
  same: '',
  answer: 'it was answered differently',
  unknown: 'its content is not there for you, so that whether it is the same is not known',
  cause: 'its clients name different calls as its cause',
  removed: 'only the first session asks it',
  added: 'only the second session asks it',
};

/** Describes a comparison for people, like a unified diff: how much is the same, where the sessions part, and all differences. Controls are escaped. */
export function* describeComparison(steps: readonly ComparedStep[]): Generator<string> {
  const parting = steps.findIndex(({ change }) => change !== 'same');
  const first = steps[parting];
  if (first === undefined) {
    yield bold(`${steps.length} ${steps.length === 1 ? 'request' : 'requests'}: the same was asked and answered`);
    return;
  }
  const side = first.a ?? first.b;
  if (parting > 0) {
    yield bold(parting === 1 ? 'the first request and its answer are the same' : `the first ${parting} requests and their answers are the same`);
  }
  yield bold(`they part at ${escapeControls(`${headOf(first)} #${side?.seq ?? 0}`, 'nothing')}: ${partings[first.change]}`);
  for (const step of nearChanges(steps, ({ change }) => change !== 'same')) {
    if (typeof step === 'number') {
      yield dim(`  … ${step} the same`);
    } else {
      yield* describeStep(step);
    }
  }
}

/** Yields the changed items with up to `contextMax` neighbours on each side. Other items are replaced by their number. */
function* nearChanges<Item extends object>(items: readonly Item[], isChange: (item: Item) => boolean): Generator<Item | number> {
  let skipped = 0;
  for (const [i, item] of items.entries()) {
    if (!items.slice(Math.max(0, i - contextMax), i + contextMax + 1).some(isChange)) {
      skipped += 1;
      continue;
    }
    if (skipped > 0) {
      yield skipped;
      skipped = 0;
    }
    yield item;
  }
  if (skipped > 0) {
    yield skipped;
  }
}

function* describeStep(step: ComparedStep): Generator<string> {
  const { change, a, b } = step;
  if (a === null || b === null) {
    const side = a ?? b;
    yield* marked(a === null ? '+' : '-', [headOf(step), ...(side === null ? [] : causesOf(side))].join(' '), side?.asked ?? '');
    return;
  }
  const isOneCause = change !== 'cause' && knownOf(a) === knownOf(b);
  yield* marked(' ', [headOf(step), ...(isOneCause ? causesOf(a) : [])].join(' '), a.asked);
  if (!isOneCause) {
    yield causesLine('-', a);
    yield causesLine('+', b);
  }
  if (change === 'answer') {
    yield* differing(answerOf(a), answerOf(b));
  }
}

function headOf({ action, target }: ComparedStep): string {
  return [action ?? 'request', target].filter((part) => part !== null).join(' ');
}

/** Describes causes in the words of `session show`. */
function causesOf({ causes: { calls, likelyCalls, causedBy } }: ComparedSide): string[] {
  const said = [
    ['call', calls],
    ['likely_call', likelyCalls],
    ['caused_by', causedBy ?? []],
  ] as const;
  return said.flatMap(([name, value]) => (String(value) === '' ? [] : `${name}=${String(value)}`));
}

/** Says which kinds of cause are known. Ids and numbers are left out, since they differ in each session. */
function knownOf({ causes: { calls, likelyCalls, causedBy } }: ComparedSide): string {
  return JSON.stringify([calls.length > 0, likelyCalls.length > 0, causedBy !== null]);
}

function causesLine(mark: string, side: ComparedSide): string {
  return `${mark} ${escapeControls(causesOf(side).join(' ') || 'no cause is known', 'nothing')}`;
}

function answerOf({ answer }: ComparedSide): readonly string[] {
  return answer === '' ? ['(no answer)'] : answer.replace(/\n$/, '').split('\n');
}

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** Yields two answers line by line, like a unified diff. */
function* differing(a: readonly string[], b: readonly string[]): Generator<string> {
  const lines = align(a, b).map((pair): Line =>
    pair.b === null ? { mark: '-', text: a[pair.a ?? 0] ?? '' } : { mark: pair.a === null ? '+' : ' ', text: b[pair.b] ?? '' },
  );
  const isChange = ({ mark }: Line): boolean => mark !== ' ';
  if (!lines.some(isChange)) {
    yield dim('      … they part further on: session show has all of it');
    return;
  }
  let shown = 0;
  for (const line of nearChanges(
    lines.map((each, i) => parted(each, lines[i - 1], lines[i + 1])),
    isChange,
  )) {
    shown += 1;
    if (shown > differingLinesMax) {
      yield dim('      … and more');
      return;
    }
    yield typeof line === 'number'
      ? dim(`      … ${line} ${line === 1 ? 'line' : 'lines'} the same`)
      : `${line.mark}     ${escapeControls(line.text, 'lines')}`;
  }
}

/** Cuts a long line that replaces another one down to the part that differs. */
function parted(line: Line, before: Line | undefined, after: Line | undefined): Line {
  const other = line.mark === '-' && after?.mark === '+' ? after : line.mark === '+' && before?.mark === '-' ? before : null;
  const [text] = aroundDifference(line.text, other?.text ?? '', lineCharactersMax);
  return { ...line, text };
}

function* marked(mark: string, head: string, text: string): Generator<string> {
  yield `${mark} ${escapeControls(head, 'nothing')}`;
  const lines = escapeControls(text, 'lines').split('\n');
  for (const line of lines.slice(0, linesMax)) {
    yield `${mark}     ${line}`;
  }
  if (lines.length > linesMax) {
    yield dim(`${mark}     … ${countOf(lines.length - linesMax, 'line')} more`);
  }
}
