import type { View } from './view.ts';

/** A detector calls this for each value. Positions are those of the text of the view. */
export type Take = (start: number, end: number) => void;

/** Finds the values of one class in a part of a text. It looks at each character a bounded number of times. */
export interface Detector {
  readonly name: string;
  /** One sentence for operators: what is found, and how it is validated. */
  readonly about: string;
  /** A value from documentation or of a range for tests. */
  readonly example: string;
  /** It looks only at parts that have a character of one of these kinds. */
  readonly traits: number;
  readonly find: (view: View, take: Take) => void;
}
