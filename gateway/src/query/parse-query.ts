import { knownNames } from '../domain/suggest.ts';
import { contentAttributes, fieldOf, findField, queryFields } from './fields.ts';
import { specialFields, UnreadableQuery, type Query, type Term, type ValueTest } from './query.ts';
import { parseAge, parseTime } from './times.ts';
import { wordsOf } from './words.ts';

const queryLengthMax = 4096;
const depthMax = 32;
const termsMax = 200;

/** A field name as it may begin a term: a name of `queryFields`, or of an attribute, which has dots. */
const fieldName = /[A-Za-z][\w.-]*(?=:)/y;
const attributeName = /^[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)+$/;
const bareText = /[^\s()"]+/y;
const quotedText = /"((?:[^"\\]|\\.)*)"/y;
const space = /\s*/y;
const comparison = /^(>=|<=|>|<)(.*)$/su;
const between = /^(.*?)\.\.(.*)$/su;
const numberText = /^-?\d{1,15}(?:\.\d{1,6})?$/;
const keywords: ReadonlySet<string> = new Set(['and', 'or', 'not']);
const sinceField = 'since';
const untilField = 'until';
const knownFields: readonly string[] = [...Object.keys(queryFields), ...Object.values(specialFields), sinceField, untilField];

/** A value as it is written, and its place in the text. */
interface Written {
  readonly text: string;
  readonly isQuoted: boolean;
  readonly at: number;
  readonly end: number;
}

/**
 * Parses a query: `field:value`, quotes, `*`, ranges, lists, `and or not ( )`; terms that follow one another must all hold. A text without a field is looked for in
 * the text of the records. `nowMs` is the time, in ms since 1970, from which an age as `since:90d` counts. Throws `UnreadableQuery`.
 */
export function parseQuery(text: string, nowMs: number): Query {
  if (text.length > queryLengthMax) {
    throw new UnreadableQuery({ at: queryLengthMax, end: text.length, message: `A query has at most ${queryLengthMax} characters.` });
  }
  return new Parser(text, nowMs).parse();
}

/** Parses the name of a field that has values. Throws `UnreadableQuery`. */
export function parseField(name: string): string {
  const fault = faultOfField(name, Object.keys(queryFields));
  if (fault !== null) {
    throw new UnreadableQuery({ at: 0, end: name.length, message: fault });
  }
  return fieldOf(name);
}

/** Returns what is wrong with the name of a field; null: nothing. */
function faultOfField(name: string, known: readonly string[]): string | null {
  if (contentAttributes.includes(name)) {
    return `${name} is content, which is found by its words: text:"some words".`;
  }
  return known.includes(name) || attributeName.test(name) ? null : ended(`There is no field "${name}"${knownNames(name, known)}`);
}

function ended(sentence: string): string {
  return /[.?]$/u.test(sentence) ? sentence : `${sentence}.`;
}

class Parser {
  readonly #text: string;
  readonly #nowMs: number;
  #at = 0;
  #depth = 0;
  #terms = 0;

  constructor(text: string, nowMs: number) {
    this.#text = text;
    this.#nowMs = nowMs;
  }

  parse(): Query {
    this.#skipSpace();
    if (this.#isAtEnd()) {
      return { is: 'all' };
    }
    const query = this.#either();
    if (!this.#isAtEnd()) {
      throw this.#wrong('This parenthesis closes nothing.', this.#at, this.#at + 1);
    }
    return query;
  }

  /** Parts with `or` between them. */
  #either(): Query {
    const parts = [this.#every()];
    while (this.#takeKeyword('or')) {
      parts.push(this.#every());
    }
    return joined('or', parts);
  }

  /** Parts that must all hold, with or without `and` between them. */
  #every(): Query {
    const parts: Query[] = [];
    do {
      parts.push(this.#part());
    } while (this.#takeKeyword('and') || (!this.#isAtEnd() && !this.#isAt(')') && this.#keyword() !== 'or'));
    return joined('and', withSides(parts));
  }

  #part(): Query {
    if (this.#takeKeyword('not')) {
      return this.#nested(() => ({ is: 'not', part: this.#part() }));
    }
    if (this.#isAt('(')) {
      return this.#nested(() => this.#parenthesis(() => this.#either()));
    }
    const word = this.#keyword();
    if (word !== null || this.#isAtEnd() || this.#isAt(')')) {
      throw this.#wrong(
        word === null
          ? 'Something is missing here: a term as verdict:deny, or a word of the text.'
          : `There is nothing before "${word}" that it could join. The word itself is written in quotes.`,
        this.#at,
        this.#at + (word?.length ?? 1),
      );
    }
    return this.#term();
  }

