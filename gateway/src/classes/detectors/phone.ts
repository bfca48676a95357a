import { digit, kinds, wordKinds } from '../characters.ts';
import type { Strength } from '../context.ts';
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
/** A number of North America. The rules of its areas are not checked, because numbers in examples and tests break them. */
const northAmerican = /^1?[1-9]\d{9}$/;

/** The digits of a number that may be one of a phone, with the lengths of their groups and all that is between them. */
interface Dialled {
  digits: string;
  readonly groups: number[];
  separators: string;
  end: number;
}

const unitOf = (text: string, position: number): number => kinds[text.charCodeAt(position)] ?? 0;
const isDigit = (text: string, position: number): boolean => (unitOf(text, position) & digit) !== 0;
const isWord = (text: string, position: number): boolean => (unitOf(text, position) & wordKinds) !== 0;

/** Returns the length of what is between two groups, at most three characters, or 0. */
function separatorLength(text: string, position: number): number {
  for (let i = position; i < text.length && i - position <= 3; i += 1) {
    const character = text[i] ?? '';
    if (isDigit(text, i)) {
      return i - position;
    }
    if (!' -./()'.includes(character)) {
      return 0;
    }
  }
  return 0;
}

/** Reads groups of digits from `start`, as long as they are not too many for a phone. */
function readGroups({ text }: View, start: number): Dialled {
  const dialled: Dialled = { digits: '', groups: [], separators: '', end: start };
  for (let i = start; dialled.groups.length < groupsMax;) {
    let end = i;
    while (end < text.length && isDigit(text, end) && end - i <= digitsMax) {
      end += 1;
    }
    const isPart = end < text.length && isWord(text, end) && !isExtension(text, end);
    if (end === i || isPart || dialled.digits.length + end - i > digitsMax) {
      break;
    }
    dialled.digits += text.slice(i, end);
    dialled.groups.push(end - i);
    dialled.end = end;
    const between = separatorLength(text, end);
    if (between === 0) {
      break;
    }
    dialled.separators += text.slice(end, end + between);
    i = end + between;
    if (isWholeNorthAmerican(text, start, dialled)) {
      break;
    }
  }
  return dialled;
}

/** A number of North America has ten digits, so digits behind it are something else. */
function isWholeNorthAmerican(text: string, start: number, { digits, groups }: Dialled): boolean {
  if (digits.length < 10) {
    return false;
  }
  const isInternational = text[start - 1] === '+' && digits.startsWith('1');
  return isInternational ? digits.length === 11 : groups.at(-1) === 4 && groups.at(-2) === 3 && northAmerican.test(digits);
}

function isExtension(text: string, position: number): boolean {
  return (text[position] === 'x' || text[position] === 'X') && isDigit(text, position + 1);
}

/** Returns the end with an extension: `x123`. */
function extendedEnd({ text }: View, end: number): number {
  if (end >= text.length || !isExtension(text, end)) {
    return end;
  }
  let i = end + 1;
  while (i < text.length && isDigit(text, i) && i - end <= extensionDigitsMax) {
    i += 1;
  }
  return i === text.length || !isWord(text, i) ? i : end;
}

/** True for what begins with a date: 05-06-2024, 2024-05-06, 05.06.24. */
function isDate({ groups, digits }: Dialled): boolean {
  if (groups.length < 3) {
    return false;
  }
  const key = groups.slice(0, 3).join('-');
  const [first, second] = [Number(digits.slice(0, 2)), Number(digits.slice(2, 4))];
  if (key === '2-2-4') {
    return /^(?:19|20)/.test(digits.slice(4)) && first <= 31 && second <= 31;
  }
  return key === '4-2-2' && /^(?:19|20)/.test(digits);
}

/** True for what is a code of another kind: `02110-1301`, `0020.0002.0072`, `0.0.1904.2025`, and 7 digits in one. */
function isCode({ groups, digits }: Dialled): boolean {
  const key = groups.join('-');
  return key === '5-4' || key === '4-4-4' || key === '7' || (groups[0] === 1 && digits[0] !== '1') || digits === '0123456789';
}

function nationalStrength(dialled: Dialled, before: string): Strength | null {
  const { digits, groups, separators } = dialled;
  const { length } = digits;
  if (isDate(dialled) || isCode(dialled)) {
    return null;
  }
  const isGrouped = groups.length > 1;
  const [first = 0] = groups;
  const isSmall = groups.every((each) => each <= 2);
  if (northAmerican.test(digits) && isGrouped && groups.at(-1) === 4 && groups.at(-2) === 3) {
    return 'likely';
  }
  if (digits.startsWith('00') && length >= 11 && callingCodes.test(digits.slice(2))) {
    return isGrouped ? 'likely' : 'weak';
  }
  if (before === '(' && separators.startsWith(')') && first >= 2 && first <= 5 && length >= 9 && length <= 12) {
    return 'likely';
  }
  const isFrench = isSmall && groups.length === 5 && length === 10 && /^0[1-9]/.test(digits);
  const isTrunk = /^0[1-9]/.test(digits) && isGrouped && length >= 9 && length <= 12 && first >= 3 && first <= 5 && !separators.includes('.');
  const isBare = /^0[1-9]/.test(digits) && !isGrouped && (length === 10 || length === 11);
  return isFrench || isTrunk || isBare ? 'likely' : 'weak';
}

function strengthOf(view: View, start: number, dialled: Dialled): Strength | null {
  const { digits, groups } = dialled;
  const before = start > 0 ? (view.text[start - 1] ?? '') : '';
  if (before === '+') {
    const isWhole = digits.length >= 8 && callingCodes.test(digits);
    return isWhole && (groups[0] ?? 0) !== 0 ? 'sure' : null;
  }
  return nationalStrength(dialled, before);
}

/** Returns where the number begins, with its plus sign or parenthesis. */
function beginOf({ text }: View, start: number, separators: string): number {
  const before = start > 0 ? text[start - 1] : '';
  const isOpen = before === '(' && separators.includes(')');
  const begin = before === '+' || isOpen ? start - 1 : start;
  return isOpen && begin > 0 && text[begin - 1] === '+' ? begin - 1 : begin;
}

function find(view: View, take: Take): void {
  const { text } = view;
  for (let i = 0; i < text.length; i += 1) {
    if (!isDigit(text, i) || (i > 0 && isWord(text, i - 1))) {
      continue;
    }
    const dialled = readGroups(view, i);
    const begin = beginOf(view, i, dialled.separators);
    const isApart = begin === 0 || !(isWord(text, begin - 1) || (text[begin - 1] === '-' && isWord(text, begin - 2)));
    const strength = isApart && dialled.digits.length >= digitsMin ? strengthOf(view, i, dialled) : null;
    const end = extendedEnd(view, dialled.end);
    const surroundings = strength === null ? 'part' : surroundingsOf(view, begin, end);
    if (strength !== null && surroundings !== 'part') {
      take(begin, end, surroundings === 'series' && strength === 'likely' ? 'weak' : strength);
      i = end - 1;
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
  unitsMin: 7,
  digitsMin: 7,
  find,
};
