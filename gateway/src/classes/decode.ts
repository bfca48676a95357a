import { nextRun, plainUnits } from './characters.ts';

/** A text whose encoding was undone, with the place of each of its units in what was decoded. */
export class Decoded {
  readonly text: string;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;

  constructor(text: string, starts: Int32Array, ends: Int32Array) {
    this.text = text;
    this.#starts = starts;
    this.#ends = ends;
  }

  /** Returns where the unit at `position` begins in what was decoded. */
  startOf(position: number): number {
    return this.#starts[position] ?? 0;
  }

  /** Returns where the unit before `position` ends in what was decoded. */
  endOf(position: number): number {
    return this.#ends[position - 1] ?? 0;
  }

  /** Returns the escape within which a position of what was decoded is; null if it is in none. */
  escapeAround(position: number): Run | null {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) < position) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const end = this.#ends[low - 1] ?? 0;
    return end > position ? { start: this.#starts[low - 1] ?? 0, end } : null;
  }
}

/** A decoded text while it is written. */
class Writing {
  readonly #units: Uint16Array<ArrayBuffer>;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #length = 0;
  /** Bytes of a character in UTF-8 that is not whole, and where they begin. */
  #bytes: number[] = [];
  #bytesStart = 0;

  constructor(unitsMax: number) {
    this.#units = new Uint16Array(unitsMax);
    this.#starts = new Int32Array(unitsMax);
    this.#ends = new Int32Array(unitsMax);
  }

  /** Begins with the first units of a text, which stand for themselves. */
  static of(text: string, length: number): Writing {
    const writing = new Writing(text.length);
    for (let i = 0; i < length; i += 1) {
      writing.add(text.charCodeAt(i), i, i + 1);
    }
    return writing;
  }

  add(unit: number, start: number, end: number): void {
    if (this.#bytes.length > 0) {
      this.#bytes = [];
    }
    const plain = unit < 0x80 ? unit : (plainUnits.get(unit) ?? unit);
    if (plain !== -1) {
      this.#units[this.#length] = plain;
      this.#starts[this.#length] = start;
      this.#ends[this.#length] = end;
      this.#length += 1;
    }
  }

