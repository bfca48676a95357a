import { joinsMonth, mayBeMonth, months, monthUnitsMax } from './months.ts';
import { boundary, digit, escape, kinds, lower, odd, space, upper, wordKinds } from './characters.ts';

/** A word of capitals that joins others in front of a space is at most this long: the groups of an IBAN are. */
const groupUnitsMax = 5;
/** Whether a span goes on behind a character depends on no more of the text than this many UTF-16 units from that character on. */
export const lookAheadUnits = monthUnitsMax + 2;
/** `-----BEGIN ` and the kind of a key. */
const keyHeaderUnitsMax = 48;
/** Lines of base64 in MIME and PEM have 64 or 76 characters. */
const encodedLineUnitsMin = 60;
const encodedLineUnitsMax = 80;

interface Place {
  readonly text: string;
  /** The start of the span. */
  readonly start: number;
  /** The place of a space or boundary behind it. */
  readonly at: number;
  /** True if nothing follows the text. */
  readonly isEnd: boolean;
}

const kindAt = (text: string, position: number): number => kinds[text.charCodeAt(position)] ?? 0;

/**
 * True for the end of nearly all words of prose and of JSON, of which nothing else needs to be known: a span without digits ends at a space or a mark if what
 * follows is no digit, as it would be behind the name of a month. `traits` are the kinds of its characters.
 */
export function endsPlainly(text: string, at: number, traits: number): boolean {
  if ((traits & (space | digit)) !== 0 || at === 0) {
    return false;
  }
  const unit = text.charCodeAt(at);
  return unit === 0x20
    ? (kindAt(text, at - 1) & lower) !== 0 && at + 1 < text.length && (kindAt(text, at + 1) & digit) === 0
    : unit !== 0x0a && unit !== 0x0d && (kinds[unit] ?? 0) === boundary;
}

/** Says whether a span goes on behind a character that may end it. Null if that depends on what follows the text. Looks at a bounded number of characters. */
export function joins(place: Place): boolean | null {
  const { text, start, at, isEnd } = place;
  if (at === start) {
    return false;
  }
  if ((kindAt(text, at) & space) === 0) {
    const unit = text.charCodeAt(at);
    return unit === 0x0a || unit === 0x0d ? joinsLines(place) : unit === 0x2c && (kindAt(text, at - 1) & (digit | lower)) !== 0 ? joinsYear(place) : false;
  }
  const before = kindAt(text, at - 1);
  if (text[at - 1] === '\n') {
    return true;
  }
  if (text[at - 1] === ',') {
    return joinsDate(place);
  }
  const isNumber = (before & (digit | odd)) !== 0 || text[at - 1] === ')';
  const isGroup = !isNumber && (before & upper) !== 0 && isCapitalGroup(text, start, at);
  const isDash = text[at - 1] === '-' && at - 2 > start && text[at - 2] === ' ';
  const isKey = (before & upper) !== 0 && isKeyHeader(text, start, at);
  const isCoded = text[at - 1] === ';';
  if (!isNumber && !isGroup && !isDash && !isKey && !isCoded) {
    return joinsDate(place);
  }
  if (at + 1 === text.length) {
    return isEnd ? false : null;
  }
  const next = kindAt(text, at + 1);
  const nextUnit = text[at + 1];
  if (isCoded) {
    return nextUnit === '&' ? true : joinsDate(place);
  }
  if (isKey && (next & upper) !== 0) {
    return true;
  }
  if ((next & (digit | odd)) !== 0) {
    return true;
  }
  if (isDash || (isGroup && (next & upper) === 0)) {
    return joinsDate(place);
  }
  return (next & (upper | escape)) !== 0 || nextUnit === '(' || nextUnit === '+' || (isNumber && nextUnit === '-') ? true : joinsDate(place);
}

/** True for a short word of capitals that belongs to a code: with digits in it or before it, or two letters, as a code may begin. */
function isCapitalGroup(text: string, start: number, at: number): boolean {
  let begin = at;
  while (begin > start && at - begin <= groupUnitsMax && (kindAt(text, begin - 1) & (upper | digit)) !== 0) {
    begin -= 1;
  }
  return (
    at - begin <= groupUnitsMax &&
    (begin === start || (kindAt(text, begin - 1) & wordKinds) === 0 || text[begin - 2] === '\\') &&
    (begin > start || at - begin >= 2)
  );
}

