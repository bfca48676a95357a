import { GatewayError } from '../../domain/errors.ts';

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\u0007' };
const space = /[ \t\n\r\v\f\0]/;

/** Splits the line of an inline command into its words as Redis does: quoted words may hold spaces and escapes. Throws GatewayError `malformed` for quotes without an end. */
export function splitLine(line: Buffer): Buffer[] {
  // One character for each byte.
  const text = line.toString('latin1');
  const words: Buffer[] = [];
  let at = 0;
  while (at < text.length) {
    if (space.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    let word = '';
    while (at < text.length && !space.test(text.charAt(at))) {
      const quote = text.charAt(at);
      if (quote === '"' || quote === "'") {
        const quoted = readQuoted(text, at);
        word += quoted.word;
        at = quoted.end;
        if (at < text.length && !space.test(text.charAt(at))) {
          throw unbalanced();
        }
      } else {
        word += quote;
        at += 1;
      }
    }
    words.push(Buffer.from(word, 'latin1'));
  }
  return words;
}

function readQuoted(text: string, start: number): { readonly word: string; readonly end: number } {
  const quote = text.charAt(start);
  let word = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    const next = text.charAt(at + 1);
    if (character === quote) {
      return { word, end: at + 1 };
    }
    const hex = quote === '"' && character === '\\' ? /^x([0-9a-fA-F]{2})/.exec(text.slice(at + 1, at + 4)) : null;
    if (hex !== null) {
      word += String.fromCharCode(Number.parseInt(hex[1] ?? '', 16));
      at += 3;
    } else if (character === '\\' && next !== '' && (quote === '"' || next === "'")) {
      word += quote === '"' ? (escapes[next] ?? next) : next;
      at += 1;
    } else {
      word += character;
    }
  }
  throw unbalanced();
}

function unbalanced(): GatewayError {
  return new GatewayError('malformed', 'The quotes of an inline command have no end, or no space behind it.');
}
