import type { Hint } from './context.ts';

/** Context words count in this many UTF-16 units before a value. */
export const contextUnits = 96;

/** A part of a text that detectors look at. No value goes beyond it. */
export interface View {
  /** The part, or what it stands for once its encoding is undone. */
  readonly text: string;
  /** The text before it, at most `contextUnits` of it. */
  readonly before: string;
  /** True if the part begins within a span that is looked at in parts. */
  readonly isCut: boolean;
  /** True if the span goes on behind the part. */
  readonly goesOn: boolean;
  /** The kind of each character, and `boundary` behind the last one. Only as long as the part is looked at: all scans with a set of classes share it. */
  readonly kinds: Uint16Array;
  /** The kinds of all characters of the part, joined. */
  readonly traits: number;
  /** The number of digits among them. */
  readonly digits: number;
  /** Says what the words before a value say about it. */
  readonly hintAt: (start: number, end: number) => Hint;
  /** False if no word before a value of the part names the class, so that values which need one are not there. */
  readonly isNamed: (name: string) => boolean;
}

/** A part has at most so many UTF-16 units. */
export const partUnitsMax = 8192;

/** Returns the text before a position of a view, at most `contextUnits` of it. */
export function textBefore({ text, before }: View, position: number): string {
  const own = text.slice(Math.max(0, position - contextUnits), position);
  return own.length === contextUnits ? own : (before + own).slice(-contextUnits);
}
