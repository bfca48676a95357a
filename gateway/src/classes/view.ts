/**
 * A part of a text that detectors look at. No value goes beyond it. `text` may be the decoded form of what was sent; positions in it are those of `text`.
 */
export interface View {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** The text before `from`, at most `contextUnits` of it. */
  readonly before: string;
  /** The kinds of all characters of the part, joined. */
  readonly traits: number;
}

/** Context words count in this many UTF-16 units before a value. */
export const contextUnits = 96;
