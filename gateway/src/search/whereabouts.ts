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
