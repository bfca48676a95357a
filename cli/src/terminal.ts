import { styleText } from 'node:util';

/** Matches every character that a terminal would act on instead of showing it: C0 and C1 controls, bidirectional overrides, line separators. */
const dangerous = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\uFEFF]/gu;

/**
 * Makes recorded text safe to print: controls become `\xNN` or `\u{N}`. `lines` keeps line feeds and tabs. All text from clients and targets must pass through
 * here before it is printed (ATTACKS C30).
 */
export function escapeControls(text: string, keep: 'nothing' | 'lines'): string {
  return text.replaceAll(dangerous, (character) => {
    if (keep === 'lines' && (character === '\n' || character === '\t')) {
      return character;
    }
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Prints a value as one line of JSON that is safe on a terminal. */
export function printJson(value: unknown): void {
  const line = JSON.stringify(value).replaceAll(dangerous, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  process.stdout.write(`${line}\n`);
}

export function dim(text: string): string {
  return styleText('dim', text);
}

export function bold(text: string): string {
  return styleText('bold', text);
}
