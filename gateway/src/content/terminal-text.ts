import { GatewayError } from '../domain/errors.ts';
import { beginText, changeText, type TextChange, type TextStream } from '../domain/text-change.ts';

/** Most characters of a line, or of an escape sequence, that are held back. */
const heldCharactersMax = 64 * 1024;
/** Most typed characters that a terminal may still echo. */
const echoCharactersMax = 1_024;

/** A sequence that titles a window or sets something by a text, up to its end. */
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const textSequence = /\u001b[\]PX^_]([^\u0007\u001b\u009c]*)(?:\u0007|\u001b\\|\u009c)/y;
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const controlSequence = /\u001b\[[0-?]*[ -/]*[@-~]/y;
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const otherSequence = /\u001b(?:[ -/]+[0-~]|[0-OQ-WYZ\\`-~])/y;
/** A sequence that has begun, and of which the end has not come. */
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const begunSequence = /\u001b(?:\[[0-?]*[ -/]*|[\]PX^_][^\u0007\u001b\u009c]*\u001b?|[ -/]*)$/;
/** Sequences that leave the place of the next character as it is: colours, modes, erasing behind it, sets of characters. */
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const staying = /^\u001b(?:\[[0-?]*[ -/]*[mKhlnctpq]|[()*+].|[=>])$/;
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const seen = /[^\u0000-\u0008\u000a-\u001f\u007f-\u009f]+/y;
/** Control characters that move nothing. */
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const silent = /[\u0000-\u0007\u000e-\u001a\u001c-\u001f\u007f-\u009f]/;
/** A word with the blanks behind it. Between two of them a text is given to the changes, so that it is known where each value was. */
const piece = /\s*\S+\s+|\s+|\s*\S+$/gu;
const joining = /\p{M}/u;
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** A part of what waits: text that is seen, or a sequence that is not. */
interface Part {
  readonly text: string;
  readonly isSeen: boolean;
  /** True for a sequence that has been released. */
  isReleased: boolean;
}

/**
 * Changes the output of a program in a terminal. Values are found in what is seen, whatever colours it has, within one line as it is written: a program that draws
 * a value piece by piece at other places is not seen through. What takes the place of a value has as many columns as it, so that the screen stays as the program
 * thinks it is. Text that may be the beginning of a value waits for what follows; what somebody has typed is echoed at once, and once more is typed, nothing waits.
 */
export class TerminalText implements TextStream {
  readonly #changes: readonly TextChange[];
  #stream: TextStream;
  /** The sequence that has begun. */
  #begun = '';
  #parts: Part[] = [];
  /** The seen text of the parts, and the number of its characters that have been released. */
  #text = '';
  #released = 0;
  /** The text as the changes have given it back so far. */
  #changed = '';
  /** Typed characters that have not been echoed. */
  #typed = '';

  constructor(changes: readonly TextChange[]) {
    this.#changes = changes;
    this.#stream = beginText(changes, heldCharactersMax);
  }

  /** Throws GatewayError `limit_exceeded`. */
  push(output: string): string {
    const text = this.#begun + output;
    this.#begun = '';
    let released = '';
    for (let at = 0; at < text.length;) {
      const plain = matchedAt(seen, text, at)?.[0];
      if (plain !== undefined) {
        released += this.#see(plain);
        at += plain.length;
        continue;
      }
      const sequence = this.#sequenceAt(text, at);
      if (sequence === null) {
        this.#begun = text.slice(at);
        break;
      }
      at += sequence.length;
      released += this.#pass(sequence);
    }
    this.#assertHeld();
    return released + this.#releaseEcho();
  }

  end(): string {
    // A sequence without an end may be a text that nobody has looked at.
    const rest = this.#endLine() + changeText(this.#changes, this.#begun);
    this.#begun = '';
    return rest;
  }

  isHolding(): boolean {
    return this.#text !== '' || this.#begun !== '';
  }

  /** Notes what somebody typed. Returns what was held back: whoever types has waited for nothing more. */
  typed(text: string): string {
    this.#typed = (this.#typed + text).slice(-echoCharactersMax);
    return this.#release(this.#text.length);
  }

  /** Returns the sequence, or the control character, at a place; null if its end has not come. The text in a sequence is changed. */
  #sequenceAt(text: string, at: number): { readonly length: number; readonly said: string } | null {
    if (text[at] !== '\u001b') {
      return { length: 1, said: text.charAt(at) };
    }
    const titled = matchedAt(textSequence, text, at);
    if (titled !== undefined) {
      const [said, words = ''] = titled;
      return { length: said.length, said: said.slice(0, 2) + changeText(this.#changes, words) + said.slice(2 + words.length) };
    }
    const plain = (matchedAt(controlSequence, text, at) ?? matchedAt(otherSequence, text, at))?.[0];
    if (plain !== undefined) {
      return { length: plain.length, said: plain };
    }
    // A text that another sequence interrupts is none.
    return begunSequence.test(text.slice(at)) ? null : { length: 2, said: text.slice(at, at + 2) };
  }

  #pass({ said }: { readonly said: string }): string {
    if (staying.test(said) || (said.length === 1 && silent.test(said))) {
      if (this.#text === '') {
        return said;
      }
      this.#parts.push({ text: said, isSeen: false, isReleased: false });
      return '';
    }
    return this.#endLine() + said;
  }

  #see(text: string): string {
    let released = '';
    for (const [word] of text.matchAll(piece)) {
      this.#parts.push({ text: word, isSeen: true, isReleased: false });
      this.#text += word;
      this.#changed += this.#stream.push(word);
      if (!this.#stream.isHolding()) {
        released += this.#settle();
      } else if (this.#text.startsWith(this.#changed)) {
        released += this.#release(this.#changed.length);
      }
    }
    return released;
  }

  #endLine(): string {
    if (this.#text === '') {
      return '';
    }
    this.#changed += this.#stream.end();
    this.#stream = beginText(this.#changes, heldCharactersMax);
    return this.#settle();
  }

  #releaseEcho(): string {
    const held = this.#text.slice(this.#released);
    const at = held === '' ? -1 : this.#typed.indexOf(held);
    if (at === -1) {
      return '';
    }
    this.#typed = this.#typed.slice(at + held.length);
    return this.#release(this.#text.length);
  }

  /** Releases the text up to a place as it is. Its parts stay, because a value may have begun in it. */
  #release(end: number): string {
    const from = this.#released;
    this.#released = Math.max(from, end);
    return this.#written(from, this.#released, null);
  }

  /** Releases all of the text, changed. */
  #settle(): string {
    const [text, changed] = [this.#text, this.#changed];
    let start = 0;
    while (start < text.length && text[start] === changed[start]) {
      start += 1;
    }
    let tail = 0;
    while (tail < Math.min(text.length, changed.length) - start && text.at(-1 - tail) === changed.at(-1 - tail)) {
      tail += 1;
    }
    const mask =
      text === changed ? null : maskOf(text.slice(start, text.length - tail), start, start < this.#released ? '' : changed.slice(start, changed.length - tail));
    const written = this.#written(this.#released, text.length, mask);
    this.#parts = [];
    this.#text = '';
    this.#changed = '';
    this.#released = 0;
    return written;
  }

  /** Writes the parts from one character of the text to another, with what is masked of them, and the sequences up to there. */
  #written(from: number, to: number, mask: Mask | null): string {
    let written = '';
    let at = 0;
    for (const part of this.#parts) {
      if (part.isSeen) {
        const [start, end] = [Math.max(from - at, 0), Math.min(to - at, part.text.length)];
        written += start < end ? masked(part.text.slice(start, end), at + start, mask) : '';
        at += part.text.length;
      } else if (!part.isReleased && at <= to) {
        part.isReleased = true;
        written += part.text;
      }
    }
    return written;
  }

  #assertHeld(): void {
    if (this.#begun.length > heldCharactersMax || this.#text.length > 2 * heldCharactersMax) {
      throw new GatewayError(
        'limit_exceeded',
        `Policy changes texts of this terminal, and a line or a sequence of it has more than ${heldCharactersMax} characters.`,
      );
    }
  }
}

/** A value within a text, from its place on, and what takes its place: as many characters as it has columns. */
interface Mask {
  readonly start: number;
  readonly value: string;
  readonly words: string;
}

function maskOf(value: string, start: number, words: string): Mask {
  const columns = columnsOf(value);
  return { start, value, words: words.slice(0, columns).padEnd(columns, '*') };
}

/** Returns a part of a text, from a place on, with what is masked in it. */
function masked(text: string, from: number, mask: Mask | null): string {
  if (mask === null) {
    return text;
  }
  const before = Math.min(Math.max(mask.start - from, 0), text.length);
  const after = Math.min(Math.max(mask.start + mask.value.length - from, 0), text.length);
  const column = columnsOf(mask.value.slice(0, Math.max(from - mask.start, 0)));
  return text.slice(0, before) + mask.words.slice(column, column + columnsOf(text.slice(before, after))) + text.slice(after);
}

function columnsOf(text: string): number {
  return Array.from(text, (character) => (joining.test(character) ? 0 : wide.test(character) ? 2 : 1)).reduce<number>((sum, columns) => sum + columns, 0);
}

function matchedAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
