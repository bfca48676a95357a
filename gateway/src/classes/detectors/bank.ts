import { any, digit, kinds, lower, upper, wordKinds } from '../characters.ts';
import type { Detector, Take } from '../detector.ts';
import type { View } from '../view.ts';
import { isMod97 } from './check-digits.ts';

/** Lengths of IBANs by country, from the registry of SWIFT. */
const lengths: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 ' +
    'GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 ' +
    'OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((each) => [each.slice(0, 2), Number(each.slice(2))]),
);

const kindAt = (text: string, position: number): number => kinds[text.charCodeAt(position)] ?? 0;
const isWord = (text: string, position: number): boolean => (kindAt(text, position) & wordKinds) !== 0;

const isLetter = (text: string, position: number): boolean => (kindAt(text, position) & (upper | lower)) !== 0;

/** Returns the end of the IBAN that begins at `start`, or -1. Groups may have one separator between them. */
function ibanEnd({ text }: View, start: number): number {
  const length = lengths.get(text.slice(start, start + 2).toUpperCase());
  if (length === undefined || start + length > text.length) {
    return -1;
  }
  let code = '';
  let i = start;
  while (i < text.length && code.length < length) {
    const character = text[i] ?? '';
    if (/[0-9A-Za-z]/.test(character)) {
      code += character;
    } else if (!/[ .-]/.test(character) || !isWord(text, i - 1)) {
      return -1;
    }
    i += 1;
  }
  const valid = code.length === length && (i === text.length || !isWord(text, i)) && isMod97((code.slice(4) + code.slice(0, 4)).toUpperCase());
  return valid ? i : -1;
}

function findIban(view: View, take: Take): void {
  const { text } = view;
  let isInWord = false;
  for (let i = 0; i + 4 < text.length; i += 1) {
    const kind = kindAt(text, i);
    const isBegin = !isInWord && (kind & (upper | lower)) !== 0 && (kindAt(text, i + 2) & digit) !== 0 && isLetter(text, i + 1);
    const end = isBegin ? ibanEnd(view, i) : -1;
    isInWord = (kind & wordKinds) !== 0;
    if (end !== -1) {
      take(i, end, 'sure');
      i = end - 1;
    }
  }
}

export const iban: Detector = {
  name: 'iban',
  about: 'An international bank account number with the length of its country and valid check digits (mod 97), in one or in groups.',
  example: 'DE89 3704 0044 0532 0130 00',
  words: ['iban'],
  traits: digit,
  otherTraits: lower | upper,
  unitsMin: 15,
  digitsMin: 6,
  find: findIban,
};

const countries: ReadonlySet<string> = new Set([
  ...lengths.keys(),
  ...(
    'US CA MX AU NZ JP CN HK SG IN KR TW TH MY ID PH VN ZA NG KE GH MA AR CL CO PE UY VE PY BO EC PA JM BS BB BM KY BD LK NP MM KH LA MO AF AG AI AM AO AW BF BJ BN BQ BT BW BZ ' +
    'CD CF CG CI CK CM CU CV CW DM ER ET FJ FM GA GD GF GG GM GN GP GQ GU GW GY HT IM IR JE KG KI KM KN KP LR LS MG MH ML MQ MS MV MW MZ NA NC NE NR PF PG PR PW RE RW SB SL SN ' +
    'SR SS SY SZ TC TD TG TJ TM TO TT TV TZ UG UZ VC VI VU WS YT ZM ZW'
  ).split(' '),
]);

function findBic({ text }: View, take: Take): void {
  let begin = 0;
  for (let i = 0; i <= text.length; i += 1) {
    if (i < text.length && isWord(text, i)) {
      continue;
    }
    const length = i - begin;
    if (
      (length === 8 || length === 11) &&
      (kindAt(text, begin) & kindAt(text, begin + 1) & kindAt(text, begin + 4) & upper) !== 0 &&
      /^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/.test(text.slice(begin, i)) &&
      countries.has(text.slice(begin + 4, begin + 6))
    ) {
      take(begin, i, 'weak');
    }
    begin = i + 1;
  }
}

export const bic: Detector = {
  name: 'bic',
  about: 'A business identifier code of a bank (BIC, SWIFT) of a country that has banks, where a word before says so: many words look like one.',
  example: 'BIC DEUTDEFF500',
  words: ['bic', 'swift', 'bankleitzahl'],
  traits: upper,
  otherTraits: any,
  unitsMin: 8,
  digitsMin: 0,
  find: findBic,
};
