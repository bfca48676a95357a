import type { Identifier } from '../detector.ts';
import { isDay, isLuhn, isMod11And10, isUniform, remainder, weighted } from './check-digits.ts';

const two = (code: string, at: number): number => Number(code.slice(at, at + 2));

/** True for the day `DDMMYY` at the start of a code. Some countries add to the day or to the month. */
const isDayFirst = (code: string): boolean => isDay(two(code, 2), two(code, 0));
const isYearFirst = (code: string, monthOf = (month: number): number => month): boolean => isDay(monthOf(two(code, 2)), two(code, 4));

/** The remainder of a weighted sum is the check digit, where 10 stands for 0. */
const isCheckedBy = (digits: string, weights: readonly number[], checkAt: number): boolean => (weighted(digits, weights) % 11) % 10 === Number(digits[checkAt]);

const dniLetters = 'TRWAGMYFPDXBNJZSQVHLCKE';
const hetuLetters = '0123456789ABCDEFHJKLMNPRSTUVWXY';
const ppsLetters = 'WABCDEFGHIJKLMNOPQRSTUV';

function isNhsNumber(digits: string): boolean {
  return (11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(digits[9]) && !isUniform(digits);
}

function isDni(code: string): boolean {
  const digits = code.slice(0, -1).replace(/^[XYZ]/, (first) => String('XYZ'.indexOf(first)));
  return /^\d+$/.test(digits) && dniLetters[Number(digits) % 23] === code.at(-1);
}

/** Values of letters and digits at odd places, from the decree of 23 December 1976. */
const oddValues: readonly number[] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function isCodiceFiscale(code: string): boolean {
  if (!/^[A-Z]{6}[0-9L-NP-V]{2}[ABCDEHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]$/.test(code)) {
    return false;
  }
  let sum = 0;
  for (let i = 0; i < 15; i += 1) {
    const unit = code.charCodeAt(i);
    const value = unit < 0x40 ? unit - 0x30 : unit - 0x41;
    sum += i % 2 === 0 ? (oddValues[value] ?? 0) : value;
  }
  return String.fromCharCode(0x41 + (sum % 26)) === code[15];
}

function isNir(code: string): boolean {
  const month = two(code, 3);
  const digits = code.slice(0, 13).replace('2A', '19').replace('2B', '18');
  const isMonth = (month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50;
  return /^[1-478]\d{12}$/.test(digits) && isMonth && /^\d\d$/.test(code.slice(13)) && 97 - remainder(digits, 97) === two(code, 13);
}

function isSteuerId(digits: string): boolean {
  if (digits[0] === '0' || !isMod11And10(digits)) {
    return false;
  }
  const counts = Array.from('0123456789').map((each) => digits.slice(0, 10).split(each).length - 1);
  const repeated = counts.filter((count) => count > 1);
  return repeated.length === 1 && (repeated[0] ?? 0) <= 3;
}

function isRvnr(code: string): boolean {
  const digits = code.slice(0, 8) + String(code.charCodeAt(8) - 0x40).padStart(2, '0') + code.slice(9);
  const sum = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1].reduce((all, weight, i) => {
    const product = weight * Number(digits[i]);
    return all + Math.floor(product / 10) + (product % 10);
  }, 0);
  return isDay(two(digits, 4), two(digits, 2) % 50) && sum % 10 === Number(digits[12]);
}

function isBelgian(digits: string): boolean {
  const check = two(digits, 9);
  const isDate = isYearFirst(digits, (month) => month % 20) || digits.slice(2, 6) === '0000';
  return isDate && (97 - remainder(digits.slice(0, 9), 97) === check || 97 - remainder(`2${digits.slice(0, 9)}`, 97) === check);
}

function isPersonnummer(code: string): boolean {
  const digits = code.slice(-10);
  const day = two(digits, 4);
  return (code.length === 10 || /^(?:19|20)/.test(code)) && isDay(two(digits, 2), day > 60 ? day - 60 : day) && isLuhn(digits);
}

function isFodselsnummer(digits: string): boolean {
  const day = two(digits, 0);
  const isDate = isDay(two(digits, 2) % 40, day > 40 ? day - 40 : day);
  const first = (11 - (weighted(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11;
  const second = (11 - (weighted(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return isDate && first === Number(digits[9]) && second === Number(digits[10]);
}

function isHetu(code: string): boolean {
  // A century's letter is part of the code, a century's sign is not.
  const digits = code.length === 11 ? code.slice(0, 6) + code.slice(7, 10) : code.slice(0, 9);
  const isCentury = code.length === 10 || /[A-FU-Y]/.test(code[6] ?? '');
  return isCentury && /^\d{9}$/.test(digits) && isDayFirst(digits) && hetuLetters[Number(digits) % 31] === code.at(-1);
}

function isPersonalCode(digits: string): boolean {
  const first = weighted(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
  const check = first < 10 ? first : (weighted(digits, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11) % 10;
  return /^[1-8]/.test(digits) && isYearFirst(digits.slice(1)) && check === Number(digits[10]);
}

function isPesel(digits: string): boolean {
  const isDate = isYearFirst(digits, (month) => (month < 40 ? month % 20 : 0));
  return isDate && (10 - (weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(digits[10]);
}

function isRodneCislo(digits: string): boolean {
  return isYearFirst(digits, (month) => (month % 50 > 20 ? (month % 50) - 20 : month % 50)) && (digits.length === 9 || remainder(digits, 11) === 0);
}

function isPps(code: string): boolean {
  const extra = code.length === 9 ? ppsLetters.indexOf(code[8] ?? '') * 9 : 0;
  return ppsLetters[(weighted(code, [8, 7, 6, 5, 4, 3, 2]) + extra) % 23] === code[7];
}

function isKimlik(digits: string): boolean {
  const odd = weighted(digits, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weighted(digits, [0, 1, 0, 1, 0, 1, 0, 1]);
  const sum = weighted(digits, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  return digits[0] !== '0' && (((odd * 7 - even) % 10) + 10) % 10 === Number(digits[9]) && sum % 10 === Number(digits[10]);
}

/** True for the check digit of an EAN. */
function isEan(digits: string): boolean {
  const sum = Array.from(digits).reduceRight((all, each, i) => all + Number(each) * ((digits.length - i) % 2 === 0 ? 3 : 1), 0);
  return sum % 10 === 0;
}

/** The national identifiers of Europe. */
export const europeanIdentifiers: readonly Identifier[] = [
  {
    name: 'nhs-number',
    about: 'The NHS number of a patient in England, Wales and the Isle of Man, with its check digit (mod 11).',
    example: 'NHS number 943 476 5919',
    words: ['nhs'],
    forms: { likely: '000 000 0000', weak: '0000000000|000-000-0000' },
    isValid: isNhsNumber,
  },
  {
    name: 'uk-nino',
    about: 'A national insurance number of the United Kingdom: prefixes that are in use, six digits and a letter from A to D. It has no check digit.',
    example: 'AB 12 34 56 C',
    words: ['nino', 'insurance', 'ni'],
    forms: { likely: 'AA000000A|AA 00 00 00 A|AA 000000 A|AA-00-00-00-A', weak: 'AA000000A|AA 00 00 00 A|AA 000000 A' },
    // Numbers for a time and for tests have other prefixes.
    isValid: (code, strength) => strength === 'weak' || /^(?:QQ|(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])\d{6}[A-D]$/.test(code),
  },
  {
    name: 'es-dni',
    about: 'A DNI or NIE of Spain, with its check letter.',
    example: '12345678Z',
    words: ['dni', 'nif', 'nie'],
    forms: { likely: '00000000A|00000000-A|00.000.000-A|A0000000A|A-0000000-A', weak: '00000000 A|A 0000000 A' },
    isValid: isDni,
  },
  {
    name: 'it-codice-fiscale',
    about: 'A codice fiscale of a person in Italy, with its check letter.',
    example: 'RSSMRA85T10A562S',
    words: ['codice', 'fiscale', 'cf'],
    forms: { sure: 'AAAAAAXXAXXAXXXA|AAA AAA XXAXX AXXXA' },
    isValid: isCodiceFiscale,
  },
  {
    name: 'fr-nir',
    about: 'A social security number of France (NIR), with its key (97 - n mod 97).',
    example: '2 55 08 14 168 025 38',
    words: ['nir', 'sécurité', 'securite', 'sociale', 'insee', 'sécu'],
    forms: { sure: '0 00 00 0X 000 000 00|0 00 00 0X 000 000-00', likely: '000000X00000000' },
    isValid: isNir,
  },
  {
    name: 'de-steuer-id',
    about: 'A tax identification number of a person in Germany, with its check digit (ISO 7064 MOD 11,10) and the rule of repeated digits.',
    example: '86 095 742 719',
    words: ['steuer', 'steueridentifikationsnummer', 'idnr', 'identifikationsnummer', 'tin'],
    forms: { likely: '00 000 000 000|00000000000|000/000/00000' },
    isValid: isSteuerId,
  },
  {
    name: 'de-rvnr',
    about: 'A pension and social security number of Germany, with its check digit and a date of birth.',
    example: '65 170839 J 003',
    words: ['rentenversicherung', 'rentenversicherungsnummer', 'sozialversicherung', 'rvnr', 'svnr'],
    forms: { sure: '00 000000 A 000', likely: '00000000A000' },
    isValid: isRvnr,
  },
  {
    name: 'at-svnr',
    about: 'A social insurance number of Austria, with its check digit and a date of birth.',
    example: '1237 010180',
    words: ['svnr', 'sozialversicherung', 'versicherungsnummer', 'sv'],
    forms: { likely: '0000 000000|0000-000000', weak: '0000000000' },
    isValid: (digits) => isDayFirst(digits.slice(4)) && weighted(digits, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === Number(digits[3]),
  },
  {
    name: 'ch-ahv',
    about: 'A social insurance number of Switzerland (AHV, AVS), with its check digit.',
    example: '756.9217.0769.85',
    words: ['ahv', 'avs', 'navs', 'sozialversicherung'],
    forms: { sure: '000.0000.0000.00|000 0000 0000 00', likely: '0000000000000' },
    isValid: (digits) => digits.startsWith('756') && isEan(digits),
  },
  {
    name: 'nl-bsn',
    about:
      'A citizen service number of the Netherlands (BSN), with its check (eleven test). Only where a word before says so, for one number in eleven passes.',
    example: 'BSN 111222333',
    words: ['bsn', 'burgerservicenummer', 'sofinummer', 'sofi'],
    forms: { weak: '000000000|0000.00.000|000.000.000|000 000 000|0000 00 000' },
    isValid: (digits) => !isUniform(digits) && weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0,
  },
  {
    name: 'be-nrn',
    about: 'A national register number of Belgium, with its check (mod 97) and a date of birth.',
    example: '85.07.30-033.28',
    words: ['rijksregister', 'rijksregisternummer', 'registre', 'nrn', 'insz', 'niss', 'nationaal'],
    forms: { sure: '00.00.00-000.00|00.00.00.000.00|00 00 00 000 00', likely: '00000000000|000000-000-00|000000-000.00' },
    isValid: isBelgian,
  },
  {
    name: 'se-personnummer',
    about: 'A personal or coordination number of Sweden, with its check digit (Luhn) and a date of birth.',
    example: '811228-9874',
    words: ['personnummer', 'samordningsnummer', 'personnr', 'pnr'],
    forms: { likely: '000000-0000|000000+0000|00000000-0000|000000000000', weak: '0000000000' },
    isValid: isPersonnummer,
  },
  {
    name: 'no-fodselsnummer',
    about: 'A birth number or D-number of Norway, with both check digits and a date of birth. Test persons, whose month is raised, count too.',
    example: '01817012066',
    words: ['fødselsnummer', 'fodselsnummer', 'personnummer', 'fnr'],
    forms: { likely: '00000000000|000000 00000|000000-00000' },
    isValid: isFodselsnummer,
  },
  {
    name: 'dk-cpr',
    about: 'A CPR number of Denmark: a date of birth and four digits. It has no check digit any more, so a word before must say so.',
    example: 'CPR 070761-4285',
    words: ['cpr', 'personnummer'],
    forms: { weak: '000000-0000|0000000000|000000 0000' },
    isValid: isDayFirst,
  },
  {
    name: 'fi-hetu',
    about: 'A personal identity code of Finland, with its check character and a date of birth.',
    example: '131052-308T',
    words: ['hetu', 'henkilötunnus'],
    forms: { sure: '000000-000X|000000+000X|000000A000X' },
    isValid: isHetu,
  },
  {
    name: 'is-kennitala',
    about: 'A kennitala of Iceland, with its check digit (mod 11) and a date of birth.',
    example: '120174-3399',
    words: ['kennitala', 'kt'],
    forms: { likely: '000000-0000', weak: '0000000000' },
    isValid: (digits) =>
      isDay(two(digits, 2), two(digits, 0) % 40) &&
      /[089]$/.test(digits) &&
      (11 - (weighted(digits, [3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(digits[8]),
  },
  {
    name: 'ee-isikukood',
    about: 'A personal code of Estonia or Lithuania, with its check digit and a date of birth.',
    example: '37605030299',
    words: ['isikukood', 'asmens', 'kodas'],
    forms: { likely: '00000000000' },
    isValid: isPersonalCode,
  },
  {
    name: 'pl-pesel',
    about: 'A PESEL number of Poland, with its check digit and a date of birth.',
    example: '44051401359',
    words: ['pesel'],
    forms: { likely: '00000000000' },
    isValid: isPesel,
  },
  {
    name: 'cz-rodne-cislo',
    about:
      'A birth number of Czechia or Slovakia of ten digits, divisible by 11, with a date of birth. One of nine digits, from before 1954, only where a word before says so.',
    example: '710319/2745',
    words: ['rodné', 'rodne', 'rč', 'číslo'],
    forms: { likely: '000000/0000', weak: '0000000000|000000/000' },
    isValid: isRodneCislo,
  },
  {
    name: 'ro-cnp',
    about: 'A personal numeric code of Romania, with its check digit and a date of birth.',
    example: '1800101221144',
    words: ['cnp'],
    forms: { likely: '0000000000000' },
    isValid: (digits) => {
      const check = weighted(digits, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
      return /^[1-9]/.test(digits) && isYearFirst(digits.slice(1)) && (check === 10 ? 1 : check) === Number(digits[12]);
    },
  },
  {
    name: 'bg-egn',
    about: 'A unified civil number of Bulgaria, with its check digit and a date of birth.',
    example: 'ЕГН 7523169263',
    words: ['егн', 'egn'],
    forms: { weak: '0000000000' },
    isValid: (digits) =>
      isYearFirst(digits, (month) => (month > 40 ? month - 40 : month > 20 ? month - 20 : month)) && isCheckedBy(digits, [2, 4, 8, 5, 10, 9, 7, 3, 6], 9),
  },
  {
    name: 'hr-oib',
    about: 'A personal identification number of Croatia, with its check digit (ISO 7064 MOD 11,10). Only where a word before says so.',
    example: 'OIB 69435151530',
    words: ['oib', 'identifikacijski'],
    forms: { weak: '00000000000' },
    isValid: isMod11And10,
  },
  {
    name: 'si-emso',
    about: 'A unique master citizen number of Slovenia and its neighbours (EMŠO, JMBG), with its check digit and a date of birth.',
    example: '0101006500006',
    words: ['emšo', 'emso', 'jmbg'],
    forms: { likely: '0000000000000' },
    isValid: (digits) =>
      isDayFirst(digits) && /^[089]/.test(digits.slice(4)) && (11 - (weighted(digits, [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(digits[12]),
  },
  {
    name: 'gr-amka',
    about: 'A social security number of Greece (AMKA), with its check digit (Luhn) and a date of birth.',
    example: '01018012003',
    words: ['amka', 'αμκα'],
    forms: { likely: '00000000000' },
    isValid: (digits) => isDayFirst(digits) && isLuhn(digits),
  },
  {
    name: 'ie-pps',
    about: 'A personal public service number of Ireland, with its check letter.',
    example: '1234567T',
    words: ['pps', 'ppsn'],
    forms: { likely: '0000000A|0000000AA' },
    isValid: isPps,
  },
  {
    name: 'pt-nif',
    about: 'A tax number of a person or company in Portugal, with its check digit (mod 11). Only where a word before says so.',
    example: 'NIF 123456789',
    words: ['nif', 'contribuinte', 'nipc'],
    forms: { weak: '000000000|000 000 000|000.000.000' },
    isValid: (digits) => {
      const check = 11 - (weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11);
      return /^[1-35-9]|^45/.test(digits) && (check > 9 ? 0 : check) === Number(digits[8]);
    },
  },
  {
    name: 'hu-taj',
    about: 'A social security number of Hungary (TAJ), with its check digit. Only where a word before says so.',
    example: 'TAJ 123 456 788',
    words: ['taj', 'társadalombiztosítási'],
    forms: { weak: '000 000 000|000-000-000|000000000' },
    isValid: (digits) => weighted(digits, [3, 7, 3, 7, 3, 7, 3, 7]) % 10 === Number(digits[8]),
  },
  {
    name: 'tr-kimlik',
    about: 'An identity number of Türkiye, with both check digits.',
    example: 'kimlik 10000000146',
    words: ['kimlik', 'tckn', 'tc'],
    forms: { likely: '000 000 000 00', weak: '00000000000' },
    isValid: isKimlik,
  },
  {
    name: 'ru-snils',
    about: 'An insurance number of Russia (SNILS), with its check digits.',
    example: '112-233-445 95',
    words: ['снилс', 'snils'],
    forms: { sure: '000-000-000 00|000-000-000-00', weak: '00000000000' },
    isValid: (digits) => (weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101) % 100 === two(digits, 9) && !isUniform(digits.slice(0, 9)),
  },
];
