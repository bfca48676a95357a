import { boundary, kinds, space } from './characters.ts';
import { isWordAt } from './word-list.ts';

/**
 * The patterns of operators. They have the syntax of regular expressions without what cannot be matched in one pass: no references to groups, nothing that looks
 * ahead or behind. A pattern becomes an automaton, so that a hostile text costs no more than any other.
 */

/** A pattern of more states is refused: {n} repeats what is before it. */
const statesMax = 2_000;
/** A value of a pattern has at most so many UTF-16 units. */
const patternUnitsMax = 256;
/** So many sets of states are remembered. */
const rememberedMax = 2_000;

/** A pattern cannot be used. The message says why, for whoever wrote it. */
class PatternError extends Error {}

type Range = readonly [from: number, to: number];

/** A part of a pattern. */
type Node =
  | { readonly kind: 'units'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number };

const last = 0xffff;
const digits: readonly Range[] = [[0x30, 0x39]];
const words: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const spaces: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
];

function withoutRanges(ranges: readonly Range[]): Range[] {
  let next = 0;
  const rest: Range[] = [];
  for (const [from, to] of ranges.toSorted((one, other) => one[0] - other[0])) {
    if (from > next) {
      rest.push([next, from - 1]);
    }
    next = Math.max(next, to + 1);
  }
  return next > last ? rest : [...rest, [next, last]];
}

const classes: ReadonlyMap<string, readonly Range[]> = new Map([
  ['d', digits],
  ['w', words],
  ['s', spaces],
  ['D', withoutRanges(digits)],
  ['W', withoutRanges(words)],
  ['S', withoutRanges(spaces)],
  ['n', [[0x0a, 0x0a]]],
  ['r', [[0x0d, 0x0d]]],
  ['t', [[0x09, 0x09]]],
]);

/** Reads a pattern by descent. */
class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Throws PatternError. */
  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#text.length) {
      throw this.#error('a ) without its (');
    }
    return node;
  }

  #error(why: string): PatternError {
    return new PatternError(`at character ${this.#at + 1}: ${why}`);
  }

  #takes(character: string): boolean {
    const isThere = this.#text[this.#at] === character;
    this.#at += isThere ? 1 : 0;
    return isThere;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#takes('|')) {
      parts.push(this.#sequence());
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')') {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: 'sequence', parts };
  }

  #repeated(part: Node): Node {
    const [whole, low = '', comma, high = ''] = /^(?:\?|\*|\+|\{(\d{1,4})(,)?(\d{1,4})?\})/.exec(this.#text.slice(this.#at)) ?? [];
    if (whole === undefined) {
      if (this.#text[this.#at] === '{') {
        throw this.#error('{ repeats what is before it, as {6} or {2,4}; \\{ stands for itself');
      }
      return part;
    }
    this.#at += whole.length;
    const open = Number.POSITIVE_INFINITY;
    const least = whole === '+' ? 1 : low === '' ? 0 : Number(low);
    const most = whole === '?' ? 1 : low === '' ? open : comma === undefined ? least : high === '' ? open : Number(high);
    if (most < least) {
      throw this.#error('{n,m} has the smaller number first');
    }
    if (/[?*+{]/.test(this.#text[this.#at] ?? '')) {
      throw this.#error('a repetition of a repetition is not supported: the longest value counts always');
    }
    return { kind: 'repeat', part, least, most };
  }

  #atom(): Node {
    const character = this.#text[this.#at] ?? '';
    this.#at += 1;
    switch (character) {
      case '\b':
        throw this.#error('this is a backspace, as "\\b" is in double quotes in YAML: write the pattern in single quotes');
      case '(': {
        if (this.#takes('?') && !this.#takes(':')) {
          throw this.#error('(?…) is not supported: what looks ahead or behind cannot be matched in one pass');
        }
        const node = this.#choice();
        if (!this.#takes(')')) {
          throw this.#error('a ( without its )');
        }
        return node;
      }
      case '[':
        return this.#set();
      case '.':
        return {
          kind: 'units',
          ranges: withoutRanges([
            [0x0a, 0x0a],
            [0x0d, 0x0d],
          ]),
        };
      case '^':
      case '$':
        throw this.#error(`${character} is not supported: a value is found anywhere in a text; \\b at the begin or end asks for a whole word`);
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.#error(`${character} has nothing before it to repeat`);
      case '\\':
        return { kind: 'units', ranges: this.#escape() };
      default:
        return { kind: 'units', ranges: [[character.charCodeAt(0), character.charCodeAt(0)]] };
    }
  }

  #escape(): readonly Range[] {
    const letter = this.#text[this.#at] ?? '';
    this.#at += 1;
    const known = classes.get(letter);
    if (known !== undefined) {
      return known;
    }
    if (letter === 'u') {
      const hex = this.#text.slice(this.#at, this.#at + 4);
      if (/^[0-9a-f]{4}$/i.test(hex)) {
        this.#at += 4;
        return [[Number.parseInt(hex, 16), Number.parseInt(hex, 16)]];
      }
    }
    if (letter === '' || /[A-Za-z0-9]/.test(letter)) {
      throw this.#error(/[0-9k]/.test(letter) ? 'a reference to a group is not supported: it cannot be matched in one pass' : `\\${letter} is not supported`);
    }
    return [[letter.charCodeAt(0), letter.charCodeAt(0)]];
  }

  #set(): Node {
    const isWithout = this.#takes('^');
    const ranges: Range[] = [];
    while (this.#text[this.#at] !== ']') {
      if (this.#at >= this.#text.length) {
        throw this.#error('a [ without its ]');
      }
      const from = this.#unitOfSet();
      if (from.length === 1 && from[0] !== undefined && from[0][0] === from[0][1] && this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']') {
        this.#at += 1;
        const [to] = this.#unitOfSet();
        if (to === undefined || to[0] !== to[1] || to[0] < from[0][0]) {
          throw this.#error('a range has the smaller character first');
        }
        ranges.push([from[0][0], to[0]]);
      } else {
        ranges.push(...from);
      }
    }
    this.#at += 1;
    return { kind: 'units', ranges: isWithout ? withoutRanges(ranges) : ranges };
  }

  #unitOfSet(): readonly Range[] {
    if (this.#takes('\\')) {
      return this.#escape();
    }
    const unit = this.#text.charCodeAt(this.#at);
    this.#at += 1;
    return [[unit, unit]];
  }
}

