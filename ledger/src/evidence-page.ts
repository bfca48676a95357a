/** The page that holds evidence: the lines of the evidence in an element of their own. Normative: docs/formats/evidence.md. */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { bundleLineBytesMax } from './bundle.ts';
import type { OpenFile } from './file-report.ts';
import { splitLines } from './lines.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';

/** The lines after which the evidence begins: as it is, or encrypted. */
const begin = { open: '<script type="application/x-ndjson" id="evidence">', sealed: '<script type="application/age-encryption" id="evidence">' };
/** The line that ends it. */
const end = '</script>';
/** The line of the template in whose place the evidence comes. */
const slot = '<!-- evidence -->';
const doctype = '<!doctype html>';
/** The armor of age, which is that of PEM: https://age-encryption.org/v1. A line of it has so many bytes, and the last one fewer. */
const armorBegin = '-----BEGIN AGE ENCRYPTED FILE-----';
const armorEnd = '-----END AGE ENCRYPTED FILE-----';
const armorBytes = 48;

/** True if the bytes begin as the page does. They are not checked. */
export function isEvidencePage(bytes: Uint8Array): boolean {
  return encodeUtf8(doctype).every((byte, i) => byte === bytes[i]);
}

/** Splits the template of the page where the evidence comes. Throws `MalformedError`. */
function splitTemplate(template: string): readonly [string, string] {
  const [before, after, ...more] = template.split(`${slot}\n`);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new MalformedError('the template of the page has no place for evidence');
  }
  return [before, after];
}

/** Yields the page of a template with the lines of evidence, which are given with their newlines, in pieces. Throws `MalformedError`. */
export async function* evidencePage(template: string, lines: AsyncIterable<string>): AsyncGenerator<string> {
  const [before, after] = splitTemplate(template);
  yield `${before}${begin.open}\n`;
  for await (const line of lines) {
    yield escapeLine(line);
  }
  yield `${end}\n${after}`;
}

/** Yields the page of a template with evidence that was encrypted with age, in pieces. Throws `MalformedError`. */
export async function* sealedPage(template: string, encrypted: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const [before, after] = splitTemplate(template);
  yield `${before}${begin.sealed}\n${armorBegin}\n`;
  let rest = new Uint8Array();
  for await (const bytes of encrypted) {
    const all = new Uint8Array(rest.length + bytes.length);
    all.set(rest);
    all.set(bytes, rest.length);
    const whole = all.length - (all.length % armorBytes);
    let lines = '';
    for (let at = 0; at < whole; at += armorBytes) {
      lines += `${encodeBase64(all.subarray(at, at + armorBytes))}\n`;
    }
    yield lines;
    rest = all.slice(whole);
  }
  yield `${rest.length === 0 ? '' : `${encodeBase64(rest)}\n`}${armorEnd}\n${end}\n${after}`;
}

/** Writes a line of JSON so that no parser of HTML finds an element in it. */
function escapeLine(line: string): string {
  return line.replaceAll('<', String.raw`\u003c`);
}

/** Takes back `escapeLine`: the lines of evidence have this escape nowhere else, because `JSON.stringify` makes none of it. */
export function unescapeLine(line: string): string {
  return line.replaceAll(/\\(u003c|.)/g, (escape, what: string) => (what === 'u003c' ? '<' : escape));
}

/** Returns whether the evidence in a page is encrypted. Rejects with `MalformedError` if there is none. */
export async function isSealed(open: OpenFile): Promise<boolean> {
  for await (const bytes of splitLines(open(), bundleLineBytesMax)) {
    const line = decodeUtf8(bytes);
    if (line === begin.open || line === begin.sealed) {
      return line === begin.sealed;
    }
  }
  throw new MalformedError('page without evidence');
}

/** Yields the lines of the evidence in a page. Throws `MalformedError` if there is none, or more than one, or it is encrypted. */
export async function* linesInPage(open: OpenFile): AsyncGenerator<Uint8Array, void> {
  for await (const line of linesBehind(begin.open, open)) {
    yield encodeUtf8(`${unescapeLine(line)}\n`);
  }
}

/** Yields the bytes of the encrypted evidence in a page, as age has them. Throws `MalformedError` if there is none, or more than one, or it is not encrypted. */
export async function* sealedInPage(open: OpenFile): AsyncGenerator<Uint8Array, void> {
  yield* bytesOfArmor(linesBehind(begin.sealed, open));
}

/** Yields the bytes of lines with the armor of age. Throws `MalformedError`. */
export async function* bytesOfArmor(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array, void> {
  for await (const line of lines) {
    if (line !== armorBegin && line !== armorEnd) {
      yield decodeBase64(line);
    }
  }
}

async function* linesBehind(first: string, open: OpenFile): AsyncGenerator<string, void> {
  let place: 'before' | 'in' | 'after' = 'before';
  for await (const bytes of splitLines(open(), bundleLineBytesMax)) {
    const line = decodeUtf8(bytes);
    if (line === begin.open || line === begin.sealed) {
      if (place !== 'before') {
        throw new MalformedError('page with evidence twice');
      }
      if (line !== first) {
        throw new MalformedError(line === begin.sealed ? 'page with evidence that is encrypted' : 'page with evidence that is not encrypted');
      }
      place = 'in';
    } else if (place === 'in' && line === end) {
      place = 'after';
    } else if (place === 'in') {
      if (line.includes('<')) {
        // A browser may find an element in it, or the end of this one, and so reads other lines than these.
        throw new MalformedError('page with evidence that is not escaped');
      }
      yield line;
    }
  }
  if (place !== 'after') {
    throw new MalformedError('page without evidence');
  }
}
