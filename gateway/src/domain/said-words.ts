/** Matches every character that a terminal would act on instead of showing it: C0 and C1 controls, bidirectional overrides, line separators. */
const dangerous = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\uFEFF]/gu;

/** Makes the words of a person safe to be told to a client: clients print errors and notices as they are (ATTACKS C30). Controls become `\xNN` or `\u{N}`. */
export function saidWords(text: string): string {
  return text.replaceAll(dangerous, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
