import type { Identifier } from '../detector.ts';
import { isLuhn, isUniform } from './check-digits.ts';

/** Ranges of issuers (ISO/IEC 7812), as the first digits from and to, with the lengths of their numbers. */
const issuers: readonly { readonly from: string; readonly to: string; readonly lengths: readonly number[] }[] = [
  { from: '34', to: '34', lengths: [15] },
  { from: '37', to: '37', lengths: [15] },
  { from: '4', to: '4', lengths: [13, 16, 19] },
  { from: '51', to: '55', lengths: [16] },
  { from: '2221', to: '2720', lengths: [16] },
  { from: '6011', to: '6011', lengths: [16, 19] },
  { from: '644', to: '659', lengths: [16, 19] },
  { from: '300', to: '305', lengths: [14, 16] },
  { from: '3095', to: '3095', lengths: [14, 16] },
  { from: '36', to: '36', lengths: [14] },
  { from: '38', to: '39', lengths: [14, 16] },
  { from: '35', to: '35', lengths: [16] },
  { from: '1800', to: '1800', lengths: [15] },
  { from: '2131', to: '2131', lengths: [15] },
  { from: '62', to: '62', lengths: [16, 17, 18, 19] },
  { from: '2200', to: '2204', lengths: [16] },
  { from: '50', to: '50', lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
  { from: '56', to: '58', lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
  { from: '6390', to: '6390', lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
  { from: '6304', to: '6304', lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
  { from: '6759', to: '6763', lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
];

function isIssued(digits: string): boolean {
  return issuers.some(({ from, to, lengths }) => {
    const first = digits.slice(0, from.length);
    return first >= from && first <= to && lengths.includes(digits.length);
  });
}

/** Forms with groups of these lengths, with each of the separators. */
function grouped(groups: readonly (readonly number[])[]): string {
  const separators = [' ', '-', '.', '/'];
  return separators.flatMap((separator) => groups.map((each) => each.map((length) => '0'.repeat(length)).join(separator))).join('|');
}

const bare = (...lengths: readonly number[]): string => lengths.map((length) => '0'.repeat(length)).join('|');

export const card: Identifier = {
  name: 'card',
  about:
    'The number of a payment card: of the range of an issuer, with its length and a valid check digit (Luhn). In the groups that are printed, or in one; in other groups or lengths where a word before says so.',
  example: '4111 1111 1111 1111',
  words: (
    'card cards cardno ccnum ccn cc pan visa mastercard amex maestro diners jcb unionpay discover credit debit kreditkarte kartennummer karte carte bancaire tarjeta ' +
    'crédito credito carta cartão cartao creditcard kaart karta kredytow kort kortti kart paid pay charge 信用卡 クレジットカード'
  ).split(' '),
  forms: {
    sure: grouped([
      [4, 4, 4, 4],
      [4, 6, 5],
      [4, 6, 4],
      [4, 4, 4, 4, 3],
    ]),
    likely: bare(14, 15, 16),
    weak: `${bare(12, 13, 14, 15, 16, 17, 18, 19)}|${grouped([
      [4, 4, 4, 4],
      [4, 6, 5],
      [4, 6, 4],
      [4, 4, 4, 1],
      [4, 4, 4, 2],
      [4, 4, 4, 3],
      [4, 4, 5],
      [6, 13],
      [8, 8],
      [4, 4, 8],
      [5, 5, 5],
      [6, 10],
      [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ])}`,
  },
  // Where a word says that it is a card, a range that is not known yet is no reason to let it pass.
  isValid: (digits, strength) => (strength === 'weak' ? /^[02-6]/.test(digits) : isIssued(digits)) && isLuhn(digits) && !isUniform(digits),
};