  #term(): Query {
    const at = this.#at;
    const [name] = this.#match(fieldName) ?? [];
    if (name === undefined) {
      return this.#ask(specialFields.text, this.#value());
    }
    const fault = faultOfField(name, knownFields);
    if (fault !== null) {
      throw this.#wrong(fault, at, at + name.length);
    }
    const field = fieldOf(name);
    this.#at += 1;
    this.#skipSpace();
    return this.#isAt('(') ? this.#nested(() => this.#parenthesis(() => this.#list(field))) : this.#ask(field, this.#value());
  }

  /** The values of a list, with or without `or` between them. */
  #list(field: string): Query {
    const parts: Query[] = [];
    do {
      const word = this.#keyword();
      if (word !== null) {
        throw this.#wrong(`In a list of values there is only "or": write ${field}:a ${word} ${field}:b instead.`, this.#at, this.#at + word.length);
      }
      parts.push(this.#ask(field, this.#value()));
    } while (this.#takeKeyword('or') || !(this.#isAt(')') || this.#isAtEnd()));
    return joined('or', parts);
  }

  #parenthesis(inside: () => Query): Query {
    const at = this.#at;
    this.#at += 1;
    this.#skipSpace();
    const query = inside();
    if (!this.#isAt(')')) {
      throw this.#wrong('This parenthesis is not closed.', at, at + 1);
    }
    this.#at += 1;
    this.#skipSpace();
    return query;
  }

  #nested(inside: () => Query): Query {
    this.#depth += 1;
    if (this.#depth > depthMax) {
      throw this.#wrong(`A query is at most ${depthMax} deep.`, this.#at, this.#at + 1);
    }
    const query = inside();
    this.#depth -= 1;
    return query;
  }

  #value(): Written {
    const at = this.#at;
    const quoted = this.#match(quotedText);
    const [text] = quoted ?? this.#match(bareText) ?? [];
    if (text === undefined) {
      throw this.#isAt('"')
        ? this.#wrong('These quotes are not closed.', at, this.#text.length)
        : this.#wrong('A value is missing here. Write it in quotes if it has spaces or parentheses.', at, at + 1);
    }
    const end = this.#at;
    this.#skipSpace();
    return { text: quoted === null ? text : (quoted[1] ?? '').replaceAll(/\\(.)/gsu, '$1'), isQuoted: quoted !== null, at, end };
  }

  #ask(field: string, value: Written): Term {
    this.#terms += 1;
    if (this.#terms > termsMax) {
      throw this.#wrong(`A query has at most ${termsMax} terms.`, value.at, value.end);
    }
    if (field === specialFields.text) {
      return { is: 'term', field, test: this.#phrase(value) };
    }
    if (field === specialFields.time || field === sinceField || field === untilField) {
      return { is: 'term', field: specialFields.time, test: this.#period(field, value) };
    }
    return { is: 'term', field, test: this.#test(field, value) };
  }

  #phrase(value: Written): ValueTest {
    const words = wordsOf(value.text);
    if (words.length === 0) {
      throw this.#wrong('There is no word in it: words have letters and digits.', value.at, value.end);
    }
    if (!value.isQuoted && value.text.includes('*')) {
      throw this.#wrong('Words of the text are only found whole. A star is for the values of fields, as model:gpt-4o*.', value.at, value.end);
    }
    return { by: 'phrase', words };
  }

  #test(field: string, value: Written): ValueTest {
    const { text, isQuoted } = value;
    if (isQuoted) {
      return { by: 'equal', value: text };
    }
    const [, sign, compared = ''] = comparison.exec(text) ?? [];
    if (sign !== undefined) {
      const bound = { value: this.#number(compared, value), isIn: sign.endsWith('=') };
      return sign.startsWith('>') ? { by: 'range', least: bound, most: null } : { by: 'range', least: null, most: bound };
    }
    const [, from = '', to = ''] = between.exec(text) ?? [];
    if ([from, to].some((each) => numberText.test(each)) && [from, to].every((each) => each === '' || numberText.test(each))) {
      return this.#between(from === '' ? null : Number(from), to === '' ? null : { value: Number(to), isIn: true }, value);
    }
    if (text.includes('*')) {
      return { by: 'like', texts: text.split(/\*+/u) };
    }
    const known = findField(field)?.values;
    if (known !== undefined && !known.includes(text)) {
      throw this.#wrong(`${field} has no value "${text}"${knownNames(text, known)}`, value.at, value.end);
    }
    if (field === 'session' && !/^[0-9a-f]{32}$/.test(text)) {
      throw this.#wrong(`A session has 32 hexadecimal digits: session:${text}* finds those that begin so.`, value.at, value.end);
    }
    return { by: 'equal', value: text };
  }

  /** The times for which a value of `time`, `since` or `until` stands. A day or a minute stands for all of it. */
  #period(field: string, value: Written): ValueTest {
    const { text } = value;
    const [, sign, compared = ''] = comparison.exec(text) ?? [];
    if (field !== specialFields.time || sign !== undefined) {
      const span = this.#time(sign === undefined ? text : compared, value);
      const [isFrom, bound] =
        field === sinceField || sign === '>='
          ? [true, span.startMs]
          : sign === '>'
            ? [true, span.endMs]
            : sign === '<'
              ? [false, span.startMs]
              : [false, span.endMs];
      return isFrom ? { by: 'range', least: { value: bound, isIn: true }, most: null } : { by: 'range', least: null, most: { value: bound, isIn: false } };
    }
    const [, from = text, to = text] = between.exec(text) ?? [];
    return this.#between(from === '' ? null : this.#time(from, value).startMs, to === '' ? null : { value: this.#time(to, value).endMs, isIn: false }, value);
  }

  #between(least: number | null, most: { readonly value: number; readonly isIn: boolean } | null, place: Written): ValueTest {
    if (least !== null && most !== null && most.value < least) {
      throw this.#wrong('This range ends before it begins: the smaller end is written first.', place.at, place.end);
    }
    return { by: 'range', least: least === null ? null : { value: least, isIn: true }, most };
  }

  #time(text: string, place: Written): { readonly startMs: number; readonly endMs: number } {
    const ageMs = parseAge(text);
    const span = ageMs === null ? parseTime(text) : { startMs: this.#nowMs - ageMs, endMs: this.#nowMs - ageMs };
    if (span === null) {
      throw this.#wrong(
        'This is no time. Times are written 2026-11-29, 2026-11-29T14:30 or 2026-11-29T14:30:00Z, in UTC, or as an age: 90d, 12h, 30m.',
        place.at,
        place.end,
      );
    }
    return span;
  }

  #number(text: string, place: Written): number {
    if (!numberText.test(text)) {
      throw this.#wrong('A number is expected after the sign, as in rows:>1000.', place.at, place.end);
    }
    return Number(text);
  }

  /** The keyword that is next; null if there is none. */
  #keyword(): string | null {
    const at = this.#at;
    const [word] = this.#match(bareText) ?? [];
    this.#at = at;
    return word !== undefined && keywords.has(word.toLowerCase()) ? word.toLowerCase() : null;
  }

  #takeKeyword(word: string): boolean {
    if (this.#keyword() !== word) {
      return false;
    }
    this.#at += word.length;
    this.#skipSpace();
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    this.#at = found === null ? this.#at : pattern.lastIndex;
    return found;
  }

  #skipSpace(): void {
    this.#match(space);
  }

  #isAt(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  #wrong(message: string, at: number, end: number): UnreadableQuery {
    return new UnreadableQuery({ at, end, message: ended(message) });
  }
}

