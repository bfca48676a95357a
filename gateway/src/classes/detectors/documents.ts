import { alphanumericUnits, any, digit, hyphen, letter, lower, nextRun, space, upper, wordKinds } from '../characters.ts';
import type { Detector, Identifier, Take } from '../detector.ts';
import { surroundingsOf } from '../identifiers.ts';
import { months } from '../months.ts';
import type { View } from '../view.ts';

interface CodeLimits {
  readonly name: string;
  readonly unitsMin: number;
  readonly unitsMax: number;
  readonly digitsMin: number;
}

const codeUnits: Uint8Array = alphanumericUnits.map((isOne, unit) => (unit === 0x2d ? 1 : isOne));

/** Finds words of letters and digits of a length, which only the words before them make a value. Hyphens may be within them. */
function findCodes(view: View, { name, unitsMin, unitsMax, digitsMin }: CodeLimits, take: Take): void {
  const { text, kinds } = view;
  if (nextRun(text, 0, unitsMin, codeUnits) === -1) {
    return;
  }
  const isWord = (position: number): boolean => ((kinds[position] ?? 0) & wordKinds) !== 0;
  for (let start = 0; start < text.length; start += 1) {
    if (!isWord(start)) {
      continue;
    }
    let end = start;
    let digits = 0;
    let small = 0;
    let mayBeCode = true;
    while (isWord(end) || (((kinds[end] ?? 0) & hyphen) !== 0 && isWord(end + 1))) {
      const kind = kinds[end] ?? 0;
      digits += kind === digit ? 1 : 0;
      // Three small letters together are of a word.
      small = kind === lower ? small + 1 : 0;
      mayBeCode &&= small < 3 && kind !== letter;
      end += 1;
    }
    const length = end - start;
    const isCode = mayBeCode && length >= unitsMin && length <= unitsMax && digits >= digitsMin && view.isNamed(name);
    if (isCode && !/^\d{4}-\d\d-\d\d$|^\d{4}-\d{4}$|^0x/.test(text.slice(start, end)) && surroundingsOf(view, start, end) !== 'part') {
      take(start, end, 'weak');
    }
    start = end;
  }
}

export const passport: Detector = {
  name: 'passport',
  about: 'The number of a passport: 6 to 12 letters and digits where a word before says so.',
  example: 'passport C01X00T47',
  words:
    'passport passports reisepass passnummer passeport pasaporte passaporto paspoort passaporte paszport paszportu pasaport паспорт 护照 パスポート 여권'.split(
      ' ',
    ),
  traits: digit,
  otherTraits: any,
  unitsMin: 6,
  digitsMin: 3,
  find: (view, take) => {
    findCodes(view, { name: 'passport', unitsMin: 6, unitsMax: 12, digitsMin: 3 }, take);
  },
};

export const drivingLicence: Detector = {
  name: 'driving-licence',
  about: "The number of a driver's licence: 5 to 20 letters, digits and hyphens where a word before says so.",
  example: "driver's license D123-4567-8901",
  words: (
    'driver drivers driving dl dln führerschein führerscheinnummer conduire conducir patente rijbewijs rijbewijsnummer körkort ajokortti ' +
    'jazdy cnh habilitação condução ehliyet'
  ).split(' '),
  traits: digit,
  otherTraits: any,
  unitsMin: 5,
  digitsMin: 3,
  find: (view, take) => {
    findCodes(view, { name: 'driving-licence', unitsMin: 5, unitsMax: 20, digitsMin: 3 }, take);
  },
};

const birthWords: readonly string[] = (
  'birth born dob birthdate birthday dateofbirth geburt geburtsdatum geboren geb naissance né née nacimiento nacido nacida nascita nato nata nascimento nascido ' +
  'geboortedatum födelsedatum född fødselsdato født syntymäaika urodzenia urodzony doğum рождения 生年月日 出生 출생 생년월일'
).split(' ');

/** True if the digits can be a date with a year of four digits between 1900 and 2099, or of two. */
function isDate(code: string): boolean {
  const digits = code.slice(0, 8).replaceAll(/\D/g, '');
  const month = (text: string): boolean => Number(text) >= 1 && Number(text) <= 31;
  const isYearLast = /(?:19|20)\d\d$/.test(digits) && month(digits.slice(0, 2)) && digits.length >= 6;
  const isYearFirst = /^(?:19|20)\d\d/.test(digits) && month(digits.slice(4, 6)) && digits.length >= 6;
  return isYearLast || isYearFirst || (digits.length === 6 && month(digits.slice(0, 2)) && month(digits.slice(2, 4)));
}

const dateForms = ['/', '.', '-', ' ']
  .flatMap((separator) => ['00 00 0000', '0 00 0000', '00 0 0000', '0 0 0000', '0000 00 00', '00 00 00'].map((form) => form.replaceAll(' ', separator)))
  .join('|');

export const birthDate: Identifier = {
  name: 'birth-date',
  about: 'A date of birth, in digits or with the name of the month, where a word before says so.',
  example: 'born 1980-05-17',
  words: birthWords,
  forms: { weak: `${dateForms}|00000000|0000-00-00A00` },
  isValid: isDate,
};

const dateInWords =
  /(?<![\p{L}\d])(?:\d{1,2}(?:st|nd|rd|th|er|[.º])?(?: (?:de|of))? (?<month>\p{L}{3,10})\.?(?: del?)? (?:19|20)\d\d|(?<first>\p{L}{3,10})\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d)(?!\d)/gu;

export const birthDateInWords: Detector = {
  ...birthDate,
  traits: space,
  otherTraits: lower | upper | letter,
  unitsMin: 9,
  digitsMin: 5,
  find: ({ text, isNamed }, take) => {
    if ((!text.includes(' 19') && !text.includes(' 20')) || !isNamed(birthDate.name)) {
      return;
    }
    for (const { index, 0: date, groups } of text.matchAll(dateInWords)) {
      if (months.has((groups?.['month'] ?? groups?.['first'] ?? '').toLowerCase())) {
        take(index, index + date.length, 'weak');
      }
    }
  },
};

export const icd10: Identifier = {
  name: 'icd10',
  about: 'A code of a diagnosis (ICD-10) where a word before says so.',
  example: 'diagnosis: E11.9',
  words: ['icd', 'diagnosis', 'diagnoses', 'diagnosed', 'diagnose', 'diagnosen', 'diagnostic', 'diagnóstico', 'diagnosi', 'diagnoz'],
  forms: { weak: 'A0X|A0X.X|A0X.XX|A0X.XXX|A0X.XXXX' },
  isValid: (code) => /^[A-Z]\d/.test(code),
};
