import { any, at, digit, kinds, letter, lower, upper } from '../characters.ts';
import type { Detector, Take } from '../detector.ts';
import type { View } from '../view.ts';

/** RFC 5321, 4.5.3.1. */
const localUnitsMax = 64;
const domainUnitsMax = 255;
const labelUnitsMax = 63;

/** Endings of file names that are no top-level domains: `logo@2x.png` is no address. */
const fileEndings: ReadonlySet<string> = new Set('bmp css csv gif html ico jpeg jpg js json jsx pdf png svg tiff tsx txt webp xml yaml yml'.split(' '));

const alphanumeric = lower | upper | digit | letter;

function isLocal(unit: number): boolean {
  // . _ % + - '
  return ((kinds[unit] ?? 0) & alphanumeric) !== 0 || unit === 0x2e || unit === 0x5f || unit === 0x25 || unit === 0x2b || unit === 0x2d || unit === 0x27;
}

function isAlphanumeric(unit: number): boolean {
  return ((kinds[unit] ?? 0) & alphanumeric) !== 0;
}

/** Returns where the local part begins that ends at `end`, or `end` if there is none. The letter of an escape like `\n` does not belong to it. */
function localStart(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start < localUnitsMax && isLocal(text.charCodeAt(start - 1))) {
    start -= 1;
  }
  if (text[start - 1] === '\\') {
    start += text[start] === 'u' ? 5 : /[nrtbf]/.test(text[start] ?? '') ? 1 : 0;
  }
  while (start < end && !isAlphanumeric(text.charCodeAt(start)) && text[start] !== '_') {
    start += 1;
  }
  return start;
}

/** Returns where the domain ends that begins at `start`, or `start` if there is none. It has two labels at least, and the last one begins with a letter. */
function domainEnd(text: string, start: number): number {
  const most = Math.min(text.length, start + domainUnitsMax);
  let end = start;
  let labels = 0;
  let last = start;
  for (let i = start; ;) {
    const begin = i;
    while (i < most && i - begin < labelUnitsMax && (isAlphanumeric(text.charCodeAt(i)) || (text[i] === '-' && i > begin))) {
      i += 1;
    }
    let labelEnd = i;
    while (labelEnd > begin && text[labelEnd - 1] === '-') {
      labelEnd -= 1;
    }
    if (labelEnd === begin) {
      break;
    }
    labels += 1;
    const isTop = labelEnd - begin >= 2 && ((kinds[text.charCodeAt(begin)] ?? 0) & digit) === 0;
    if (labels >= 2 && isTop) {
      end = labelEnd;
      last = begin;
    }
    if (labelEnd < i || text[i] !== '.') {
      break;
    }
    i += 1;
  }
  return fileEndings.has(text.slice(last, end).toLowerCase()) ? start : end;
}

/** True if what ends at `position` is the part of a URL that names a user: `https://user:password@host`. */
function isInUrl(text: string, position: number): boolean {
  for (let i = position - 1; i >= 0 && position - i <= 2 * localUnitsMax; i -= 1) {
    if (text[i] === '/') {
      return text[i - 1] === '/' && text[i - 2] === ':';
    }
  }
  return false;
}

function find({ text }: View, take: Take): void {
  for (let sign = text.indexOf('@'); sign !== -1; sign = text.indexOf('@', sign + 1)) {
    const start = localStart(text, sign);
    const end = domainEnd(text, sign + 1);
    if (start < sign && end > sign + 1 && text.slice(start, sign) !== 'git' && !isInUrl(text, sign)) {
      take(start, end, 'sure');
    }
  }
}

export const email: Detector = {
  name: 'email',
  about: 'An e-mail address with a domain of at least two labels. Not the user of a URL, nor the name of an image like logo@2x.png.',
  example: 'jane.doe@example.com',
  traits: at,
  otherTraits: any,
  unitsMin: 6,
  digitsMin: 0,
  find,
};