function joined(is: 'and' | 'or', parts: readonly Query[]): Query {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { is, parts };
}

const writing: ReadonlySet<string> = new Set(['write', 'define', 'destroy']);

/** Beside `effect:write`, a table is one that is written, and beside `effect:read` one that is read. */
function withSides(parts: readonly Query[]): readonly Query[] {
  const effects = parts.flatMap(effectsOf);
  const side =
    effects.length === 0
      ? null
      : effects.every((effect) => writing.has(effect))
        ? 'table-written'
        : effects.every((effect) => effect === 'read')
          ? 'table-read'
          : null;
  return side === null ? parts : parts.map((part) => withSide(part, side));
}

/** The effects that a part asks for, if it asks for nothing else. */
function effectsOf(part: Query): readonly string[] {
  const effects = (part.is === 'or' ? part.parts : [part]).map((each) =>
    each.is === 'term' && each.field === 'effect' && each.test.by === 'equal' ? each.test.value : null,
  );
  return effects.flatMap((effect) => (effect === null || effects.includes(null) ? [] : [effect]));
}

function withSide(part: Query, side: string): Query {
  switch (part.is) {
    case 'term':
      return part.field === 'table' ? { ...part, field: side } : part;
    case 'or':
      return { is: 'or', parts: part.parts.map((each) => withSide(each, side)) };
    default:
      return part;
  }
}
