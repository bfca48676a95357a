/** The colours that are told apart, by their numbers in a terminal. A program chooses none that is not seen: black and white are as other text. */
const colours = [null, 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', null] as const;

export interface TextStyle {
  readonly colour: (typeof colours)[number];
  readonly isBold: boolean;
  readonly isItalic: boolean;
  readonly isUnderlined: boolean;
  /** True: it came from the program's standard error. */
  readonly isError: boolean;
}

export interface TextRun {
  readonly text: string;
  readonly style: TextStyle;
}

export interface TerminalText {
  readonly lines: readonly (readonly TextRun[])[];
  /** True: the program has printed over something that it had printed before. */
  readonly isOverwritten: boolean;
}

interface Printed {
  readonly text: string;
  readonly isError: boolean;
}

const plain: TextStyle = { colour: null, isBold: false, isItalic: false, isUnderlined: false, isError: false };
/** A command for colours and fonts (ECMA-48, 8.3.117), a character that moves, or one that is printed, with the marks that are put on it. */
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const token = /\u001B\[([\d;]*)m|[\r\n\b]|[^]\p{M}*/gu;
/** The beginning of a command at the end of a piece. */
// oxlint-disable-next-line no-control-regex -- terminals are controlled so
const begun = /\u001B(?:\[[\d;]*)?$/;

/** Returns the lines that a terminal would show of what a program has printed. Only the return, the backspace, colours and fonts are followed; all other characters stay as they are. */
export function terminalText(pieces: readonly Printed[]): TerminalText {
  const lines: TextRun[][] = [[]];
  let [column, isOverwritten, style, rest] = [0, false, plain, ''];
  for (const { text, isError } of pieces) {
    const all = rest + text;
    rest = begun.exec(all)?.[0] ?? '';
    style = style.isError === isError ? style : { ...style, isError };
    for (const [piece, codes] of all.slice(0, all.length - rest.length).matchAll(token)) {
      const line = lines.at(-1) ?? [];
      if (codes !== undefined) {
        style = styled(style, codes);
      } else if (piece === '\n') {
        lines.push([]);
        column = 0;
      } else if (piece === '\r') {
        column = 0;
      } else if (piece === '\b') {
        column = Math.max(0, column - 1);
      } else {
        isOverwritten ||= line[column] !== undefined && line[column]?.text !== piece;
        line[column] = { text: piece, style };
        column += 1;
      }
    }
  }
  lines.at(-1)?.push({ text: rest, style });
  return { lines: lines.map(joined), isOverwritten };
}

/** Joins characters that look alike. */
function joined(characters: readonly TextRun[]): readonly TextRun[] {
  const runs: { text: string; readonly style: TextStyle }[] = [];
  for (const { text, style } of characters) {
    const last = runs.at(-1);
    if (last?.style === style) {
      last.text += text;
    } else {
      runs.push({ text, style });
    }
  }
  return runs;
}

function styled(before: TextStyle, codes: string): TextStyle {
  const numbers = codes.split(';').map(Number);
  let style = before;
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 38 || code === 48) {
      // A colour of another palette takes further numbers. It is not followed.
      at += numbers[at + 1] === 5 ? 2 : numbers[at + 1] === 2 ? 4 : 0;
      style = code === 38 ? { ...style, colour: null } : style;
    } else {
      style = withCode(style, code);
    }
  }
  return style;
}

function withCode(style: TextStyle, code: number): TextStyle {
  switch (code) {
    case 0:
      return { ...plain, isError: style.isError };
    case 1:
      return { ...style, isBold: true };
    case 3:
      return { ...style, isItalic: true };
    case 4:
      return { ...style, isUnderlined: true };
    case 22:
      return { ...style, isBold: false };
    case 23:
      return { ...style, isItalic: false };
    case 24:
      return { ...style, isUnderlined: false };
    case 39:
      return { ...style, colour: null };
    default: {
      const isColour = (code >= 30 && code <= 37) || (code >= 90 && code <= 97);
      return isColour ? { ...style, colour: colours[code % 10] ?? null } : style;
    }
  }
}
