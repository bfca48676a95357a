import { any, at, digit, dotted, hyphen, kinds, lower, upper, wordKinds } from '../characters.ts';
import type { Detector, Take } from '../detector.ts';
import { textBefore, type View } from '../view.ts';

const kindAt = (text: string, position: number): number => kinds[text.charCodeAt(position)] ?? 0;
const isDigit = (text: string, position: number): boolean => (kindAt(text, position) & digit) !== 0;
const isWord = (text: string, position: number): boolean => (kindAt(text, position) & wordKinds) !== 0;

const dotUnit = 0x2e;
const colonUnit = 0x3a;
const hyphenUnit = 0x2d;

/** Returns the end of the four numbers from 0 to 255 that begin at `start`, or -1. */
function dottedEnd(text: string, start: number): number {
  let i = start;
  for (let part = 0; part < 4; part += 1) {
    const begin = i;
    let number = 0;
    while (i < text.length && i - begin < 4 && isDigit(text, i)) {
      number = number * 10 + text.charCodeAt(i) - 0x30;
      i += 1;
    }
    if (i === begin || number > 255 || (i - begin > 1 && text.charCodeAt(begin) === 0x30)) {
      return -1;
    }
    if (part < 3) {
      if (text.charCodeAt(i) !== dotUnit) {
        return -1;
      }
      i += 1;
    }
  }
  return i < text.length && (isWord(text, i) || (text[i] === '.' && i + 1 < text.length && isDigit(text, i + 1))) ? -1 : i;
}

function isHex(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x46) || (unit >= 0x61 && unit <= 0x66);
}

const addressUnitsMax = 45;

/** True for the text of an IPv6 address: eight groups, or fewer with one `::`. At least one digit tells it from names of programs. */
function isSixth(text: string): boolean {
  const [head = '', tail, more] = text.split('::');
  const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const groups = [...groupsOf(head), ...groupsOf(tail ?? '')];
  const lastGroups = groups.at(-1)?.includes('.') === true ? 2 : 1;
  const count = groups.length - 1 + lastGroups;
  const areGroups = groups.every(
    (group, i) => /^[0-9a-f]{1,4}$/i.test(group) || (i === groups.length - 1 && lastGroups === 2 && dottedEnd(group, 0) === group.length),
  );
  const isShort = tail !== undefined && count <= 7 && (groups.length > 1 || text === '::1');
  return areGroups && more === undefined && /\d/.test(text) && (tail === undefined ? count === 8 : isShort);
}

function findAddresses(view: View, take: Take): void {
  const { text, kinds: kindOf } = view;
  let isInWord = false;
  for (let i = 0; i < text.length; i += 1) {
    const kind = kindOf[i] ?? 0;
    const mayBegin = !isInWord && (kind & (lower | upper | digit | dotted)) !== 0;
    isInWord = (kind & (wordKinds | dotted)) !== 0;
    if (!mayBegin || !(isHex(text.charCodeAt(i)) || text.startsWith('::', i))) {
      continue;
    }
    const end = (kind & digit) === 0 ? -1 : dottedEnd(text, i);
    if (end !== -1) {
      if (!/(?:version|release|build|revision|firmware|chapter|section|kapitel|abschnitt|clause|oid|\bv)\W{0,3}$/i.test(textBefore(view, i))) {
        take(i, end, 'sure');
      }
      i = end - 1;
      continue;
    }
    let last = i;
    let colons = 0;
    let isShort = false;
    for (; last < text.length && last - i <= addressUnitsMax; last += 1) {
      const each = text.charCodeAt(last);
      if (each === colonUnit) {
        colons += 1;
        isShort ||= text.charCodeAt(last + 1) === colonUnit;
      } else if (!isHex(each) && each !== dotUnit) {
        break;
      }
    }
    // Six of them stand before an address of version 4.
    if (colons < 6 && !isShort) {
      continue;
    }
    while (last > i && /[:.]/.test(text[last - 1] ?? '') && !text.slice(i, last).endsWith('::')) {
      last -= 1;
    }
    if (last - i > 2 && (last === text.length || !isWord(text, last)) && isSixth(text.slice(i, last))) {
      take(i, last, 'sure');
      i = last - 1;
    }
  }
}

