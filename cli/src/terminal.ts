/** Everything that a terminal would act on instead of showing it: C0 and C1 controls, bidirectional overrides, line separators. */
// oxlint-disable-next-line no-control-regex -- they are what it is about.
const dangerous = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g;

/**
 * Recorded text, safe to print: controls become `\xNN` or `\u{N}`. `lines` keeps line feeds and tabs. The one place where what came from clients
 * and targets is made fit for a terminal (ATTACKS C30).
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

export const isTerminal = process.stdout.isTTY;

export function dim(text: string): string {
  return isTerminal ? `\u001B[2m${text}\u001B[0m` : text;
}

export function bold(text: string): string {
  return isTerminal ? `\u001B[1m${text}\u001B[0m` : text;
}