  /** Adds a byte of UTF-8. A character beyond the basic plane is written as one unit that is in no value. */
  addByte(byte: number, start: number, end: number): void {
    if (byte < 0x80) {
      this.add(byte, start, end);
    } else if (byte >= 0xc0) {
      this.#bytes = [byte];
      this.#bytesStart = start;
    } else {
      this.#bytes.push(byte);
      const [lead = 0, ...rest] = this.#bytes;
      const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
      if (this.#bytes.length === length) {
        const code = rest.reduce((all, each) => (all << 6) | (each & 0x3f), lead & (0xff >> (length + 1)));
        this.add(code > 0xffff ? 0xfffd : code, this.#bytesStart, end);
      }
    }
  }

  end(): Decoded {
    const text = Buffer.from(this.#units.buffer, 0, this.#length * 2).toString('utf16le');
    return new Decoded(text, this.#starts.subarray(0, this.#length), this.#ends.subarray(0, this.#length));
  }
}

const entities: ReadonlyMap<string, number> = new Map([
  ...(
    [
      ['commat', '@'],
      ['period', '.'],
      ['lowbar', '_'],
      ['UnderBar', '_'],
      ['hyphen', '-'],
      ['dash', '-'],
      ['ndash', '-'],
      ['mdash', '-'],
      ['minus', '-'],
      ['plus', '+'],
      ['colon', ':'],
      ['semi', ';'],
      ['comma', ','],
      ['sol', '/'],
      ['bsol', '\\'],
      ['num', '#'],
      ['percnt', '%'],
      ['equals', '='],
      ['lpar', '('],
      ['rpar', ')'],
      ['amp', '&'],
      ['quot', '"'],
      ['apos', "'"],
      ['lt', '<'],
      ['gt', '>'],
      ['nbsp', ' '],
      ['ensp', ' '],
      ['emsp', ' '],
      ['thinsp', ' '],
      ['Tab', '\t'],
      ['NewLine', '\n'],
    ] as const
  ).map(([name, character]) => [name, character.charCodeAt(0)] as const),
  ['shy', 0xad],
  ['zwj', 0x200d],
  ['zwnj', 0x200c],
  ['ZeroWidthSpace', 0x200b],
  ['NoBreak', 0x2060],
]);
const entityUnitsMax = 16;

const escapeLetters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v', '"': '"', "'": "'", '/': '/', '\\': '\\' };

/** Returns the number that hex digits stand for, or -1. */
function hexAt(text: string, position: number, length: number): number {
  let number = 0;
  for (let i = position; i < position + length; i += 1) {
    const value = hexValue(text.charCodeAt(i));
    if (value === -1) {
      return -1;
    }
    number = number * 16 + value;
  }
  return number;
}

interface Escape {
  readonly code: number;
  readonly length: number;
}

/** `\u0040`, `\x40`, `\n`: escapes of JSON and of languages. */
function backslashEscape(text: string, position: number): Escape | null {
  const letter = text[position + 1] ?? '';
  if (letter === 'u' || letter === 'x') {
    const length = letter === 'u' ? 4 : 2;
    const code = hexAt(text, position + 2, length);
    return code === -1 ? null : { code, length: 2 + length };
  }
  const plain = escapeLetters[letter];
  return plain === undefined ? null : { code: plain.charCodeAt(0), length: 2 };
}

/** `&#64;`, `&#x40;`, `&commat;`. */
function entity(text: string, position: number): Escape | null {
  const [whole, name = ''] = /^&(#?[A-Za-z0-9]{1,15});?/.exec(text.slice(position, position + entityUnitsMax)) ?? [];
  if (whole === undefined) {
    return null;
  }
  const [, hex, decimal] = /^#(?:[xX]([0-9a-fA-F]{1,7})|([0-9]{1,8}))/.exec(name) ?? [];
  if (hex !== undefined || decimal !== undefined) {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const isEnded = whole === `&${name};`;
    return { code: Math.min(code, 0xffff), length: (hex === undefined ? 2 + (decimal ?? '').length : 3 + hex.length) + (isEnded ? 1 : 0) };
  }
  const code = whole.endsWith(';') ? entities.get(name) : undefined;
  return code === undefined ? null : { code, length: whole.length };
}

/** Undoes escapes of JSON, HTML and URLs, and other forms of characters. Null if there are none. */
export function decodeEscapes(text: string): Decoded | null {
  if (!/[\\&%+\u0080-\uffff]/.test(text)) {
    return null;
  }
  // Most texts have nothing to undo, so they are not written before something is found.
  let writing: Writing | null = null;
  for (let i = 0; i < text.length;) {
    const unit = text.charCodeAt(i);
    const byte = unit === 0x25 ? hexAt(text, i + 1, 2) : -1;
    const escape = unit === 0x5c ? backslashEscape(text, i) : unit === 0x26 ? entity(text, i) : null;
    // In forms a plus is a space. Elsewhere it is part of a name: jane+news@example.com.
    const isSpace = unit === 0x2b && /[0-9A-Z-]/.test(text[i - 1] ?? '') && /[0-9A-Z(]/.test(text[i + 1] ?? '');
    const isOther = unit >= 0x80 && plainUnits.has(unit);
    if (byte !== -1 || escape !== null || isSpace || isOther) {
      writing ??= Writing.of(text, i);
    }
    const length = byte === -1 ? (escape?.length ?? 1) : 3;
    if (byte !== -1) {
      writing?.addByte(byte, i, i + length);
    } else {
      writing?.add(isSpace ? 0x20 : (escape?.code ?? unit), i, i + length);
    }
    i += length;
  }
  return writing?.end() ?? null;
}

/** False for the number of `id=4012345678`: digits behind an equals sign are an escape only among others. */
function isQuoted(text: string, position: number, wasQuoted: boolean): boolean {
  return wasQuoted || !/^[0-9]{3}/.test(text.slice(position + 1, position + 4));
}

/** Undoes quoted-printable. Null if there is none. */
export function decodeQuotedPrintable(text: string): Decoded | null {
  if (!/=(?:[0-9A-F]{2}|\r?\n)/.test(text)) {
    return null;
  }
  let writing: Writing | null = null;
  let wasQuoted = false;
  for (let i = 0; i < text.length;) {
    const byte: number = text[i] === '=' && isQuoted(text, i, wasQuoted) ? hexAt(text, i + 1, 2) : -1;
    wasQuoted = byte !== -1;
    const soft = text[i] === '=' ? (text.startsWith('\r\n', i + 1) ? 3 : text[i + 1] === '\n' ? 2 : 0) : 0;
    if (byte !== -1 || soft !== 0) {
      writing ??= Writing.of(text, i);
    }
    if (byte !== -1) {
      writing?.addByte(byte, i, i + 3);
    } else if (soft === 0) {
      writing?.add(text.charCodeAt(i), i, i + 1);
    }
    i += byte !== -1 ? 3 : soft || 1;
  }
  return writing?.end() ?? null;
}

/** A run of base64 or hex is undone if it is at least so long. */
export const runUnitsMin = 16;
/** So many units at the start of a run are tried first, for most runs are hashes, keys and names. */
const triedUnits = 24;
/** Most places in a run that are tried. */
const triedMax = 20;
const slash = 0x2f;

const base64Characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** The value of each unit of base64 and base64url, or -1. */
const base64Values: Int8Array = Int8Array.from({ length: 0x80 }, (_, unit) =>
  base64Characters.indexOf(String.fromCharCode(unit === 0x2d ? 0x2b : unit === 0x5f ? 0x2f : unit)),
);

/** Writes the bytes of base64, with the places of their groups. Line ends are left out. */
function writeBase64(writing: Writing, text: string, { start, end }: Run): void {
  let bits = 0;
  let count = 0;
  let groupStart = start;
  for (let i = start; i < end; i += 1) {
    const value = base64Values[text.charCodeAt(i)] ?? -1;
    if (value === -1) {
      continue;
    }
    groupStart = count === 0 ? i : groupStart;
    bits = ((bits << 6) | value) & 0xffffff;
    count = (count + 1) % 4;
    if (count !== 1) {
      const shift = count === 2 ? 4 : count === 3 ? 2 : 0;
      writing.addByte((bits >> shift) & 0xff, count === 2 ? groupStart : i - 1, i + 1);
    }
  }
}

function writeHex(writing: Writing, text: string, { start, end }: Run): void {
  for (let i = start; i + 1 < end; i += 2) {
    writing.addByte(hexAt(text, i, 2), i, i + 2);
  }
}

interface Run {
  readonly start: number;
  readonly end: number;
}

function decodeRun(write: typeof writeHex, text: string, run: Run): Decoded {
  const writing = new Writing(run.end - run.start);
  write(writing, text, run);
  return writing.end();
}

/** Has 1 for what is in a run: base64 of both alphabets, hex and the ends of lines. */
const runUnits: Uint8Array = Uint8Array.from(base64Values, (value, unit) => (value !== -1 || unit === 0x0a || unit === 0x0d ? 1 : 0));

/** True if the begin of a run, with so many bits in each unit, can be part of a text in UTF-8. The text need not begin or end with a whole character. */
function mayBeText(text: string, { start, end }: Run, bitsOfUnit: 4 | 6): boolean {
  const last = Math.min(end, start + triedUnits);
  let bits = 0;
  let count = 0;
  let following = 0;
  let isFirst = true;
  for (let i = start; i < last; i += 1) {
    const unit = text.charCodeAt(i);
    const value = bitsOfUnit === 6 ? (base64Values[unit] ?? -1) : hexValue(unit);
    if (value === -1) {
      continue;
    }
    bits = ((bits << bitsOfUnit) | value) & 0xffff;
    count += bitsOfUnit;
    if (count < 8) {
      continue;
    }
    count -= 8;
    const byte = (bits >> count) & 0xff;
    const isFollowing = byte >= 0x80 && byte < 0xc0;
    const isControl = (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) || byte === 0x7f || byte >= 0xf8;
    if (isControl || (isFollowing ? following === 0 && !isFirst : following > 0)) {
      return false;
    }
    isFirst &&= isFollowing;
    following = isFollowing ? Math.max(0, following - 1) : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  }
  return true;
}

function hexValue(unit: number): number {
  return unit >= 0x30 && unit <= 0x39 ? unit - 0x30 : unit >= 0x61 && unit <= 0x66 ? unit - 0x57 : unit >= 0x41 && unit <= 0x46 ? unit - 0x37 : -1;
}

function isRunUnit(unit: number): boolean {
  return unit < 0x80 && (base64Values[unit] ?? -1) !== -1;
}

/**
 * Returns the places of a run at which base64 of a text may begin. If that is not at its start, it may be glued to up to three other characters, or be a part of a
 * path. `isCut`: it may begin within a group in any case. Of places from which the groups are the same only the first is returned, because all that is undone from the others is undone from there too.
 */
function beginsOf(text: string, run: Run, isCut: boolean): readonly number[] {
  const { start, end } = run;
  if (!isCut && mayBeText(text, run, 6)) {
    return [start];
  }
  const begins: number[] = [];
  const phases = new Set<number>();
  let tried = 0;
  let values = 0;
  for (let i = start; i < end && tried < triedMax && phases.size < 4; i += 1) {
    const isTried = i < start + 4 ? isCut || i > start : !isCut && text.charCodeAt(i - 1) === slash;
    tried += isTried ? 1 : 0;
    if (isTried && !phases.has(values % 4) && (i === start || end - i >= runUnitsMin) && mayBeText(text, { start: i, end }, 6)) {
      phases.add(values % 4);
      begins.push(i);
    }
    values += isRunUnit(text.charCodeAt(i)) ? 1 : 0;
  }
  return begins;
}

/** Yields what the runs of base64 and of hex in a text stand for, if that may be text. `isCut`: the text begins within a longer one, and so perhaps within a run. */
export function* decodeRuns(text: string, isCut: boolean): Generator<{ readonly decoded: Decoded; readonly runEnd: number }> {
  for (let start = nextRun(text, 0, runUnitsMin, runUnits); start !== -1; start = nextRun(text, start, runUnitsMin, runUnits)) {
    if (!isRunUnit(text.charCodeAt(start))) {
      start += 1;
      continue;
    }
    let end = start;
    while (end < text.length && (isRunUnit(text.charCodeAt(end)) || isLineEnd(text, end))) {
      end += 1;
    }
    if (end - start >= runUnitsMin) {
      const runEnd = text.startsWith('==', end) ? end + 2 : text[end] === '=' ? end + 1 : end;
      const hex = hexIn(text, { start, end });
      if (hex !== null && mayBeText(text, hex, 4)) {
        yield { decoded: decodeRun(writeHex, text, hex), runEnd: end };
      }
      for (const begin of beginsOf(text, { start, end }, isCut && start === 0)) {
        yield { decoded: decodeRun(writeBase64, text, { start: begin, end }), runEnd };
      }
    }
    start = end + 1;
  }
}

function isLineEnd(text: string, position: number): boolean {
  const unit = text.charCodeAt(position);
  return (unit === 0x0a || unit === 0x0d) && position > 0 && (isRunUnit(text.charCodeAt(position + 1)) || text.charCodeAt(position + 1) === 0x0a);
}

/** Returns the hex digits of a run, if it has nothing else but `0x` or `x` before them. */
function hexIn(text: string, { start, end }: Run): Run | null {
  const marked = text[start] === '0' && text[start + 1] === 'x' ? start + 2 : text[start] === 'x' ? start + 1 : start;
  if (end - marked < runUnitsMin || (end - marked) % 2 === 1) {
    return null;
  }
  for (let i = marked; i < end; i += 1) {
    if (hexValue(text.charCodeAt(i)) === -1) {
      return null;
    }
  }
  return { start: marked, end };
}
