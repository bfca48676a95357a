import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';

/** Decodes text. `goesOn`: the text continues after these bytes, so a partial character at their end is left out. */
export type Decode = (bytes: Buffer, goesOn?: boolean) => string;

export const utf8: Decode = (bytes, goesOn = false) => (goesOn ? decodeStream('utf-8', bytes) : bytes.toString('utf8'));
/** Decodes each byte as one character, so that different bytes always give different text. */
export const byteByByte: Decode = (bytes) => bytes.toString('latin1');

/** PostgreSQL's names of encodings, with the names of https://encoding.spec.whatwg.org for the same encoding or for one that includes it. */
const labels: Readonly<Record<string, string>> = {
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN5: 'windows-1254',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  WIN1250: 'windows-1250',
  WIN1251: 'windows-1251',
  WIN1252: 'windows-1252',
  WIN1253: 'windows-1253',
  WIN1254: 'windows-1254',
  WIN1255: 'windows-1255',
  WIN1256: 'windows-1256',
  WIN1257: 'windows-1257',
  WIN1258: 'windows-1258',
  EUC_JP: 'euc-jp',
  EUC_JIS_2004: 'euc-jp',
  SJIS: 'shift_jis',
  SHIFT_JIS_2004: 'shift_jis',
  EUC_CN: 'gbk',
  GBK: 'gbk',
  GB18030: 'gb18030',
  BIG5: 'big5',
  EUC_KR: 'euc-kr',
  UHC: 'euc-kr',
};

const encodingBytesMax = 64;
/** Most bytes of a partial character: a whole character has at least one byte more. */
const cutCharacterBytesMax = 3;
const plainDecoders: ReadonlyMap<string, Decode> = new Map([
  ['UTF8', utf8],
  ['LATIN1', byteByByte],
]);
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes text that PostgreSQL does not convert (SQL_ASCII), or whose encoding is not known here (EUC_TW, JOHAB, MULE_INTERNAL): as UTF-8 if it is valid,
 * otherwise each byte as one character.
 */
const guess: Decode = (bytes, goesOn = false) => {
  try {
    return goesOn ? decodeStream('utf-8', bytes, true) : strictUtf8.decode(bytes);
  } catch {
    return byteByByte(bytes);
  }
};

/** Returns the decoder for texts in this `client_encoding`. */
export function decoderOf(encoding: unknown): Decode {
  if (typeof encoding !== 'string') {
    return utf8;
  }
  const known = plainDecoders.get(encoding);
  if (known !== undefined) {
    return known;
  }
  const label = Object.hasOwn(labels, encoding) ? labels[encoding] : undefined;
  if (label === undefined) {
    return guess;
  }
  const decoder = new TextDecoder(label, { ignoreBOM: true });
  return (bytes, goesOn = false) => (goesOn ? decodeStream(label, bytes) : decoder.decode(bytes));
}

function decodeStream(label: string, bytes: Buffer, fatal = false): string {
  return new TextDecoder(label, { ignoreBOM: true, fatal }).decode(bytes, { stream: true });
}

/** Decodes the beginning of a text up to its last whole character. `left` holds the bytes of a partial character. */
export function decodeBeginning(decode: Decode, bytes: Buffer): { readonly text: string; readonly left: Buffer } {
  const text = decode(bytes, true);
  for (let cut = 0; cut <= Math.min(cutCharacterBytesMax, bytes.length); cut += 1) {
    const end = bytes.length - cut;
    if (decode(bytes.subarray(0, end)) === text) {
      return { text, left: bytes.subarray(end) };
    }
  }
  return { text: decode(bytes), left: Buffer.alloc(0) };
}

/** Returns the attribute that names the encoding; null for UTF-8. */
export function encodingFact(encoding: string): Attributes | null {
  return encoding === 'UTF8' ? null : { [ownAttributes.clientEncoding]: encoding };
}

/** Returns the `client_encoding` in the body of a ParameterStatus; null if the message is about another parameter. */
export function encodingIn(body: Buffer): string | null {
  return /^client_encoding\0([A-Za-z0-9_]{1,32})\0$/.exec(body.toString('latin1', 0, encodingBytesMax))?.[1] ?? null;
}