export const ip: Detector = {
  name: 'ip',
  about: 'An address of the Internet protocol, version 4 or 6. Not four numbers behind a word like version or section.',
  example: '192.0.2.17',
  traits: digit,
  otherTraits: dotted,
  unitsMin: 3,
  digitsMin: 1,
  find: findAddresses,
};

const macPattern = /^(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})$/i;

function findMac(view: View, take: Take): void {
  const { text } = view;
  const { kinds: kindOf } = view;
  for (let i = 0; i + 14 <= text.length; i += 1) {
    if (((kindOf[i + 2] ?? 0) & (dotted | hyphen)) === 0 && ((kindOf[i + 4] ?? 0) & dotted) === 0) {
      continue;
    }
    const separator = text.charCodeAt(i + 2);
    const isPairs = (separator === colonUnit || separator === hyphenUnit) && text.charCodeAt(i + 5) === separator && text.charCodeAt(i + 8) === separator;
    const length = isPairs ? 17 : text.charCodeAt(i + 4) === dotUnit && text.charCodeAt(i + 9) === dotUnit ? 14 : 0;
    if (length === 0 || i + length > text.length || (i > 0 && /[\w:.-]/.test(text[i - 1] ?? ''))) {
      continue;
    }
    const end = i + length;
    const isApart = end === text.length || !(isWord(text, end) || (/[:.-]/.test(text[end] ?? '') && end + 1 < text.length && isWord(text, end + 1)));
    if (isApart && macPattern.test(text.slice(i, end))) {
      take(i, end, length === 14 ? 'weak' : 'sure');
    }
  }
}

export const mac: Detector = {
  name: 'mac',
  about: 'A hardware address (EUI-48) in pairs with colons or hyphens, or, where a word before says so, in three groups with dots.',
  example: '00:00:5e:00:53:af',
  words: ['mac', 'macaddr', 'ether', 'ethernet', 'hwaddr', 'arp', 'bssid', 'vlan', 'interface', 'device'],
  traits: dotted | hyphen,
  otherTraits: any,
  unitsMin: 14,
  digitsMin: 0,
  find: findMac,
};

const schemeUnitsMax = 24;
const userUnitsMax = 512;

function findCredentials(view: View, take: Take): void {
  const { text } = view;
  for (let mid = text.indexOf('://'); mid !== -1; mid = text.indexOf('://', mid + 3)) {
    let scheme = mid;
    while (scheme > 0 && mid - scheme < schemeUnitsMax && /[a-z0-9+.-]/i.test(text[scheme - 1] ?? '')) {
      scheme -= 1;
    }
    let sign = -1;
    let colon = -1;
    for (let i = mid + 3; i < text.length && i - mid < userUnitsMax; i += 1) {
      const character = text[i] ?? '';
      if (/[/?#\\ ]/.test(character)) {
        break;
      }
      if (character === ':' && colon === -1) {
        colon = i;
      }
      if (character === '@') {
        sign = i;
      }
    }
    // The password may be a place for one: ${PASSWORD} and <password> are cut by their braces already.
    if (scheme < mid && colon !== -1 && sign > colon + 1 && !/^(?:\*+|x+|\$\w+)$/i.test(text.slice(colon + 1, sign))) {
      take(mid + 3, sign, 'sure');
    }
  }
}

export const urlCredentials: Detector = {
  name: 'url-credentials',
  about: 'The user and password in a URL. Not where the password is a place for one, as in user:****@.',
  example: 'postgres://app:not-a-secret@db.example.com/shop',
  traits: at,
  otherTraits: any,
  unitsMin: 8,
  digitsMin: 0,
  find: findCredentials,
};
