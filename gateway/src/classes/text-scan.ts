import { unknownClass } from '../domain/seen.ts';
import { contextWords } from './catalogue.ts';
import { boundary, kinds, space } from './characters.ts';
import { ClassSet, readKinds } from './class-set.ts';
import { Context } from './context.ts';
import { OpenValue } from './open-value.ts';
import { endsPlainly, joins, lookAheadUnits } from './spans.ts';
import { contextUnits, type View } from './view.ts';

/** A value of a class in a text: positions are UTF-16 units of the `text` of the same `Settled`. */
export interface Found {
  /** The name of the class; `unknownClass` for a part of the text with so many encodings within one another that not all were undone. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** True if the value began in an earlier piece that was settled already, as long keys and tokens do. */
  readonly isContinued: boolean;
  /** The value with its encodings undone. Null: it is in none, or only a part of it is found. */
  readonly said: string | null;
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
/** A span in which a value of the operator may go on does so for this many units, so that not each of its words is looked at for that. */
const crossedUnits = 128;
/** This much of the text before what is held is kept, for the context of values: one unit more, because a word that begins before the context does not count. */
const keptUnits = contextUnits + 1;

/**
 * Finds values in a text that comes in pieces. For every way to cut a text the joined results are the same.
 *
 * The text is divided into spans: words, joined where a space may stand within a value. A span is looked at when it is whole, and then it is settled; in prose,
 * only the last word is held back. Where spans end depends on the text alone, and what is found in a span depends on the span and on the text before it.
 */
export class TextScan {
  readonly #classes: ClassSet;
  /** The text that is not settled, and before it what is kept as context. Positions below are those of this text. */
  #text = '';
  /** The length of the text before it, which is not kept. */
  #droppedUnits = 0;
  /** Null: nothing that was looked at needed its words. */
  #context: Context | null = null;
  #settledTo = 0;
  /** Up to here the text is divided into spans. */
  #at = 0;
  #spanStart = 0;
  /** Values that begin before here are found. It is in a span that is too long to be looked at as a whole, or at the start of the span. */
  #decidedTo = 0;
  #traits = 0;
  /** Up to here the span goes on, because a value of the operator may. */
  #crossesTo = 0;
  /** The end of the last value. */
  #takenTo = 0;

  /** A value that is settled in part and goes on. */
  #open: OpenValue | null = null;

  /** Looks for values of these classes. `before` are words that stand before the text, and are no part of it. Throws RangeError if there is no class of a name. */
  constructor(classes: readonly string[] | ClassSet, before = '') {
    this.#classes = classes instanceof ClassSet ? classes : new ClassSet(classes);
    this.#text = before === '' ? '' : `${before}: `;
    this.#settledTo = this.#text.length;
    this.#begin(this.#text.length);
  }

  /** Takes the next piece. Returns what is settled by it. */
  push(piece: string): Settled {
    this.#forget();
    this.#text = joined(this.#text, piece);
    const found = this.#advance(false);
    const { length } = this.#text;
    const isCutPair = length > 0 && (this.#text.charCodeAt(length - 1) & 0xfc00) === 0xd800;
    return this.#settle(Math.min(Math.max(this.#decidedTo, this.#takenTo), isCutPair ? length - 1 : length), found);
  }

  /** Takes the last piece. Returns the rest of the text with it. */
  endWith(piece: string): Settled {
    this.#forget();
    this.#text = joined(this.#text, piece);
    return this.end();
  }

  /** Returns the rest. The text ends here. */
  end(): Settled {
    const found = this.#advance(true);
    return this.#settle(this.#text.length, found);
  }

  /** Returns what more would be found if the text ended here. It goes on as if it had not been asked. */
  peek(): Settled {
    const text = this.#text;
    const found = this.isHolding() ? findIn(text, this.#classes).filter(({ end }) => end > this.#settledTo) : [];
    return { text, found };
  }

  /** True if part of what was pushed is not settled. */
  isHolding(): boolean {
    return this.#settledTo < this.#text.length;
  }

  #settle(to: number, values: readonly Value[]): Settled {
    const from = this.#settledTo;
    const found: Found[] = [];
    for (const { name, start, end, isContinued, said } of values) {
      const last = found.at(-1);
      if (isContinued && last?.name === name && last.end === start - from) {
        found[found.length - 1] = { ...last, end: end - from };
      } else {
        found.push({ name, start: start - from, end: end - from, isContinued, said });
      }
    }
    this.#settledTo = to;
    return { text: this.#text.slice(from, to), found };
  }

  #forget(): void {
    const isCut = this.#decidedTo > this.#spanStart;
    const dropped = Math.min(this.#settledTo, this.#decidedTo) - keptUnits - (isCut ? lookBehindUnits : 0);
    if (dropped > 0) {
      this.#text = this.#text.slice(dropped);
      this.#droppedUnits += dropped;
      this.#settledTo -= dropped;
      this.#at -= dropped;
      this.#spanStart -= dropped;
      this.#crossesTo -= dropped;
      this.#decidedTo -= dropped;
      this.#takenTo -= dropped;
    }
  }

  /** Divides as much as can be divided. Returns the values in it. */
  #advance(isEnd: boolean): Value[] {
    const text = this.#text;
    const found: Value[] = [];
    for (;;) {
      if (this.#open !== null) {
        this.#follow(found, this.#open);
      }
      const limit = Math.min(text.length, this.#decidedTo + heldUnitsMax);
      let at = this.#at;
      let traits = this.#traits;
      let kind = 0;
      while (at < limit) {
        kind = kinds[text.charCodeAt(at)] ?? boundary;
        if ((kind & (space | boundary)) !== 0) {
          break;
        }
        traits |= kind;
        at += 1;
      }
      this.#at = at;
      this.#traits = traits;
      if (at < limit) {
        const goesOn = this.#goesOn(isEnd);
        if (goesOn === null) {
          return found;
        }
        if (goesOn) {
          this.#traits |= kind;
          this.#at += 1;
        } else if (!this.#look(found, { to: at, decideTo: at })) {
          this.#begin(at + 1);
        }
      } else if (at < text.length) {
        if (!this.#look(found, { to: at, decideTo: this.#decidedTo + strideUnits })) {
          this.#decidedTo += strideUnits;
        }
      } else if (!isEnd || !this.#look(found, { to: at, decideTo: at })) {
        return found;
      }
    }
  }

  /** Says whether the span goes on behind the character that may end it. Null if that depends on what follows the text. */
  #goesOn(isEnd: boolean): boolean | null {
    const text = this.#text;
    const at = this.#at;
    const start = this.#spanStart;
    const traits = this.#traits;
    // Where what follows can't be awaited without holding back too much, the span goes on, and is looked at in parts.
    if (at + lookAheadUnits > this.#decidedTo + heldUnitsMax) {
      return true;
    }
    const goesOn = at < this.#crossesTo || (endsPlainly(text, at, traits) ? false : joins({ text, start, at, isEnd }));
    if (goesOn !== true && this.#classes.hasOwn && this.#classes.mayCross(text, { start, at, traits })) {
      this.#crossesTo = at + crossedUnits;
      return true;
    }
    return goesOn;
  }

  /** Begins a new span. */
  #begin(at: number): void {
    this.#at = at;
    this.#spanStart = at;
    this.#crossesTo = at;
    this.#decidedTo = at;
    this.#traits = 0;
  }

