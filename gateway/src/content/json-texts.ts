/** A text of a JSON document: a string, the name of a member, a number, true or false. */
export interface JsonText {
  readonly text: string;
  /** The position in the document of the opening quote, or of a number or a word; `end` is the position after it. */
  readonly start: number;
  readonly end: number;
  /** The members and indexes that lead to the text, such as `choices/0/delta/content`; `*` if it is nested too deeply. Null for the name of a member. */
  readonly path: string | null;
  /** True for a list or an object, as it is written, that spells another text token by token. */
  readonly isSpelling?: boolean;
}

/** A text that is nested deeper has no path of its own. This and the next limit the cost of paths. */
const depthMax = 12;
/** A path has only so many characters of the name of a member. */
export const pathNameCharactersMax = 64;
/** Matches the name of a member in which models and their servers give the tokens of a text that stands elsewhere in the answer: each with its probability, its bytes or its number. */
const spelling = /^(?:\w*logprobs(?:_?result)?|\w*token_?ids|completion_probabilities)$/i;
/** Matches the numbers of the tokens of a conversation, and a member that is beside them: https://docs.ollama.com/api/generate */
const contextOfTokens = /^\[\s*\d/;
const besideContext = /"done"\s*:\s*(?:true|false)/;
/** Matches a word that may be in JSON. Servers in Python write numbers that JSON does not have. */
const word = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity)$/;
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const escape = /\\(?:u([\da-fA-F]{4})|(.))/gs;
const control: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/**
 * Finds the texts of JSON, in order: strings, names of members, numbers as they are written, true and false. Time is linear. Several documents, one after the other, are acceptable. Null: there is
 * something else between the texts than JSON has there, so the whole must be taken as one text. `areSpellingsWhole`: a list or an object that spells another text is one text.
 */
export function jsonTexts(json: string, { areSpellingsWhole = false } = {}): readonly JsonText[] | null {
  const texts: JsonText[] = [];
  /** The path of each open object or list, up to the depth with paths. */
  const paths: string[] = [];
  /** In a list, the index of the next value; in an object, the name of the last member. */
  const places: (string | number)[] = [];
  let depth = 0;
  let isAfterWord = false;
  /** The list or object that is open and spells another text: where it begins, and how many texts are before it. */
  let spelled: { readonly start: number; readonly depth: number; readonly path: string; readonly count: number } | null = null;
  const isSpelling = (start: number): boolean => {
    const name = depth > depthMax ? undefined : places[depth - 1];
    return (
      typeof name === 'string' &&
      (spelling.test(name) || (name === 'context' && contextOfTokens.test(json.slice(start, start + 8)) && besideContext.test(json)))
    );
  };
  const endSpelling = (end: number): void => {
    if (spelled !== null && texts.length > spelled.count) {
      const { start, path, count } = spelled;
      texts.splice(count, Infinity, { text: json.slice(start, end), start, end, path, isSpelling: true });
    }
    spelled = null;
  };
  const here = (): string => {
    if (depth === 0) {
      return '';
    }
    return depth > depthMax ? '*' : `${paths[depth - 1] ?? ''}${places[depth - 1] ?? ''}`;
  };
  // The first group is a character that begins a string, opens, closes or divides. Without it the match is another word.
  const token = /(["{}[\],])|[^\s{}[\],"]+/g;
  const colon = /\s*:/y;
  for (let found = token.exec(json); found !== null; found = token.exec(json)) {
    const { 0: said, 1: written, index } = found;
    if (written === undefined && (isAfterWord || !word.test(said))) {
      return null;
    }
    isAfterWord = written === undefined;
    if (written === undefined) {
      if (said !== 'null') {
        texts.push({ text: said, start: index, end: token.lastIndex, path: here() });
      }
      continue;
    }
    if (written === '"') {
      const end = endOfString(json, index);
      if (end === null) {
        return null;
      }
      const quoted = json.slice(index, end);
      colon.lastIndex = end;
      if (!colon.test(json)) {
        texts.push({ text: parseString(quoted), start: index, end, path: here() });
        token.lastIndex = end;
        continue;
      }
      token.lastIndex = colon.lastIndex;
      if (depth === 0 || typeof places[depth - 1] === 'number') {
        return null;
      }
      const name = parseString(quoted);
      texts.push({ text: name, start: index, end, path: null });
      if (depth <= depthMax) {
        places[depth - 1] = name.slice(0, pathNameCharactersMax);
      }
    } else if (written === '{' || written === '[') {
      const path = here();
      if (areSpellingsWhole && spelled === null && isSpelling(index)) {
        spelled = { start: index, depth, path, count: texts.length };
      }
      depth += 1;
      if (depth <= depthMax) {
        paths[depth - 1] = depth === 1 ? '' : `${path}/`;
        places[depth - 1] = written === '[' ? 0 : '';
      }
    } else if (written === ',') {
      const place = places[depth - 1];
      if (depth > 0 && depth <= depthMax && typeof place === 'number') {
        places[depth - 1] = place + 1;
      }
    } else {
      depth = Math.max(0, depth - 1);
      places.length = Math.min(places.length, depth);
      if (depth === spelled?.depth) {
        endSpelling(token.lastIndex);
      }
    }
  }
  endSpelling(json.length);
  return texts;
}

/**
 * Returns the document with other texts in place of its own, one for each. A number, true, false or an object whose text changes becomes null, if the text is no number, and a list an empty one; null is also, if
 * `takesNull`, a string that is a value and of which nothing is left. Everything else stays as it was written, and so does a text that is not changed.
 */
export function withJsonTexts(json: string, texts: readonly JsonText[], changed: readonly string[], takesNull = false): string {
  let at = 0;
  const pieces: string[] = [];
  for (const [i, { text, start, end, path }] of texts.entries()) {
    const other = changed[i] ?? text;
    if (other !== text) {
      const isString = json[start] === '"' && !(takesNull && other === '' && path !== null);
      pieces.push(json.slice(at, start), isString ? JSON.stringify(other) : number.test(other) ? other : json[start] === '[' ? '[]' : 'null');
      at = end;
    }
  }
  return at === 0 ? json : pieces.join('') + json.slice(at);
}

/** Returns the position after the closing quote of the string that begins here; null if it has none. A regular expression takes no string of many millions of characters. */
export function endOfString(json: string, start: number): number | null {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let escapes = 0;
    while (json[at - 1 - escapes] === '\\') {
      escapes += 1;
    }
    if (escapes % 2 === 0) {
      return at + 1;
    }
  }
  return null;
}

/** Returns the value of a JSON string, also as a lenient parser takes it. */
function parseString(written: string): string {
  if (!written.includes('\\')) {
    return written.slice(1, -1);
  }
  try {
    return String(JSON.parse(written));
  } catch {
    return written
      .slice(1, -1)
      .replaceAll(escape, (_found, code: string | undefined, other = '') =>
        code === undefined ? (control[other] ?? other) : String.fromCharCode(Number.parseInt(code, 16)),
      );
  }
}
