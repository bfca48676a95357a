/**
 * The kinds of UTF-16 units, as bits that can be joined. `kinds[unit]` is one of them, and the bits of all units of a span are its traits, from which follows
 * which detectors look at it.
 */
export const lower = 1;
export const upper = 2;
export const digit = 4;
export const at = 8;
/** Begins an escape: of percent encoding, JSON, HTML or quoted-printable. */
export const escape = 16;
/** Is not what it looks like: invisible, or another form of an ASCII character. */
export const odd = 32;
/** A space within a line: may join groups of a number. */
export const space = 64;
/** Is in no value. */
export const boundary = 128;
/** Other characters that may be in a value. */
const mark = 256;
/** Stands before the first digit of a number. */
export const opening = 512;
/** A dot or colon, which addresses have. */
export const dotted = 2048;
export const hyphen = 4096;
/** A letter outside of ASCII, of a script that writes spaces between words. */
export const letter = 1024;

/** Invisible characters: a value is found as if they were not there. */
const invisible: readonly (readonly [number, number])[] = [
  [0xad, 0xad],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
];
const wideSpaces: readonly (readonly [number, number])[] = [
  [0xa0, 0xa0],
  [0x2000, 0x200a],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
];
/** The first digit of each other set of decimal digits that is in use. */
const zeros: readonly number[] = [0x660, 0x6f0, 0x966, 0x9e6, 0xe50];
/** Letters outside of ASCII, of scripts that write spaces between words. Some units among them are no letters; they are in no value of a built-in class. */
const letters: readonly (readonly [number, number])[] = [
  [0xc0, 0x1fff],
  [0x2c00, 0x2dff],
  [0xa640, 0xa7ff],
  [0xfb00, 0xfdff],
  [0xfe70, 0xfefc],
];

/** Yields units other than ASCII with what they stand for: an ASCII unit, or -1 for nothing. */
function* plainForms(): Generator<readonly [unit: number, plain: number]> {
  for (let unit = 0xff01; unit <= 0xff5e; unit += 1) {
    yield [unit, unit - 0xfee0];
  }
  for (const zero of zeros) {
    for (let value = 0; value < 10; value += 1) {
      yield [zero + value, 0x30 + value];
    }
  }
  for (const [ranges, plain] of [
    [invisible, -1] as const,
    [wideSpaces, 0x20] as const,
    [
      [
        [0x2010, 0x2015],
        [0x2212, 0x2212],
      ],
      0x2d,
    ] as const,
  ]) {
    for (const [from = 0, to = 0] of ranges) {
      for (let unit = from; unit <= to; unit += 1) {
        yield [unit, plain];
      }
    }
  }
  yield [0x2024, 0x2e];
  yield [0xff61, 0x2e];
  yield [0xfe6b, 0x40];
}

/** Has the units that are looked at as if they were another one, or, with -1, as if they were not there. */
export const plainUnits: ReadonlyMap<number, number> = new Map(plainForms());

function kindsOfAll(): Uint16Array {
  const all = new Uint16Array(0x10000).fill(boundary);
  const ascii = (characters: string, kind: number): void => {
    for (const character of characters) {
      all[character.charCodeAt(0)] = kind;
    }
  };
  ascii('abcdefghijklmnopqrstuvwxyz', lower);
  ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZ', upper);
  ascii('0123456789', digit);
  ascii('@', at);
  ascii('%\\&=', escape);
  ascii(' ', space);
  ascii('(+', opening);
  ascii("!#$'*)/;?^_~", mark);
  ascii('.:', dotted);
  ascii('-', hyphen);
  for (const [from, to] of letters) {
    all.fill(letter, from, to + 1);
  }
  for (const [unit, plain] of plainUnits) {
    all[unit] = plain === 0x20 ? space | odd : odd;
  }
  return all;
}

export const kinds: Uint16Array = kindsOfAll();

/** Any of the kinds. */
export const any = 0xffff;

export const wordKinds: number = lower | upper | digit | letter;

/** Has 1 for each ASCII unit that is a letter or a digit. */
export const alphanumericUnits: Uint8Array = Uint8Array.from({ length: 0x80 }, (_, unit) => (((kinds[unit] ?? 0) & (lower | upper | digit)) === 0 ? 0 : 1));

/**
 * Returns where the next run of at least `least` of these ASCII units begins, at or behind `from`, or -1. Where there is none it looks at few characters of the
 * text: behind one that is in no run, the next at which it looks is `least` units away.
 */
export function nextRun(text: string, from: number, least: number, units: Uint8Array): number {
  for (let start = from; start + least <= text.length;) {
    let i = start + least - 1;
    while (i >= start && isOneOf(units, text.charCodeAt(i))) {
      i -= 1;
    }
    if (i < start) {
      return start;
    }
    start = i + 1;
  }
  return -1;
}

/** True for an ASCII unit that has 1 in a table. */
export function isOneOf(units: Uint8Array, unit: number): boolean {
  return unit < 0x80 && units[unit] === 1;
}
