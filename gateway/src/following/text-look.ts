import type { ClassSet } from '../classes/class-set.ts';
import type { NestedClasses } from '../classes/class-sets.ts';
import { namedPlace } from '../classes/named-place.ts';
import { TextScan, type Settled } from '../classes/text-scan.ts';
import { WholeTexts } from '../classes/whole-texts.ts';
import { followedMax } from '../domain/followed-values.ts';
import { unknownClass, type Seen, type SeenValue } from '../domain/seen.ts';
import { placeIn, sliced, spelledSource, type Slices, type TextChange, type TextStream } from '../domain/text-change.ts';
import { PassedText } from './passed-text.ts';
import type { Prints } from './prints.ts';

/** Most values of one report: one more than are followed, so that the session knows that it saw more. */
const reportedMax = followedMax + 1;

/** Any column, and any member, of a target. */
const anyColumn = '*';
const anyMember = '/*';
const noNames: readonly string[] = [];

export interface LookParts {
  readonly prints: Prints;
  /** Returns the classes that are looked for in texts, with those within them. */
  readonly nestedClasses: (names: readonly string[]) => NestedClasses;
  /** Returns the classes of a value of a target by one of its sources. */
  readonly classesOf: (target: string, source: string) => readonly string[];
}

/** Makes a look for values of these classes in the texts of one answer of a target. */
export function textLook(names: readonly string[], target: string, { prints, nestedClasses, classesOf }: LookParts): TextChange {
  const { set: classes, namesOf } = nestedClasses(names);
  const whole = new WholeTexts(classes);
  let found = new Set<string>();
  let values = new Map<string, SeenValue>();
  let isMissed = false;
  let isMissTold = false;
  /** The texts that come in pieces and have not ended, with their sources. */
  const open = new Map<TextScan, readonly string[] | undefined>();
  const passed = new PassedText(classes);
  const note = (name: string, value: string, sources: readonly string[] = []): void => {
    found.add(name);
    const print = values.size < reportedMax ? prints.of(value) : null;
    if (print !== null) {
      values.set(`${name} ${print}`, { name, print, source: sourceOf(target, sources, classes) });
    }
  };
  const noteFound = ({ text, found: settled }: Settled, sources?: readonly string[]): void => {
    for (const { name, start, end, isContinued, said } of settled) {
      isMissed ||= name === unknownClass;
      if (!isContinued) {
        for (const each of namesOf(name)) {
          note(each, said ?? text.slice(start, end), sources);
        }
      }
    }
  };
  const isPlaced = [anyColumn, anyMember].some((source) => classesOf(target, source).length > 0);
  const mayBePlaced = (sources: readonly string[]): boolean => isPlaced || sources.some((source) => source.startsWith('!'));
  const classesBy = (sources: readonly string[]): readonly string[] =>
    mayBePlaced(sources) ? sources.flatMap((source) => classesOf(target, source)).filter((name) => names.includes(name)) : noNames;
  const noteSources = (text: string, sources: readonly string[]): void => {
    for (const name of mayBePlaced(sources) ? new Set(classesBy(sources)) : noNames) {
      const isOf = (source: string): boolean => classesOf(target, source).includes(name);
      // Where the protocol knows the class, the places of the value are places of it.
      const isKnown = sources.some((source) => source.startsWith('!') && isOf(source));
      note(name, text, isKnown ? sources : sources.filter(isOf));
    }
  };
  const look = (text: string, sources: readonly string[] = []): string => {
    if (sources === spelledSource) {
      return text;
    }
    noteSources(text, sources);
    const looked = whole.look(text, sources);
    if (looked !== null) {
      noteFound(looked, sources);
    }
    return text;
  };
  const peek = (): Seen | null => {
    const told = [found, values] as const;
    found = new Set();
    values = new Map();
    for (const [scan, sources] of open) {
      noteFound(scan.peek(), sources);
    }
    for (const each of passed.look()) {
      noteFound(each);
    }
    const peeked = found.size === 0 ? null : { classes: [...found].toSorted(), values: [...values.values()], isInspected: true };
    [found, values] = told;
    return peeked;
  };
  const seen = (): Seen | null => {
    const isMissNew = isMissed && !isMissTold;
    if (found.size === 0 && !isMissNew) {
      return null;
    }
    const told = { classes: [...found].toSorted(), values: [...values.values()], isInspected: !isMissNew };
    found = new Set();
    values = new Map();
    isMissTold = isMissed;
    return told;
  };
  const begin = (sources?: readonly string[]): TextStream => {
    const scan = new TextScan(classes, classes.words.of(sources));
    open.set(scan, sources);
    const push = (piece: string): string => {
      noteFound(scan.push(piece), sources);
      return piece;
    };
    const end = (): string => {
      open.delete(scan);
      noteFound(scan.end(), sources);
      return '';
    };
    return { push, end, isHolding: () => false };
  };
  function* inSlices(text: string, sources: readonly string[] = []): Slices<string> {
    if (sources === spelledSource) {
      return text;
    }
    noteSources(text, sources);
    const stream = begin(sources);
    yield* sliced(stream, text);
    stream.end();
    return text;
  }
  return Object.assign(look, {
    begin,
    inSlices,
    covers: (source: string) => classesBy([source]).length > 0,
    look: {
      missed: () => {
        isMissed = true;
      },
      seen,
      passed: (bytes: Uint8Array) => {
        passed.add(bytes);
      },
      peek,
    },
  });
}

/** Names the first of the sources of a value: members of lists are not told apart. */
function sourceOf(target: string, sources: readonly string[], classes: ClassSet): string {
  const source = placeIn(sources);
  return source === null || source.startsWith('#')
    ? target
    : source.startsWith('/')
      ? `${target}:${namedPlace(source, classes).replaceAll(/\/\d+(?=\/|$)/g, '/*')}`
      : `${target}/${source}`;
}
