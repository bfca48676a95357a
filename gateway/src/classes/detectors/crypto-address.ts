import { createHash, hash } from 'node:crypto';
import { alphanumericUnits, digit, kinds, lower, nextRun, upper, wordKinds } from '../characters.ts';
import type { Detector, Take } from '../detector.ts';
import type { View } from '../view.ts';

const base58Characters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const bytesOfBase58 = 25;
/** First bytes of addresses of Bitcoin, Litecoin, Dogecoin, Dash and Tron, and of test networks of Bitcoin. */
const versions: ReadonlySet<number> = new Set([0x00, 0x05, 0x1e, 0x16, 0x30, 0x32, 0x4c, 0x10, 0x41, 0x6f, 0xc4]);

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** True for 25 bytes in base 58 whose last four are the begin of the double digest of the others. */
function isBase58Check(text: string): boolean {
  if (!/^[1-379ADLMTXmn][1-9A-HJ-NP-Za-km-z]+$/.test(text)) {
    return false;
  }
  const bytes = new Uint8Array(bytesOfBase58);
  for (const character of text) {
    let carry = base58Characters.indexOf(character);
    for (let i = bytesOfBase58 - 1; i >= 0; i -= 1) {
      carry += (bytes[i] ?? 0) * 58;
      bytes[i] = carry & 0xff;
      carry >>= 8;
    }
    if (carry > 0) {
      return false;
    }
  }
  const check = sha256(sha256(bytes.subarray(0, 21)));
  return versions.has(bytes[0] ?? 0) && bytes.subarray(21).every((byte, i) => byte === check[i]);
}

const bech32Characters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const bech32Generators: readonly number[] = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
/** The remainders of BIP 173 and of BIP 350. */
const bech32Remainders: ReadonlySet<number> = new Set([1, 0x2bc830a3]);

/** True for a segregated witness address of Bitcoin or Litecoin. */
function isBech32(text: string): boolean {
  const lowered = text.toLowerCase();
  const one = lowered.indexOf('1');
  const prefix = lowered.slice(0, one);
  if (!['bc', 'tb', 'ltc'].includes(prefix) || (text !== lowered && text !== text.toUpperCase())) {
    return false;
  }
  const values = Array.from(lowered.slice(one + 1)).map((each) => bech32Characters.indexOf(each));
  const expanded = Array.from(prefix).map((each) => each.charCodeAt(0));
  let rest = 1;
  for (const value of [...expanded.map((each) => each >> 5), 0, ...expanded.map((each) => each & 31), ...values]) {
    const top = rest >>> 25;
    rest = ((rest & 0x1ffffff) << 5) ^ value;
    bech32Generators.forEach((generator, i) => {
      rest ^= ((top >> i) & 1) === 1 ? generator : 0;
    });
  }
  return !values.includes(-1) && bech32Remainders.has(rest);
}

/** True for the capitals of EIP-55. */
function isEip55(hex: string): boolean {
  const digest = hash('keccak-256', hex.toLowerCase());
  return Array.from(hex).every((each, i) => !/[a-f]/i.test(each) || (each === each.toUpperCase()) === Number.parseInt(digest[i] ?? '', 16) > 7);
}

const unitsMin = 25;
const isWord = (text: string, position: number): boolean => ((kinds[text.charCodeAt(position)] ?? 0) & wordKinds) !== 0;

function findAddresses({ text }: View, take: Take): void {
  for (let begin = nextRun(text, 0, unitsMin, alphanumericUnits); begin !== -1;) {
    let i = begin + unitsMin;
    while (i < text.length && isWord(text, i)) {
      i += 1;
    }
    const length = i - begin;
    if (length <= 90 && (begin === 0 || !isWord(text, begin - 1))) {
      const value = text.slice(begin, i);
      if (length === 42 && /^0x[0-9a-f]{40}$/i.test(value)) {
        const hex = value.slice(2);
        const isMixed = /[a-f]/.test(hex) && /[A-F]/.test(hex);
        if (!isMixed) {
          take(begin, i, 'weak');
        } else if (isEip55(hex)) {
          take(begin, i, 'sure');
        }
      } else if ((length <= 36 && isBase58Check(value)) || isBech32(value)) {
        take(begin, i, 'sure');
      }
    }
    begin = nextRun(text, i, unitsMin, alphanumericUnits);
  }
}

export const cryptoAddress: Detector = {
  name: 'crypto-address',
  about:
    'An address of Bitcoin, Litecoin, Dogecoin, Dash, Tron (Base58Check, Bech32, Bech32m) or Ethereum (EIP-55) with its checksum. One of Ethereum without capitals has none, so a word before must say so.',
  example: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  words: ['bitcoin', 'btc', 'ethereum', 'eth', 'wallet', 'litecoin', 'ltc', 'dogecoin', 'tron', 'crypto', 'usdt', 'erc'],
  traits: digit,
  otherTraits: lower | upper,
  unitsMin,
  digitsMin: 1,
  find: findAddresses,
};
