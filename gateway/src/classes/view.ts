import type { Strength, Support } from './context.ts';

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
  /** The kinds of all characters of the part, joined. */
  readonly traits: number;
  /** Says how much the words before a position speak for a value there. */
  readonly supportOf: (position: number, value: { readonly name: string; readonly strength: Strength }) => Support;
}

/** Returns the text before a position of a view, at most `contextUnits` of it. */
export function textBefore({ text, before }: View, position: number): string {
  const own = text.slice(Math.max(0, position - contextUnits), position);
  return own.length === contextUnits ? own : (before + own).slice(-contextUnits);
}
