import { digit, kinds, wordKinds } from '../characters.ts';
import type { Detector, Take } from '../detector.ts';
import type { View } from '../view.ts';

const digitsMin = 13;
const digitsMax = 19;

/** Ranges of issuers (ISO/IEC 7812), as the first digits from and to, with the lengths of their numbers. */
const issuers: readonly { readonly from: string; readonly to: string; readonly lengths: readonly number[] }[] = [
  { from: '34', to: '34', lengths: [15] },
  { from: '37', to: '37', lengths: [15] },
  { from: '4', to: '4', lengths: [13, 16, 19] },
  { from: '51', to: '55', lengths: [16] },
  { from: '2221', to: '2720', lengths: [16] },
  { from: '6011', to: '6011', lengths: [16, 19] },
  { from: '644', to: '659', lengths: [16, 19] },
  { from: '622126', to: '622925', lengths: [16, 19] },
  { from: '300', to: '305', lengths: [14, 16] },
  { from: '3095', to: '3095', lengths: [14, 16] },
  { from: '36', to: '36', lengths: [14] },
  { from: '38', to: '39', lengths: [14, 16] },
  { from: '3528', to: '3589', lengths: [16] },
  { from: '62', to: '62', lengths: [16, 17, 18, 19] },
  { from: '2200', to: '2204', lengths: [16] },
  { from: '50', to: '50', lengths: [16, 18, 19] },
  { from: '56', to: '58', lengths: [16, 18, 19] },
  { from: '6304', to: '6304', lengths: [16, 18, 19] },
  { from: '6759', to: '6763', lengths: [16, 18, 19] },
];

/** True if the last digit is the check digit of ISO/IEC 7812-1, annex B. */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const value = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    sum += i % 2 === 0 ? value : value > 4 ? value * 2 - 9 : value * 2;
  }
  return sum % 10 === 0;
}

function isIssued(digits: string): boolean {
  return issuers.some(({ from, to, lengths }) => {
    const first = digits.slice(0, from.length);
    return first >= from && first <= to && lengths.includes(digits.length);
  });
}

function isDigit(text: string, position: number): boolean {
  return ((kinds[text.charCodeAt(position)] ?? 0) & digit) !== 0;
}

/** Groups of digits with one separator between them, as they are printed on cards, or all digits in one. */
const groupings: ReadonlySet<string> = new Set(['4-4-4-4', '4-6-5', '4-6-4', '4-4-4-4-3', '4-4-4-1', '4-4-5', '6-13', '4-4-4-2', '4-4-4-3']);

function isWord(text: string, position: number): boolean {
  return ((kinds[text.charCodeAt(position)] ?? 0) & wordKinds) !== 0;
}

/** True if the number goes on before or behind: it is then part of a longer number, a decimal fraction, a UUID or a word. */
function isPart({ text, from, to }: View, start: number, end: number): boolean {
  const before = start > from && (isWord(text, start - 1) || (/[.-]/.test(text[start - 1] ?? '') && start - 1 > from && isWord(text, start - 2)));
  return before || (end < to && (isWord(text, end) || (/[.-]/.test(text[end] ?? '') && end + 1 < to && isWord(text, end + 1))));
}

/** Returns the end of the number that begins at `start`, or -1. */
function cardEnd(view: View, start: number): number {
  const { text, to } = view;
  let digits = '';
  let grouping = '';
  let separator = '';
  for (let i = start, begin = start; i <= to && digits.length < digitsMax + 1;) {
    while (i < to && isDigit(text, i) && i - begin <= digitsMax) {
      i += 1;
    }
    digits += text.slice(begin, i);
    grouping += `${grouping === '' ? '' : '-'}${i - begin}`;
    const isWhole = digits.length >= digitsMin && digits.length <= digitsMax;
    if (isWhole && (separator === '' || groupings.has(grouping)) && isIssued(digits) && isLuhn(digits) && !isPart(view, start, i)) {
      return i;
    }
    const next = text[i] ?? '';
    if (i + 1 >= to || !/[ ./-]/.test(next) || (separator !== '' && separator !== next) || !isDigit(text, i + 1)) {
      return -1;
    }
    separator = next;
    begin = i + 1;
    i = begin;
  }
  return -1;
}

function find(view: View, take: Take): void {
  const { text, from, to } = view;
  for (let i = from; i < to; i += 1) {
    if (isDigit(text, i) && (i === from || !isWord(text, i - 1))) {
      const end = cardEnd(view, i);
      if (end !== -1) {
        take(i, end);
      }
    }
  }
}

export const card: Detector = {
  name: 'card',
  about: 'The number of a payment card: of the range of an issuer, with its length and a valid check digit (Luhn), in one or in the groups that are printed.',
  example: '4111 1111 1111 1111',
  traits: digit,
  find,
};