/** A state of the automaton: one of its ranges leads to the next one, or it leads to others without any unit. */
interface State {
  readonly ranges: readonly Range[];
  readonly next: number;
  readonly others: readonly number[];
}

const accepting = 0;

/** A set of states in which a match can be. */
interface Place {
  readonly states: readonly number[];
  readonly isAccepting: boolean;
  readonly next: Map<number, Place>;
}

/** True for a range of what is between values alone. */
function isBetweenValues([from, to]: Range): boolean {
  for (let unit = from; unit <= to; unit += 1) {
    if (((kinds[unit] ?? 0) & (space | boundary)) === 0) {
      return false;
    }
  }
  return true;
}

/** Returns why a pattern cannot be used, or null. */
export function faultOfPattern(source: string): string | null {
  try {
    void new Pattern(source);
    return null;
  } catch (error) {
    if (error instanceof PatternError) {
      return error.message;
    }
    throw error;
  }
}

/** Finds the values of a pattern. */
export class Pattern {
  readonly #states: State[] = [{ ranges: [], next: 0, others: [] }];
  readonly #start: number;
  readonly #isWordStart: boolean;
  readonly #isWordEnd: boolean;
  readonly #places = new Map<string, Place>();
  readonly #first: Place;

  /** Throws PatternError. */
  constructor(source: string) {
    this.#isWordStart = source.startsWith('\\b');
    this.#isWordEnd = source.length > 2 && source.endsWith('\\b');
    const node = new Parser(source.slice(this.#isWordStart ? 2 : 0, this.#isWordEnd ? -2 : undefined)).parse();
    this.#start = this.#build(node, accepting);
    this.#first = this.#place(new Set([this.#start]));
    if (this.#first.isAccepting) {
      throw new PatternError('it matches nothing too: write what a value has at least');
    }
    if (this.#first.states.every((at) => (this.#states[at]?.ranges ?? []).every(isBetweenValues))) {
      throw new PatternError('a value begins with a letter, a digit or a mark, and with no space, quote, comma or bracket');
    }
  }

  #add(state: State): number {
    if (this.#states.length >= statesMax) {
      throw new PatternError(`it is too long: its repetitions make more than ${statesMax} states`);
    }
    return this.#states.push(state) - 1;
  }

  /** Adds the states of a part in front of those that follow it. Returns the first. */
  #build(node: Node, next: number): number {
    switch (node.kind) {
      case 'units':
        return this.#add({ ranges: node.ranges, next, others: [] });
      case 'sequence':
        return node.parts.reduceRight((following, part) => this.#build(part, following), next);
      case 'choice':
        return this.#add({ ranges: [], next: 0, others: node.parts.map((part) => this.#build(part, next)) });
      case 'repeat':
        return this.#buildRepeat(node, next);
    }
    return next;
  }

  #buildRepeat({ part, least, most }: Extract<Node, { readonly kind: 'repeat' }>, next: number): number {
    let following = next;
    if (most === Number.POSITIVE_INFINITY) {
      const others = [next];
      following = this.#add({ ranges: [], next: 0, others });
      others.push(this.#build(part, following));
    } else {
      for (let i = least; i < most; i += 1) {
        following = this.#add({ ranges: [], next: 0, others: [this.#build(part, following), next] });
      }
    }
    for (let i = 0; i < least; i += 1) {
      following = this.#build(part, following);
    }
    return following;
  }

  /** Returns the place of these states and of all that they lead to without a unit. */
  #place(seeds: ReadonlySet<number>): Place {
    const all = new Set<number>();
    const waiting = [...seeds];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (!all.has(at)) {
        all.add(at);
        waiting.push(...(this.#states[at]?.others ?? []));
      }
    }
    const states = [...all].filter((at) => at === accepting || (this.#states[at]?.ranges.length ?? 0) > 0).toSorted((one, other) => one - other);
    const key = states.join();
    const known = this.#places.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#places.size >= rememberedMax) {
      this.#places.clear();
    }
    const place: Place = { states, isAccepting: states[0] === accepting, next: new Map() };
    this.#places.set(key, place);
    return place;
  }

  #step(place: Place, unit: number): Place {
    const known = place.next.get(unit);
    if (known !== undefined) {
      return known;
    }
    const reached = new Set<number>();
    for (const at of place.states) {
      const state = this.#states[at];
      if (state?.ranges.some(([from, to]) => unit >= from && unit <= to) === true) {
        reached.add(state.next);
      }
    }
    const next = this.#place(reached);
    if (place.next.size >= rememberedMax) {
      place.next.clear();
    }
    place.next.set(unit, next);
    return next;
  }

  /** Calls `take` with the values of a text: of those that begin first the longest, and then what is behind it. */
  find(text: string, take: (start: number, end: number) => void): void {
    // Before each unit up to `trailEnd`, the place of the last begin, from which there was no value.
    const trail: Place[] = [];
    let trailEnd = -1;
    for (let start = 0; start < text.length; start += 1) {
      if (this.#isWordStart && start > 0 && isWordAt(text, start - 1)) {
        continue;
      }
      let place = this.#first;
      let end = -1;
      let i = start;
      while (i < text.length && i - start < patternUnitsMax && place.states.length > 0) {
        if (i < trailEnd && trail[i] === place) {
          // From here on it goes the way of that begin, on which there is no value.
          i = trailEnd;
          place = trail[i] ?? place;
          continue;
        }
        trail[i] = place;
        place = this.#step(place, text.charCodeAt(i));
        i += 1;
        if (place.isAccepting && !(this.#isWordEnd && i < text.length && isWordAt(text, i))) {
          end = i;
        }
      }
      trail[i] = place;
      trailEnd = end === -1 ? i : -1;
      if (end !== -1) {
        take(start, end);
        start = end - 1;
      }
    }
  }

  /** True if a value may have begun between `start` and `at` and go on behind the unit at `at`. */
  mayCross(text: string, start: number, at: number): boolean {
    // Places of values with different begins stay apart: joined to one, they would be too many to be remembered.
    let places = new Set<Place>();
    for (let i = Math.max(start, at + 1 - patternUnitsMax); i <= at; i += 1) {
      const unit = text.charCodeAt(i);
      const reached = new Set<Place>();
      for (const place of places.add(this.#first)) {
        const next = this.#step(place, unit);
        if (next.states.length > 0) {
          reached.add(next);
        }
      }
      places = reached;
    }
    return places.values().some(({ states }) => states.some((state) => state !== accepting));
  }
}
