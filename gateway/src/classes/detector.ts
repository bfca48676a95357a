import type { Strength } from './context.ts';
import type { View } from './view.ts';

/**
 * A value may go on behind the view. A `token` does if it ends where the view ends, for as long as characters of tokens follow; a `key` has only begun, and ends
 * with its last line.
 */
export type Open = 'token' | 'key';

/** A detector calls this for each value. Positions are those of the text of the view. */
export type Take = (start: number, end: number, strength: Strength, open?: Open) => void;

/** A class of data that is there without any configuration. */
export interface BuiltIn {
  readonly name: string;
  /** One sentence or two for operators: what is found, and how it is validated. */
  readonly about: string;
  /** A value from documentation or of a range for tests, with a context word if it needs one. */
  readonly example: string;
  /** Words before a value that name the class, in lower case. One of 5 letters or more also counts as the beginning of a word. */
  readonly words?: readonly string[];
}

/** Finds the values of one class in a part of a text. It looks at each character a bounded number of times. */
export interface Detector extends BuiltIn {
  /** It looks only at parts that have a character of one of these kinds, and one of the others. */
  readonly traits: number;
  readonly otherTraits: number;
  /** It looks only at parts that have so many units. */
  readonly unitsMin: number;
  /** It looks only at parts that have so many digits. */
  readonly digitsMin: number;
  readonly find: (view: View, take: Take) => void;
}

/** A class whose values have one of a few forms. All classes of this kind are found in one pass (`identifiers.ts`). */
export interface Identifier extends BuiltIn {
  /**
   * The forms by strength, separated by `|`. `0` stands for a digit, `A` for a letter, `X` for either; other characters stand for themselves. A form has at most
   * 32 characters.
   */
  readonly forms: Readonly<Partial<Record<Strength, string>>>;
  /** Says whether letters and digits of a value, without separators and in upper case, are valid in a form of this strength. */
  readonly isValid: (code: string, strength: Strength) => boolean;
}
