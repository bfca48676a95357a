import { GatewayError } from './errors.ts';
import type { MaskReport } from './masked.ts';
import type { Seen } from './seen.ts';

/** The source of a text that spells others, which stand elsewhere, in pieces: values cannot be found in it, and whoever joins the pieces has them. */
export const spelledSource: readonly string[] = ['~'];

/**
 * Changes a text of an answer, or of a request, before it is recorded and moves on. The same text always gives the same result. The protocol finds the texts:
 * values of columns, of JSON members, of plain bodies.
 */
export interface TextChange {
  /**
   * `sources` name where at the target the value comes from, each `SCHEMA.TABLE.COLUMN`, `/MEMBER/INDEX`, or `#NUMBER` for a column of a result of which the origin is not known; `*` is any column of the target, `/*` any member of its JSON. `=NAME` is no place: it says what else the value is called, such as the name of a header or of a field of a form. `!CLASS` is no place either: all of the value is of this class, because the protocol knows what it is. The names are as words that stand before the text, the nearest last. Absent: nothing but its text tells what it is.
   * `isDerived`: the value was made of those of its sources, in any way.
   */
  (text: string, sources?: readonly string[], isDerived?: boolean): string;
  /** Changes a long text in slices: what each step of it takes is bounded. Absent: a text of any length is changed in little time. */
  readonly inSlices?: (text: string, sources?: readonly string[], isDerived?: boolean) => Slices<string>;
  /** Returns whether every value of a source is changed, whatever it looks like. Absent: none is. */
  readonly covers?: (source: string) => boolean;
  /** Begins to change a text that comes in pieces, from one of these sources. If this is absent, such a text is held until it is whole. */
  readonly begin?: (sources?: readonly string[]) => TextStream;
  /** Returns what was masked since the last call, for the record of the texts; null if nothing was. Absent: the change masks no values of classes. */
  readonly report?: () => MaskReport | null;
  /** Present: this is a look, and no change. */
  readonly look?: Look;
}

/**
 * Makes of a change one that only looks: it returns each text as it is, and every piece at once. Where a mask would have an answer refused, because its texts
 * cannot be found, a look lets it pass and is told.
 */
interface Look {
  /** Called where the texts of the answer, or of a part of it, cannot be found. */
  readonly missed: () => void;
  /** Returns what was seen since the last call, for the record of the texts; null if nothing is to be said. */
  readonly seen: () => Seen | null;
  /** Called with bytes that pass before all of their texts are found, because a text may go on in bytes that follow. */
  readonly passed: (bytes: Uint8Array) => void;
  /** Returns what would be seen if no more came; null if nothing is to be said. A text that comes in pieces may have a value at its end, and is not looked at before more of it came. */
  readonly peek: () => Seen | null;
}

/** Returns the first of the sources that is a place; null if none is. */
export function placeIn(sources: readonly string[]): string | null {
  return sources.find((source) => !/^[=!]/.test(source)) ?? null;
}

/** Changes one text that comes in pieces. The results of all calls, joined, are the changed text. */
export interface TextStream {
  /** Takes the next piece. Returns the part of the changed text that no later piece can alter. */
  push(piece: string): string;
  /** Ends the text. Returns the rest of the changed text. */
  end(): string;
  /** Returns true if a part of the pushed text is held back. */
  isHolding(): boolean;
}

/** A text that is longer is changed in slices of so many characters. Hostile ones take up to 5 µs for each of them. */
export const sliceUnits = 8 * 1024;

/** A text takes as much time as so many characters beside its own. */
export const textUnits = 16;

/** Work that is done step by step, so that between two steps others can have their turn. */
export type Slices<Result> = Generator<undefined, Result, undefined>;

/** Changes a text slice by slice. */
export function* sliced(stream: Pick<TextStream, 'push'>, text: string): Slices<string> {
  let changed = '';
  for (let at = 0; at < text.length; at += sliceUnits) {
    changed += stream.push(text.slice(at, at + sliceUnits));
    yield;
  }
  return changed;
}

/** Applies all changes, one after the other, to long texts in slices. */
export function* changeInSlices(changes: readonly TextChange[], text: string, sources?: readonly string[], isDerived = false): Slices<string> {
  let changed = text;
  for (const change of changes) {
    changed =
      change.inSlices === undefined || changed.length <= sliceUnits ? change(changed, sources, isDerived) : yield* change.inSlices(changed, sources, isDerived);
  }
  return changed;
}

/** A text that is to be changed, with what is known of it. */
export interface AskedText {
  readonly text: string;
  readonly sources?: readonly string[] | undefined;
  readonly isDerived?: boolean;
}

/** Changes texts, in slices also if they are many. */
export function* changeAllInSlices(changes: readonly TextChange[], asked: readonly AskedText[]): Slices<readonly string[]> {
  const texts: string[] = [];
  let units = 0;
  for (const { text, sources, isDerived } of asked) {
    units += text.length + textUnits;
    if (units > sliceUnits) {
      units = 0;
      yield;
    }
    texts.push(yield* changeInSlices(changes, text, sources, isDerived));
  }
  return texts;
}

/** Applies all changes, one after the other. */
export function changeText(changes: readonly TextChange[], text: string, sources?: readonly string[], isDerived = false): string {
  let changed = text;
  for (const change of changes) {
    changed = change(changed, sources, isDerived);
  }
  return changed;
}

/**
 * Begins to change a text that comes in pieces. A text of which more than `charactersMax` characters are held back, because no change returns anything for
 * them, throws GatewayError `limit_exceeded`.
 */
export function beginText(changes: readonly TextChange[], charactersMax: number, sources?: readonly string[]): TextStream {
  const streams = changes.map((change) => change.begin?.(sources) ?? heldText(change));
  const isHolding = (): boolean => streams.some((stream) => stream.isHolding());
  let characters = 0;
  return {
    push: (piece) => {
      const changed = streams.reduce((text, stream) => stream.push(text), piece);
      characters = changed === '' && isHolding() ? characters + piece.length : 0;
      if (characters > charactersMax) {
        throw new GatewayError(
          'limit_exceeded',
          `Policy changes texts in answers of this target, and one that comes in pieces is longer than ${charactersMax} characters.`,
        );
      }
      return changed;
    },
    end: () => streams.reduce((text, stream) => stream.push(text) + stream.end(), ''),
    isHolding,
  };
}

function heldText(change: TextChange): TextStream {
  let held: string[] = [];
  return {
    push: (piece) => {
      if (piece !== '') {
        held.push(piece);
      }
      return '';
    },
    end: () => {
      const text = held.join('');
      held = [];
      return change(text);
    },
    isHolding: () => held.length > 0,
  };
}
