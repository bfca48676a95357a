import { any, digit, wordKinds } from '../characters.ts';
import { separates, type Strength } from '../context.ts';
import type { Detector, Take } from '../detector.ts';
import { surroundingsOf } from '../identifiers.ts';
import type { View } from '../view.ts';

/** ITU-T E.164. */
const digitsMax = 15;
const digitsMin = 7;
const groupsMax = 8;
const extensionDigitsMax = 6;

/** Country calling codes that are assigned: of one digit, of two, and the first two of those of three. */
const callingCodes = /^(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21|22|23|24|25|26|29|35|37|38|42|50|59|67|68|69|80|85|87|88|96|97|99)/;
const leadDigits = 6;

/** A number that may be one of a phone, as far as its digits and groups say so. */
interface Dialled {
  readonly start: number;
  end: number;
  /** The number of digits, and of groups. */
  digits: number;
  groups: number;
  /** The first six digits as a number. */
  lead: number;
  /** The lengths of the groups, each as a hex digit, and of the first three alone. */
  lengths: number;
  firstLengths: number;
  /** The lengths of the first group, of the longest, of the last and of the one before it. */
  first: number;
  longest: number;
  last: number;
  beforeLast: number;
  /** The first character behind the first group, or 0. */
  separator: number;
  hasDot: boolean;
  hasParenthesis: boolean;
}

const isKind = (kinds: Uint16Array, position: number, kind: number): boolean => ((kinds[position] ?? 0) & kind) !== 0;

/** Returns the length of what is between two groups, at most three characters, or 0. */
function separatorLength({ text, kinds }: View, position: number): number {
  for (let i = position; i < text.length && i - position <= 3; i += 1) {
    if (isKind(kinds, i, digit)) {
      return i - position;
    }
    if (!separates(text.charCodeAt(i))) {
      return 0;
    }
  }
  return 0;
}

/** Reads groups of digits from `start`, as long as they are not too many for a phone. */
function readGroups(view: View, start: number): Dialled {
  const { text, kinds } = view;
  const dialled: Dialled = {
    start,
    end: start,
    digits: 0,
    groups: 0,
    lead: 0,
    lengths: 0,
    firstLengths: 0,
    first: 0,
    longest: 0,
    last: 0,
    beforeLast: 0,
    separator: 0,
    hasDot: false,
    hasParenthesis: false,
  };
  for (let i = start; dialled.groups < groupsMax;) {
    let end = i;
    while (isKind(kinds, end, digit) && end - i <= digitsMax) {
      end += 1;
    }
    const isPart = isKind(kinds, end, wordKinds) && !isExtension(view, end);
    if (end === i || isPart || dialled.digits + end - i > digitsMax) {
      break;
    }
    addGroup(dialled, text, i, end);
    const between = separatorLength(view, end);
    if (between === 0) {
      break;
    }
    dialled.separator ||= text.charCodeAt(end);
    for (i = end; i < end + between; i += 1) {
      const unit = text.charCodeAt(i);
      dialled.hasDot ||= unit === 0x2e;
      dialled.hasParenthesis ||= unit === 0x29;
    }
    if (isWholeNorthAmerican(text, dialled) || (!isCallingCode(text, dialled) && isGroupedAt(text, end))) {
      break;
    }
  }
  return dialled;
}

function addGroup(dialled: Dialled, text: string, start: number, end: number): void {
  const length = end - start;
  for (let i = start; i < end && dialled.digits + i - start < leadDigits; i += 1) {
    dialled.lead = dialled.lead * 10 + text.charCodeAt(i) - 0x30;
  }
  dialled.end = end;
  dialled.digits += length;
  dialled.groups += 1;
  dialled.lengths = dialled.lengths * 16 + length;
  dialled.first ||= length;
  dialled.firstLengths = dialled.groups <= 3 ? dialled.lengths : dialled.firstLengths;
  dialled.longest = Math.max(dialled.longest, length);
  dialled.beforeLast = dialled.last;
  dialled.last = length;
}

/** Returns the digits alone. */
const digitsOf = (text: string, { start, end }: Dialled): string => text.slice(start, end).replaceAll(/\D/g, '');