function isKeyHeader(text: string, start: number, at: number): boolean {
  return text.slice(Math.max(start, at - keyHeaderUnitsMax), at).includes('-----BEGIN');
}

/** Quoted-printable and base64 go on in the next line. */
function joinsLines({ text, start, at, isEnd }: Place): boolean | null {
  const isSecond = text[at] === '\n' && text[at - 1] === '\r';
  const end = isSecond ? at - 1 : at;
  if (end === start) {
    return false;
  }
  const isSoft = text[end - 1] === '=';
  if (!isSoft && !isEncodedLine(text, start, end)) {
    return false;
  }
  const next = text[at] === '\r' ? at + 1 : at;
  if (next === text.length) {
    return isEnd ? false : null;
  }
  if (text[next] !== '\n') {
    return false;
  }
  if (isSoft || text[at] === '\r') {
    return true;
  }
  if (next + 1 === text.length) {
    return isEnd ? false : null;
  }
  return isEncoded(text, next + 1);
}

function isEncoded(text: string, position: number): boolean {
  return (kindAt(text, position) & (lower | upper | digit)) !== 0 || text[position] === '+' || text[position] === '/';
}

function isEncodedLine(text: string, start: number, end: number): boolean {
  let begin = end;
  while (begin > start && end - begin <= encodedLineUnitsMax && isEncoded(text, begin - 1)) {
    begin -= 1;
  }
  const length = end - begin;
  return length >= encodedLineUnitsMin && length <= encodedLineUnitsMax;
}

/** A date with the name of a month is one span: `12 March 1980`, `12 de marzo de 1980`, `March 12, 1980`. */
function joinsDate({ text, start, at, isEnd }: Place): boolean | null {
  const isFollowedByDigit = (kindAt(text, at + 1) & digit) !== 0;
  if (text[at - 1] === ',') {
    return at + 1 === text.length && !isEnd ? null : isFollowedByDigit;
  }
  const begin = wordStart(text, start, at);
  if ((kindAt(text, begin) & digit) === 0 && !mayBeMonth(text, begin)) {
    return false;
  }
  const word = text.slice(begin, at);
  const isDay = /^\d{1,2}(?:st|nd|rd|th|er|[.º])?$/.test(word);
  const isFirst = begin === start;
  // In prose, most words are followed by no digit, and nothing needs to be known of them.
  if (!isDay && isFirst && !isFollowedByDigit && at + 1 < text.length) {
    return false;
  }
  const isMonth = isNameOfMonth(word);
  const isOf = !isFirst && joinsMonth.has(word);
  if (!isDay && !isMonth && !isOf) {
    return false;
  }
  if (at + 1 === text.length) {
    return isEnd ? false : null;
  }
  if (isFollowedByDigit) {
    return isMonth || isOf;
  }
  let end = at + 1;
  while (end < text.length && end - at <= monthUnitsMax && (kindAt(text, end) & wordKinds) !== 0) {
    end += 1;
  }
  if (end === text.length && !isEnd) {
    return null;
  }
  const next = text.slice(at + 1, end);
  const isNextOf = joinsMonth.has(next);
  return isMonth ? !isFirst && isNextOf : isNextOf ? isDay : isNameOfMonth(next);
}

function isNameOfMonth(word: string): boolean {
  return months.has((word.endsWith('.') ? word.slice(0, -1) : word).toLowerCase());
}

/** Returns where the word before `at` begins, of which so many units count as the name of a month may have. */
function wordStart(text: string, start: number, at: number): number {
  let begin = at;
  while (begin > start && at - begin <= monthUnitsMax && text[begin - 1] !== ' ') {
    begin -= 1;
  }
  return begin;
}

/** The comma of `March 12, 1980`. */
function joinsYear({ text, start, at, isEnd }: Place): boolean | null {
  const [, month = ''] = /(?:^| )(\p{L}{3,12})\.? \d{1,2}(?:st|nd|rd|th)?$/u.exec(text.slice(Math.max(start, at - 2 * monthUnitsMax), at)) ?? [];
  if (!isNameOfMonth(month)) {
    return false;
  }
  return at + 2 < text.length ? text[at + 1] === ' ' && (kindAt(text, at + 2) & digit) !== 0 : isEnd ? false : null;
}
