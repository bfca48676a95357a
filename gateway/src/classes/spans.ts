import { digit, escape, kinds, lower, odd, space, upper, wordKinds } from './characters.ts';

/** A word of capitals that joins others in front of a space is at most this long: the groups of an IBAN are. */
const groupUnitsMax = 5;
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

/** Says whether a span goes on behind a character that may end it. Null if that depends on what follows the text. Looks at a bounded number of characters. */
export function joins(place: Place): boolean | null {
  const { text, start, at, isEnd } = place;
  if (at === start) {
    return false;
  }
  if ((kindAt(text, at) & space) === 0) {
    const unit = text.charCodeAt(at);
    return unit === 0x0a || unit === 0x0d ? joinsLines(place) : unit === 0x2c ? joinsYear(place) : false;
  }
  if (text[at - 1] === '\n') {
    return true;
  }
  const before = kindAt(text, at - 1);
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

function joinsDate(_place: Place): boolean | null {
  return false;
}

function joinsYear(_place: Place): boolean | null {
  return false;
}