/** Returns one digit of the first six, counted from 0. */
const leadDigit = ({ lead }: Dialled, index: number): number => Math.floor(lead / 10 ** (leadDigits - 1 - index)) % 10;
/** Returns the first two digits as a number, the next two or the two behind these, for an index of 0 to 2. */
const leadPair = ({ lead }: Dialled, index: number): number => Math.floor(lead / 100 ** (2 - index)) % 100;

/** The rules of the areas of North America are not checked, because numbers in examples and tests break them. */
function isNorthAmerican(dialled: Dialled): boolean {
  const { digits } = dialled;
  return digits === 10 ? leadDigit(dialled, 0) !== 0 : digits === 11 && leadDigit(dialled, 0) === 1 && leadDigit(dialled, 1) !== 0;
}

/** A number of North America has ten digits, so digits behind it are something else. */
function isWholeNorthAmerican(text: string, dialled: Dialled): boolean {
  const { start, digits, last, beforeLast } = dialled;
  if (digits < 10) {
    return false;
  }
  const isInternational = text[start - 1] === '+' && leadDigit(dialled, 0) === 1;
  return isInternational ? digits === 11 : last === 4 && beforeLast === 3 && isNorthAmerican(dialled);
}

/** A space, and a number of North America in the groups that are written there. */
const grouped = /^ (?:\d{3}([-.])\d{3}\1\d{4}|\(\d{3}\) ?\d{3}[-.]\d{4})(?![\p{L}\d])/u;
const groupedUnitsMax = 16;

/** True if a number of North America that is whole by itself follows the space, so that what is before it is something else. */
function isGroupedAt(text: string, position: number): boolean {
  return text[position] === ' ' && grouped.test(text.slice(position, position + groupedUnitsMax));
}

/** True for digits that may be the calling code of a number behind a space. */
function isCallingCode(text: string, { start, digits, lead }: Dialled): boolean {
  return text[start - 1] === '+' || (text[start] === '0' && text[start + 1] === '0') || (digits === 1 && lead === 1);
}

/** True for a number of three groups or more that have no space between them but behind a parenthesis, so that a number behind or before a space is another one. */
function isJoined(value: string): boolean {
  return /^(?:(?:\(\d+\) ?|\d+[-.])\d+(?:[-.]\d+)*-\d+|\d{3}\.\d{3}\.\d{4})(?:x\d+)?$/i.test(value);
}

function isExtension({ text, kinds }: View, position: number): boolean {
  return (text[position] === 'x' || text[position] === 'X') && isKind(kinds, position + 1, digit);
}

/** Returns the end with an extension: `x123`. */
function extendedEnd(view: View, end: number): number {
  const { text, kinds } = view;
  if (end >= text.length || !isExtension(view, end)) {
    return end;
  }
  let i = end + 1;
  while (isKind(kinds, i, digit) && i - end <= extensionDigitsMax) {
    i += 1;
  }
  return isKind(kinds, i, wordKinds) ? end : i;
}

const isCentury = (number: number): boolean => number === 19 || number === 20;

/** True for what begins with a date: 05-06-2024, 2024-05-06, 05.06.24. */
function isDate(dialled: Dialled): boolean {
  if (dialled.firstLengths === 0x224) {
    return isCentury(leadPair(dialled, 2)) && leadPair(dialled, 0) <= 31 && leadPair(dialled, 1) <= 31;
  }
  return dialled.firstLengths === 0x422 && isCentury(leadPair(dialled, 0));
}

/** True for what is a code of another kind: `02110-1301`, `0020.0002.0072`, `0.0.1904.2025`, and 7 digits in one. */
function isCode(text: string, dialled: Dialled): boolean {
  const { lengths, first, digits, lead } = dialled;
  const isOther = lengths === 0x54 || lengths === 0x444 || lengths === 7 || (first === 1 && leadDigit(dialled, 0) !== 1);
  return isOther || (digits === 10 && lead === 12_345 && digitsOf(text, dialled) === '0123456789');
}

