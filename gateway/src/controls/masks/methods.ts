import { createHmac, type KeyObject } from 'node:crypto';
import type { MaskMethod } from '../../policy/mask-text.ts';

/** Number of hexadecimal digits of a digest: 64 bits, so that two values among a billion have the same with a chance of 3 %. */
const digits = 16;
const shownMax = 4;
/** A value of fewer letters and digits would be known by its last four. */
const last4Min = 8;

/** Returns the keyed digest of a value of a class. Without the key nobody can try values until one fits. */
export function digestOf(key: KeyObject, name: string, value: string): string {
  return createHmac('sha256', key).update(`${name}\0${value}`).digest('hex').slice(0, digits);
}

/** True if a method leaves characters of a value where they were. */
export function showsForm(method: MaskMethod | undefined): boolean {
  return method === 'last4' || method === 'replace';
}

/** Returns what stands in place of a value. */
export function maskedValue(method: Exclude<MaskMethod, 'hash' | 'pseudonym'>, name: string, value: string): string {
  switch (method) {
    case 'null':
      return '';
    case 'redact':
      return `[${name}]`;
    case 'replace':
      return value.replaceAll(/\p{L}/gu, 'x').replaceAll(/\p{N}/gu, '0');
    default: {
      const shown = [...value.matchAll(/[\p{L}\p{N}]/gu)].map(({ index }) => index);
      const from = shown.length < last4Min ? value.length : (shown.at(-shownMax) ?? value.length);
      return value.slice(0, from).replaceAll(/[\p{L}\p{N}]/gu, '*') + value.slice(from);
    }
  }
}
