import { detectors } from './catalogue.ts';
import { boundary, digit, kinds, space } from './characters.ts';
import type { Detector } from './detector.ts';
import { contextUnits, type View } from './view.ts';

/** A value of a class in a text: positions are UTF-16 units of the `text` of the same `Settled`. */
export interface Found {
  /** The name of the class. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** True if the value began in an earlier piece that was settled already, as long keys and tokens do. */
  readonly isContinued: boolean;
}

/** A part of the text that no later piece can change. */
export interface Settled {
  readonly text: string;
  readonly found: readonly Found[];
}

/** A span in which no value ends before this many UTF-16 units is looked at in parts that overlap. So no more than this is held back. */
export const heldUnitsMax = 4096;
/** The distance from the begin of one part to the next. A value is found if it is at most this long. */
const strideUnits = heldUnitsMax / 2;
/** A part of a span shows detectors this many units before the first at which a value may begin. */
const lookBehindUnits = 512;
/** This much of the text before what is held is kept, for the context of values. */
const keptUnits = lookBehindUnits + contextUnits;

interface Candidate {
  readonly name: string;
  readonly rank: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Finds values in a text that comes in pieces. For every way to cut a text the joined results are the same.
 *
 * The text is divided into spans: words, joined where a space may stand within a value. A span is looked at when it is whole, and then it is settled; in prose,
 * only the last word is held back. Where spans end depends on the text alone, and what is found in a span depends on the span and on the text before it.
 */
export class TextScan {
  readonly #detectors: readonly Detector[];
  /** The kinds of characters without one of which no detector looks at a span. */
  readonly #wanted: number;
  /** The text that is not settled, and before it what is kept as context. Positions below are those of this text. */
  #text = '';
  #settledTo = 0;
  /** Up to here the text is divided into spans. */
  #at = 0;
  #spanStart = 0;
  /** Values that begin before here are found. It is in a span that is too long to be looked at as a whole, or at the start of the span. */
  #decidedTo = 0;
  #traits = 0;
  /** The end of the last value. */
  #takenTo = 0;

  /** Looks for values of these classes. Throws RangeError if there is no such class. */
  constructor(classes: readonly string[]) {
    const unknown = classes.find((name) => detectors.every((detector) => detector.name !== name));
    if (unknown !== undefined) {
      throw new RangeError(`there is no class ${unknown}`);
    }
    this.#detectors = detectors.filter(({ name }) => classes.includes(name));
    this.#wanted = this.#detectors.reduce((traits, detector) => traits | detector.traits, 0);
  }

  /** Takes the next piece. Returns what is settled by it. */
  push(piece: string): Settled {
    this.#forget();
    this.#text += piece;
    const found = this.#advance(false);
    const { length } = this.#text;
    const isCutPair = length > 0 && (this.#text.charCodeAt(length - 1) & 0xfc00) === 0xd800;
    return this.#settle(Math.min(Math.max(this.#decidedTo, this.#takenTo), isCutPair ? length - 1 : length), found);
  }

  /** Returns the rest. The text ends here. */
  end(): Settled {
    const found = this.#advance(true);
    return this.#settle(this.#text.length, found);
  }

  /** True if part of what was pushed is not settled. */
  isHolding(): boolean {
    return this.#settledTo < this.#text.length;
  }

  #settle(to: number, candidates: readonly Candidate[]): Settled {
    const from = this.#settledTo;
    this.#settledTo = to;
    return {
      text: this.#text.slice(from, to),
      found: candidates.map(({ name, start, end }) => ({ name, start: start - from, end: end - from, isContinued: false })),
    };
  }

  #forget(): void {
    const dropped = Math.min(this.#settledTo, this.#decidedTo) - keptUnits;
    if (dropped > 0) {
      this.#text = this.#text.slice(dropped);
      this.#settledTo -= dropped;
      this.#at -= dropped;
      this.#spanStart -= dropped;
      this.#decidedTo -= dropped;
      this.#takenTo -= dropped;
    }
  }

  /** Divides as much as can be divided. Returns the values in it. */
  #advance(isEnd: boolean): Candidate[] {
    const text = this.#text;
    const found: Candidate[] = [];
    let at = this.#at;
    let traits = this.#traits;
    for (;;) {
      const limit = Math.min(text.length, this.#decidedTo + heldUnitsMax);
      let kind = 0;
      while (at < limit) {
        kind = kinds[text.charCodeAt(at)] ?? boundary;
        if ((kind & (space | boundary)) !== 0) {
          break;
        }
        traits |= kind;
        at += 1;
      }
      if (at < limit) {
        const goesOn = (kind & space) === 0 ? false : this.#goesOn(at, isEnd);
        if (goesOn === null) {
          break;
        }
        if (goesOn) {
          traits |= kind;
          at += 1;
          continue;
        }
        this.#look(found, { traits, to: at, decideTo: at });
        at += 1;
        this.#spanStart = at;
        this.#decidedTo = at;
        traits = 0;
      } else if (at === text.length) {
        break;
      } else {
        this.#look(found, { traits, to: at, decideTo: this.#decidedTo + strideUnits });
        this.#decidedTo += strideUnits;
      }
    }
    if (isEnd) {
      this.#look(found, { traits, to: text.length, decideTo: text.length });
    }
    this.#at = at;
    this.#traits = traits;
    return found;
  }

  /** Says whether the span goes on behind a space. Null if that depends on the next piece. */
  #goesOn(at: number, isEnd: boolean): boolean | null {
    const before = at > this.#spanStart ? this.#text.charCodeAt(at - 1) : 0x20;
    if (((kinds[before] ?? 0) & digit) === 0 && before !== 0x29) {
      return false;
    }
    if (at + 1 === this.#text.length) {
      return isEnd ? false : null;
    }
    const next = this.#text.charCodeAt(at + 1);
    return ((kinds[next] ?? 0) & digit) !== 0 || next === 0x28 || next === 0x2b;
  }

  /** Finds the values of the span that begin between `#decidedTo` and `decideTo`. */
  #look(found: Candidate[], { traits, to, decideTo }: { readonly traits: number; readonly to: number; readonly decideTo: number }): void {
    if ((traits & this.#wanted) === 0) {
      return;
    }
    const from = Math.max(this.#spanStart, this.#decidedTo - lookBehindUnits);
    const view: View = { text: this.#text, from, to, before: this.#text.slice(Math.max(0, from - contextUnits), from), traits };
    const candidates: Candidate[] = [];
    this.#detectors.forEach((detector, rank) => {
      if ((detector.traits & traits) !== 0) {
        detector.find(view, (start, end) => {
          if (start >= this.#decidedTo && start < decideTo) {
            candidates.push({ name: detector.name, rank, start, end });
          }
        });
      }
    });
    candidates.sort((one, other) => one.start - other.start || other.end - one.end || one.rank - other.rank);
    for (const candidate of candidates) {
      // A value that begins within another one and goes beyond it is found from there on.
      const start = Math.max(candidate.start, this.#takenTo);
      if (start < candidate.end) {
        found.push({ ...candidate, start });
        this.#takenTo = candidate.end;
      }
    }
  }
}

/** Finds the values of these classes in a whole text. Throws RangeError if there is no such class. */
export function findIn(text: string, classes: readonly string[]): readonly Found[] {
  const scan = new TextScan(classes);
  const first = scan.push(text);
  const shift = first.text.length;
  return [...first.found, ...scan.end().found.map((found) => ({ ...found, start: found.start + shift, end: found.end + shift }))];
}