function nationalStrength(text: string, dialled: Dialled, before: string): Strength | null {
  if (isDate(dialled) || isCode(text, dialled)) {
    return null;
  }
  const { digits, groups, first, last, beforeLast } = dialled;
  const isGrouped = groups > 1;
  if (isGrouped && last === 4 && beforeLast === 3 && isNorthAmerican(dialled)) {
    return 'likely';
  }
  if (leadPair(dialled, 0) === 0 && digits >= 11 && callingCodes.test(digitsOf(text, dialled).slice(2))) {
    return isGrouped ? 'likely' : 'weak';
  }
  if (before === '(' && dialled.separator === 0x29 && first >= 2 && first <= 5 && digits >= 9 && digits <= 12) {
    return 'likely';
  }
  if (leadDigit(dialled, 0) !== 0 || leadDigit(dialled, 1) === 0) {
    return 'weak';
  }
  const isFrench = dialled.longest <= 2 && groups === 5 && digits === 10;
  const isTrunk = isGrouped && digits >= 9 && digits <= 12 && first >= 3 && first <= 5 && !dialled.hasDot;
  const isBare = !isGrouped && (digits === 10 || digits === 11);
  return isFrench || isTrunk || isBare ? 'likely' : 'weak';
}

function strengthOf({ text }: View, dialled: Dialled): Strength | null {
  const { start } = dialled;
  const before = start > 0 ? (text[start - 1] ?? '') : '';
  if (before === '+') {
    return dialled.digits >= 8 && callingCodes.test(digitsOf(text, dialled)) ? 'sure' : null;
  }
  return nationalStrength(text, dialled, before);
}

/** Returns where the number begins, with its plus sign or parenthesis. */
function beginOf({ text }: View, { start, hasParenthesis }: Dialled): number {
  const before = start > 0 ? text[start - 1] : '';
  const isOpen = before === '(' && hasParenthesis;
  const begin = before === '+' || isOpen ? start - 1 : start;
  return isOpen && begin > 0 && text[begin - 1] === '+' ? begin - 1 : begin;
}

function find(view: View, take: Take): void {
  const { text, kinds } = view;
  let isInWord = false;
  for (let i = 0; i < text.length; i += 1) {
    const kind = kinds[i] ?? 0;
    const isBegin = (kind & digit) !== 0 && !isInWord;
    isInWord = (kind & wordKinds) !== 0;
    if (!isBegin) {
      continue;
    }
    const dialled = readGroups(view, i);
    if (dialled.digits < digitsMin) {
      continue;
    }
    const begin = beginOf(view, dialled);
    const isApart = begin === 0 || !(isKind(kinds, begin - 1, wordKinds) || (text[begin - 1] === '-' && isKind(kinds, begin - 2, wordKinds)));
    const strength = isApart ? strengthOf(view, dialled) : null;
    if (strength === null) {
      continue;
    }
    const end = extendedEnd(view, dialled.end);
    const surroundings = surroundingsOf(view, begin, end);
    if (surroundings !== 'part') {
      const isSeries = surroundings === 'series' && strength === 'likely' && !isJoined(text.slice(begin, end));
      take(begin, end, isSeries ? 'weak' : strength);
      i = end - 1;
      isInWord = true;
    }
  }
}

export const phone: Detector = {
  name: 'phone',
  about:
    'A phone number: international with an assigned calling code, of North America, or national with its groups and trunk prefix. Other numbers of 7 to 15 digits where a word before says so.',
  example: '+1 555-555-0123',
  words: (
    'phone phones telephone tel tél tlf tfn mobile mob cell cellphone fax call called calling dial desk sms whatsapp hotline landline telefon telefonnummer ' +
    'handy mobil mobilnummer rufnummer anruf téléphone telephone portable appeler appelez teléfono telefono móvil movil celular cellulare chiamare telefone ligue ' +
    'telefoon bellen mobiel telefonu komórka puhelin телефон тел 电话 手机 電話 携帯 전화 전화번호 휴대폰 phonenumber'
  ).split(' '),
  traits: digit,
  otherTraits: any,
  unitsMin: 7,
  digitsMin: 7,
  find,
};
