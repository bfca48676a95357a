/** Longest text that has a shape, in characters. The parser's own limits are far above it. */
const shapeLengthMax = 2_000;
/**
 * Parts with which a text has no shape: characters that are not printable or not of ASCII, signs that begin a comment, an escape, a parameter or another form of
 * quotes, and `float`, whose number names a type.
 */
const unfit = /[^\t\n\r -~]|[\\$]|--|\/\*|&['"]|\bfloat\b/i;
/** A name, a string, or a number, together with what touches it and would make another constant of it. */
const token = /[a-z_]\w*'?|"[^"]*"|'(?:[^']|'')*'(?:\s*')?|\d[\w.]*/gi;
const integer = /^(?:0|[1-9]\d{0,8})$/;
const decimal = /^\d+\.\d+$/;
/** Signs that stand for constants of one kind. No text that has a shape has them. */
const signs = { integer: '\u0001', decimal: '\u0002', string: '\u0003' };

/**
 * Returns a text of SQL without the values of its constants. All texts with one shape have the same syntax tree but for these values. Null: the text has no shape,
 * because it has something that might be part of a constant and is not.
 */
export function shapeOf(text: string): string | null {
  if (text.length > shapeLengthMax || unfit.test(text)) {
    return null;
  }
  let isFit = true;
  const shape = text.replaceAll(token, (found) => {
    if (found.startsWith("'")) {
      isFit &&= found === "''" || !/'\s*'$/.test(found);
      return signs.string;
    }
    if (/^\d/.test(found)) {
      isFit &&= integer.test(found) || decimal.test(found);
      return decimal.test(found) ? signs.decimal : signs.integer;
    }
    isFit &&= !found.endsWith("'");
    return found;
  });
  return isFit ? shape : null;
}
