/** A piece of a text: what is seen as it is, or a character that a reader would not see, or that changes how others are seen. */
export type VisiblePiece = { readonly text: string } | { readonly hidden: string };

/** Controls except tab and line feed, and characters without a form of their own, as those that turn the direction of a text. https://www.unicode.org/reports/tr36/#Recommendations_General */
export const hiddenForm = /(?![\t\n])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Divides a text so that nothing of it is invisible. The code of a hidden character is in hex, as `202E`. */
export function visiblePieces(text: string): readonly VisiblePiece[] {
  const pieces: VisiblePiece[] = [];
  let from = 0;
  for (const { index, 0: character } of text.matchAll(hiddenForm)) {
    if (index > from) {
      pieces.push({ text: text.slice(from, index) });
    }
    pieces.push({ hidden: numberOf(character.codePointAt(0) ?? 0) });
    from = index + character.length;
  }
  return from < text.length ? [...pieces, { text: text.slice(from) }] : pieces;
}

/** Returns the code of a character as people look it up: in hex, as `202E`. */
export function numberOf(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}

/** Returns a text in which nothing is invisible, for where only plain text can be: a character without a form of its own is its number. */
export function plainText(text: string): string {
  return visiblePieces(text)
    .map((piece) => ('text' in piece ? piece.text : piece.hidden))
    .join('');
}
