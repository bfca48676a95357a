import type { Whereabouts } from './block.ts';

/**
 * Encodes where the records of a block are: a line for each row, `PLACE NEED,NEED`. A place that is that of the row before is left out, and a need is how far before the record it is.
 * `first` is the index in the log of row 0.
 */
export function encodeWhereabouts(rows: readonly (Whereabouts | undefined)[], first: number): Buffer {
  let before = '';
  const lines = Array.from(rows, (row, at) => {
    if (row === undefined) {
      return '';
    }
    const { place, needs } = row;
    const line = `${place === before ? '' : place} ${needs.map((need) => first + at - need).join(',')}`;
    before = place;
    return line;
  });
  return Buffer.from(lines.join('\n'));
}

export function decodeWhereabouts(bytes: Buffer, first: number): readonly (Whereabouts | undefined)[] {
  let before = '';
  return bytes
    .toString()
    .split('\n')
    .map((line, at) => {
      if (line === '') {
        return undefined;
      }
      const [place = '', needs = ''] = line.split(' ');
      before = place === '' ? before : place;
      return { place: before, needs: needs === '' ? [] : needs.split(',').map((distance) => first + at - Number(distance)) };
    });
}

const newline = 0x0a;
const space = 0x20;

/** Encoded whereabouts, of which single rows are decoded: all of them take much more memory and time. */
export class LocatedRows {
  readonly #bytes: Buffer;
  readonly #first: number;
  /** Where the line of each row begins. */
  readonly #lines: number[] = [0];

  /** `first` is the index in the log of row 0. */
  constructor(bytes: Buffer, first: number) {
    this.#bytes = bytes;
    this.#first = first;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) {
      this.#lines.push(at + 1);
    }
  }

  find(row: number): Whereabouts | undefined {
    const own = this.#decode(row);
    if (own === undefined || own.place !== '') {
      return own;
    }
    let before = row - 1;
    while (before > 0 && (this.#begins(before, space) || this.#begins(before, newline))) {
      before -= 1;
    }
    return { ...own, place: this.#decode(before)?.place ?? '' };
  }

  #begins(row: number, byte: number): boolean {
    return this.#bytes[this.#lines[row] ?? 0] === byte;
  }

  #decode(row: number): Whereabouts | undefined {
    const at = this.#lines[row];
    const [own] = at === undefined ? [] : decodeWhereabouts(this.#bytes.subarray(at, (this.#lines[row + 1] ?? this.#bytes.length + 1) - 1), this.#first + row);
    return own;
  }
}
