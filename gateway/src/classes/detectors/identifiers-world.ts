import type { Identifier } from '../detector.ts';
import { isDay, isLuhn, isUniform, isVerhoeff, weighted } from './check-digits.ts';

const two = (code: string, at: number): number => Number(code.slice(at, at + 2));
const isYearFirst = (code: string): boolean => isDay(two(code, 2), two(code, 4));

/** The check digit by which 11 divides the weighted sum; 10 stands for 0, or for `ten`. */
function elevenLess(sum: number, ten = '0'): string {
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? ten : String(check);
}

function isCpf(digits: string): boolean {
  const first = (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11;
  const second = (weighted(digits, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11;
  return !isUniform(digits) && first % 10 === Number(digits[9]) && second % 10 === Number(digits[10]);
}

function isCnpj(digits: string): boolean {
  const first = elevenLess(weighted(digits, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
  const second = elevenLess(weighted(digits, [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
  // The first branch is 0001, and hardly any company has a thousand.
  return digits[8] === '0' && !isUniform(digits) && first === digits[12] && second === digits[13];
}

function isRut(code: string): boolean {
  const digits = code.slice(0, -1);
  const sum = Array.from(digits)
    .toReversed()
    .reduce((all, each, i) => all + Number(each) * (2 + (i % 6)), 0);
  return /^\d+$/.test(digits) && !isUniform(digits) && elevenLess(sum, 'K') === code.at(-1);
}

const curpCharacters = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';

function isCurp(code: string): boolean {
  const sum = Array.from(code.slice(0, 17)).reduce((all, each, i) => all + curpCharacters.indexOf(each) * (18 - i), 0);
  return /^[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d$/.test(code) && isYearFirst(code.slice(4)) && (10 - (sum % 10)) % 10 === Number(code[17]);
}

function isResidentId(code: string): boolean {
  const check = '10X98765432'[weighted(code, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11];
  return /^[1-9]\d{5}(?:18|19|20)\d{9}[\dX]$/.test(code) && isYearFirst(code.slice(8)) && check === code[17];
}

/** Numbers of letters in identity cards of Taiwan. */
const taiwanLetters = 'ABCDEFGHJKLMNPQRSTUVXYWZIO';

function isTaiwanId(code: string): boolean {
  const first = taiwanLetters.indexOf(code[0] ?? '') + 10;
  const sum = Math.floor(first / 10) + (first % 10) * 9 + weighted(code.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1]);
  return /^[A-Z][1289]/.test(code) && sum % 10 === 0;
}

function isHongKongId(code: string): boolean {
  const letters = code.slice(0, -7);
  const value = (letter: string): number => letter.charCodeAt(0) - 0x37;
  const prefix = letters.length === 2 ? value(letters[0] ?? '') * 9 + value(letters[1] ?? '') * 8 : 36 * 9 + value(letters) * 8;
  const check = elevenLess(prefix + weighted(code.slice(-7), [7, 6, 5, 4, 3, 2]), 'A');
  return check === code.at(-1);
}

function isNric(code: string): boolean {
  const letters: Readonly<Record<string, readonly [number, string]>> = {
    S: [0, 'JZIHGFEDCBA'],
    T: [4, 'JZIHGFEDCBA'],
    F: [0, 'XWUTRQPNMLK'],
    G: [4, 'XWUTRQPNMLK'],
    M: [3, 'XWUTRQPNJLK'],
  };
  const [offset, table] = letters[code[0] ?? ''] ?? [0, ''];
  const rest = (offset + weighted(code.slice(1), [2, 7, 6, 5, 4, 3, 2])) % 11;
  return table[code[0] === 'M' ? 10 - rest : rest] === code[8];
}

function isIrd(code: string): boolean {
  const digits = code.padStart(9, '0');
  const first = elevenLess(weighted(digits, [3, 2, 7, 6, 5, 4, 3, 2]), '-');
  const check = first === '-' ? elevenLess(weighted(digits, [7, 4, 3, 2, 5, 2, 7, 6]), '-') : first;
  return Number(code) > 10_000_000 && Number(code) < 150_000_000 && check === digits[8];
}

const isSsnGroups = (digits: string): boolean => digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000';
const isItin = (digits: string): boolean => /^9\d\d(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])/.test(digits) && isSsnGroups(digits);

/** The national identifiers of America, Asia, Africa and Oceania. */
export const worldIdentifiers: readonly Identifier[] = [
  {
    name: 'us-ssn',
    about:
      "A social security number of the United States: no area 000 or 666, no empty group. An area from 900 is nobody's yet, but stands in examples and tests. Without hyphens only where a word before says so.",
    example: '078-05-1120',
    words: ['ssn', 'ssns', 'social', 'socialsecurity'],
    forms: { likely: '000-00-0000', weak: '000 00 0000|000000000|000.00.0000' },
    isValid: (digits) => !/^(?:000|666)/.test(digits) && isSsnGroups(digits) && !isItin(digits),
  },
  {
    name: 'us-itin',
    about: 'An individual taxpayer identification number of the United States: it begins with 9 and has a group that is assigned.',
    example: '912-70-1234',
    words: ['itin', 'taxpayer'],
    forms: { likely: '000-00-0000', weak: '000 00 0000|000000000' },
    isValid: isItin,
  },
  {
    name: 'ca-sin',
    about: 'A social insurance number of Canada, with its check digit (Luhn). Only where a word before says so.',
    example: 'SIN 046 454 286',
    words: ['sin', 'nas', 'insurance', 'assurance'],
    forms: { weak: '000 000 000|000-000-000|000000000' },
    isValid: (digits) => digits[0] !== '8' && isLuhn(digits) && !isUniform(digits),
  },
  {
    name: 'br-cpf',
    about: 'A CPF of a person in Brazil, with both check digits.',
    example: '529.982.247-25',
    words: ['cpf', 'cadastro'],
    forms: { sure: '000.000.000-00', likely: '000000000-00', weak: '00000000000' },
    isValid: isCpf,
  },
  {
    name: 'br-cnpj',
    about: 'A CNPJ of a company in Brazil, with both check digits.',
    example: '11.222.333/0001-81',
    words: ['cnpj'],
    forms: { sure: '00.000.000/0000-00', likely: '00000000000000|00000000/0000-00' },
    isValid: isCnpj,
  },
  {
    name: 'cl-rut',
    about: 'A RUT of Chile, with its check digit.',
    example: '12.345.678-5',
    words: ['rut', 'run'],
    forms: { sure: '00.000.000-X|0.000.000-X', likely: '00000000-X', weak: '0000000-X|00000000X' },
    isValid: isRut,
  },
  {
    name: 'ar-cuit',
    about: 'A CUIT or CUIL of Argentina, with its check digit.',
    example: '20-12345678-6',
    words: ['cuit', 'cuil'],
    forms: { likely: '00-00000000-0', weak: '00000000000' },
    isValid: (digits) => /^(?:20|23|24|25|26|27|30|33|34)/.test(digits) && elevenLess(weighted(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), '9') === digits[10],
  },
  {
    name: 'mx-curp',
    about: 'A CURP of a person in Mexico, with its check digit and a date of birth.',
    example: 'BOXW310820HNERXN09',
    words: ['curp'],
    forms: { sure: 'AAAA000000AAAAAAX0' },
    isValid: isCurp,
  },
  {
    name: 'uy-ci',
    about: 'An identity card number of Uruguay, with its check digit.',
    example: '1.234.567-2',
    words: ['cédula', 'cedula', 'ci'],
    forms: { likely: '0.000.000-0', weak: '0000000-0|00000000' },
    isValid: (digits) => (10 - (weighted(digits, [2, 9, 8, 7, 6, 3, 4]) % 10)) % 10 === Number(digits[7]),
  },
  {
    name: 'ec-cedula',
    about: 'An identity card number of Ecuador, with its province and check digit. Only where a word before says so.',
    example: 'cédula 1710034065',
    words: ['cédula', 'cedula'],
    forms: { weak: '0000000000|000000000-0' },
    isValid: (digits) => two(digits, 0) >= 1 && two(digits, 0) <= 24 && Number(digits[2]) < 6 && isLuhn(digits),
  },
  {
    name: 'au-tfn',
    about: 'A tax file number of Australia, with its check (mod 11). Only where a word before says so.',
    example: 'TFN 123 456 782',
    words: ['tfn', 'taxfile', 'tax file'],
    forms: { weak: '000 000 000|000000000|000-000-000' },
    isValid: (digits) => weighted(digits, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0 && !isUniform(digits),
  },
  {
    name: 'au-medicare',
    about: 'A Medicare card number of Australia, with its check digit.',
    example: '2123 45670 1',
    words: ['medicare'],
    forms: { likely: '0000 00000 0|0000-00000-0', weak: '0000000000' },
    isValid: (digits) => /^[2-6]/.test(digits) && weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(digits[8]),
  },
  {
    name: 'nz-ird',
    about: 'A tax number of New Zealand, with its check digit. Only where a word before says so.',
    example: 'IRD 49-091-850',
    words: ['ird', 'inland'],
    forms: { weak: '00-000-000|000-000-000|00000000|000000000|00 000 000|000 000 000' },
    isValid: isIrd,
  },
  {
    name: 'in-aadhaar',
    about: 'An Aadhaar number of India, with its check digit (Verhoeff). In one only where a word before says so.',
    example: '2341 2341 2346',
    words: ['aadhaar', 'aadhar', 'uidai', 'uid', 'आधार'],
    forms: { likely: '0000 0000 0000|0000-0000-0000', weak: '000000000000' },
    isValid: (digits) => /^[2-9]/.test(digits) && isVerhoeff(digits),
  },
  {
    name: 'in-pan',
    about: 'A permanent account number of India: five letters, of which the fourth says whose it is, four digits and a letter. It has no public check.',
    example: 'ABCPE1234F',
    words: ['pan', 'permanent'],
    forms: { likely: 'AAAAA0000A' },
    isValid: (code) => /^[A-Z]{3}[ABCFGHLJPT]/.test(code),
  },
  {
    name: 'za-id',
    about: 'An identity number of South Africa, with its check digit (Luhn) and a date of birth.',
    example: '8001015009087',
    words: ['said', 'rsaid'],
    forms: { likely: '0000000000000|000000 0000 000|000000 0000 00 0' },
    isValid: (digits) => isYearFirst(digits) && /[012]$/.test(digits.slice(0, 11)) && isLuhn(digits),
  },
  {
    name: 'cn-resident-id',
    about: 'A resident identity number of China, with its check character (ISO 7064 MOD 11-2) and a date of birth.',
    example: '11010519491231002X',
    words: ['身份证', '身份证号', '居民身份证'],
    forms: { sure: '00000000000000000X' },
    isValid: isResidentId,
  },
  {
    name: 'tw-id',
    about: 'An identity card number of Taiwan, with its check digit.',
    example: 'A123456789',
    words: ['身分證', '身分證字號', '統一編號'],
    forms: { likely: 'A000000000' },
    isValid: isTaiwanId,
  },
  {
    name: 'hk-id',
    about: 'An identity card number of Hong Kong, with its check digit.',
    example: 'A123456(3)',
    words: ['hkid', '身份證'],
    forms: { sure: 'A000000(X)|AA000000(X)', weak: 'A000000X|AA000000X' },
    isValid: isHongKongId,
  },
  {
    name: 'sg-nric',
    about: 'An NRIC or FIN of Singapore, with its check letter.',
    example: 'S1234567D',
    words: ['nric', 'fin'],
    forms: { likely: 'A0000000A' },
    isValid: isNric,
  },
  {
    name: 'th-id',
    about: 'An identity number of Thailand, with its check digit.',
    example: '1-1017-00230-70-8',
    words: ['thai', 'บัตรประชาชน', 'เลขประจำตัวประชาชน'],
    forms: { sure: '0-0000-00000-00-0|0 0000 00000 00 0', weak: '0000000000000' },
    isValid: (digits) => (11 - (weighted(digits, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === Number(digits[12]),
  },
  {
    name: 'my-nric',
    about: 'An identity card number of Malaysia: a date of birth, a place that is assigned and four digits. It has no check digit.',
    example: '801231-14-5678',
    words: ['nric', 'mykad', 'kad', 'pengenalan', 'ic'],
    forms: { likely: '000000-00-0000', weak: '000000000000' },
    isValid: (digits) => isYearFirst(digits) && /^(?:0[1-9]|[1-5]\d|6[0-8]|7[14-9]|8[2-9]|9\d)$/.test(digits.slice(6, 8)),
  },
  {
    name: 'kr-rrn',
    about: 'A resident registration number of Korea: a date of birth, a century and six digits. It has no check digit any more.',
    example: '900101-1234567',
    words: ['주민등록번호', '주민번호', '등록번호', 'rrn'],
    forms: { likely: '000000-0000000', weak: '0000000000000' },
    isValid: (digits) => isYearFirst(digits) && /^[1-8]/.test(digits.slice(6)),
  },
  {
    name: 'jp-my-number',
    about: 'An individual number of Japan (My Number), with its check digit. Only where a word before says so.',
    example: 'マイナンバー 1234 5678 9018',
    words: ['マイナンバー', '個人番号', 'mynumber', 'my number'],
    forms: { weak: '0000 0000 0000|0000-0000-0000|000000000000' },
    isValid: (digits) => {
      const rest = weighted(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
      return (rest < 2 ? 0 : 11 - rest) === Number(digits[11]) && !isUniform(digits);
    },
  },
  {
    name: 'il-id',
    about: 'An identity number of Israel, with its check digit. Only where a word before says so.',
    example: 'תעודת זהות 123456782',
    words: ['זהות', 'teudat', 'zehut'],
    forms: { weak: '000000000|00000000-0' },
    isValid: (digits) => isLuhn(digits) && !isUniform(digits),
  },
  {
    name: 'ae-emirates-id',
    about: 'An identity number of the United Arab Emirates, with its check digit (Luhn).',
    example: '784-1980-1234500-9',
    words: ['emirates'],
    forms: { sure: '000-0000-0000000-0|000 0000 0000000 0', likely: '000000000000000' },
    isValid: (digits) => digits.startsWith('784') && isLuhn(digits),
  },
  {
    name: 'pk-cnic',
    about: 'An identity card number of Pakistan, as it is printed. It has no check digit.',
    example: '35202-1234567-1',
    words: ['cnic', 'nadra'],
    forms: { likely: '00000-0000000-0', weak: '0000000000000' },
    isValid: (digits) => /^[1-7]/.test(digits),
  },
];
