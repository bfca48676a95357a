/** A line of a comparison: of both texts, of the older or of the newer one; or how many lines of both are left out. */
export type DiffLine = { readonly kind: 'both' | 'old' | 'new'; readonly text: string } | { readonly kind: 'cut'; readonly lines: number };

/** Most pairs of lines that are compared. What differs in longer texts is shown as a whole. */
const pairsMax = 4_000_000;
/** Lines of both texts that are shown around a difference. */
const around = 3;

/** Compares two texts by their lines, and leaves out what is far from any difference. */
export function lineDiff(older: string, newer: string): readonly DiffLine[] {
  const [one, other] = [linesOf(older), linesOf(newer)];
  let begin = 0;
  while (begin < Math.min(one.length, other.length) && one[begin] === other[begin]) {
    begin += 1;
  }
  let end = 0;
  while (end < Math.min(one.length, other.length) - begin && one.at(-1 - end) === other.at(-1 - end)) {
    end += 1;
  }
  const both = (lines: readonly string[]): readonly DiffLine[] => lines.map((text) => ({ kind: 'both', text }));
  const inner = compared(one.slice(begin, one.length - end), other.slice(begin, other.length - end));
  return inner.length === 0 ? [] : withoutFar([...both(one.slice(0, begin)), ...inner, ...both(one.slice(one.length - end))]);
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** Compares lines by their longest common subsequence. */
function compared(one: readonly string[], other: readonly string[]): readonly DiffLine[] {
  if (one.length * other.length > pairsMax) {
    return [...one.map((text) => ({ kind: 'old', text }) as const), ...other.map((text) => ({ kind: 'new', text }) as const)];
  }
  const width = other.length + 1;
  const common = new Uint32Array((one.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = one[i] === other[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  for (let i = 0, j = 0; i < one.length || j < other.length;) {
    const [old, added] = [one[i], other[j]];
    if (old !== undefined && old === added) {
      lines.push({ kind: 'both', text: old });
      i += 1;
      j += 1;
    } else if (added !== undefined && (old === undefined || at(i, j + 1) > at(i + 1, j))) {
      lines.push({ kind: 'new', text: added });
      j += 1;
    } else {
      lines.push({ kind: 'old', text: old ?? '' });
      i += 1;
    }
  }
  return lines;
}

function withoutFar(lines: readonly DiffLine[]): readonly DiffLine[] {
  const isNear = lines.map((_, at) => lines.slice(Math.max(0, at - around), at + around + 1).some(({ kind }) => kind !== 'both'));
  const shown: DiffLine[] = [];
  for (const [at, line] of lines.entries()) {
    const last = shown.at(-1);
    if (isNear[at] === true) {
      shown.push(line);
    } else if (last?.kind === 'cut') {
      shown[shown.length - 1] = { kind: 'cut', lines: last.lines + 1 };
    } else {
      shown.push({ kind: 'cut', lines: 1 });
    }
  }
  return shown;
}