  /** Adds what belongs to the open value. */
  #follow(found: Value[], open: OpenValue): void {
    const start = this.#at;
    const end = open.follow(this.#text, start);
    if (end > start) {
      found.push({ name: open.name, start, end, isContinued: true, said: null });
    }
    if (open.isEnded) {
      this.#open = null;
    }
    this.#begin(end);
  }

  /** Returns the words of what is looked at, and of the text before it. */
  #readContext(from: number, to: number): Context {
    const shift = this.#droppedUnits;
    this.#context ??= new Context(contextWords);
    this.#context.forget(shift + from);
    this.#context.read(this.#text, shift, { from: shift + from, to: shift + to });
    return this.#context;
  }

  /** Finds the values of the span that begin between `#decidedTo` and `decideTo`. Returns true if one of them is open: the span ends with what is known of it. */
  #look(found: Value[], { to, decideTo }: { readonly to: number; readonly decideTo: number }): boolean {
    const from = Math.max(this.#spanStart, this.#decidedTo - lookBehindUnits);
    if (!this.#classes.mayHold(this.#traits, to - from)) {
      return false;
    }
    const digits = readKinds(this.#text, from, to, this.#classes.kinds);
    if (!this.#classes.mayHoldDigits(this.#traits, to - from, digits)) {
      return false;
    }
    const view: View = {
      text: this.#text.slice(from, to),
      before: this.#text.slice(Math.max(0, from - contextUnits), from),
      isCut: from > this.#spanStart,
      goesOn: decideTo < to,
      kinds: this.#classes.kinds,
      traits: this.#traits,
      digits,
      hintAt: (start, end) => this.#readContext(from, to).hintAt(this.#droppedUnits + from + start, this.#droppedUnits + from + end),
      isNamed: (name) => this.#readContext(from, to).isNamed(this.#droppedUnits + from, name),
    };
    const candidates = this.#classes.look(view);
    if (candidates === null) {
      found.push({ name: unknownClass, start: Math.max(this.#decidedTo, this.#takenTo), end: to, isContinued: false, said: null });
      this.#takenTo = to;
      return false;
    }
    for (const candidate of candidates) {
      const begin = candidate.start + from;
      const end = candidate.end + from;
      // A value that begins within another one and goes beyond it is found from there on.
      const start = Math.max(begin, this.#takenTo);
      if (begin < this.#decidedTo || begin >= decideTo || start >= end) {
        continue;
      }
      found.push({ name: candidate.name, start, end, isContinued: false, said: start === begin ? candidate.said : null });
      this.#takenTo = end;
      // A key goes on always, a token if it ends where the part of a span does.
      if (candidate.open === 'key' || (candidate.open === 'token' && end === to && decideTo < to)) {
        this.#open = new OpenValue(candidate.name, candidate.open);
        this.#begin(end);
        return true;
      }
    }
    return false;
  }
}

/** A value with its place in the text that is kept. */
type Value = Found;

/** Joins two texts into one that V8 keeps in one piece. What `+` makes is slower to read, character by character. */
function joined(first: string, second: string): string {
  return first === '' ? second : [first, second].join('');
}

/** Finds the values of these classes in a whole text. Throws RangeError if there is no such class. */
export function findIn(text: string, classes: readonly string[] | ClassSet): readonly Found[] {
  return new TextScan(classes).endWith(text).found;
}
