/** The positions of an element in both lists; null in the list that has no equal element. */
export interface Pair {
  readonly a: number | null;
  readonly b: number | null;
}

/**
 * Most edits between the equal beginning and the equal end. If there are more, everything between these counts as replaced, so the cost is bounded for lists
 * that have little in common.
 */
const editsMostly = 1000;

/** Finds the shortest way from one list to the other (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986). Removals come before additions. */
export function align(a: readonly string[], b: readonly string[], editsMax = editsMostly): Pair[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    start += 1;
  }
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) {
    end += 1;
  }
  const between = alignBetween(a.slice(start, a.length - end), b.slice(start, b.length - end), editsMax);
  return [
    ...Array.from({ length: start }, (_, i) => ({ a: i, b: i })),
    ...between.map((pair) => ({ a: pair.a === null ? null : pair.a + start, b: pair.b === null ? null : pair.b + start })),
    ...Array.from({ length: end }, (_, i) => ({ a: a.length - end + i, b: b.length - end + i })),
  ];
}

function alignBetween(a: readonly string[], b: readonly string[], editsMax: number): Pair[] {
  const trace = search(a, b, editsMax);
  return trace === null ? [...a.map((_, i) => ({ a: i, b: null })), ...b.map((_, i) => ({ a: null, b: i }))] : walkBack(trace, a.length, b.length);
}

/** Returns, for each number of edits, the position in `a` that each diagonal had reached before them; null if there are more edits than the limit. */
function search(a: readonly string[], b: readonly string[], editsMax: number): Int32Array[] | null {
  const trace: Int32Array[] = [];
  /** The position of diagonal k is at index `edits + 1 + k`. */
  let reached = new Int32Array(3);
  for (let edits = 0; edits <= editsMax; edits += 1) {
    trace.push(reached);
    const next = new Int32Array(2 * edits + 5);
    for (let k = -edits; k <= edits; k += 2) {
      let x = cameDown(reached, edits, k) ? at(reached, edits, k + 1) : at(reached, edits, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) {
        x += 1;
      }
      next[edits + 2 + k] = x;
      if (x >= a.length && x - k >= b.length) {
        return trace;
      }
    }
    reached = next;
  }
  return null;
}

function at(reached: Int32Array, edits: number, k: number): number {
  return reached[edits + 1 + k] ?? 0;
}

/** True if the last edit on the way to diagonal `k` takes an element of `b`. */
function cameDown(reached: Int32Array, edits: number, k: number): boolean {
  return k === -edits || (k !== edits && at(reached, edits, k - 1) < at(reached, edits, k + 1));
}

function walkBack(trace: readonly Int32Array[], aLength: number, bLength: number): Pair[] {
  const pairs: Pair[] = [];
  let x = aLength;
  let y = bLength;
  for (const [edits, reached] of [...trace.entries()].toReversed()) {
    const isDown = cameDown(reached, edits, x - y);
    const beforeX = edits === 0 ? 0 : at(reached, edits, x - y + (isDown ? 1 : -1));
    const beforeY = edits === 0 ? 0 : beforeX - (x - y + (isDown ? 1 : -1));
    const sameFrom = edits === 0 ? 0 : isDown ? beforeX : beforeX + 1;
    while (x > sameFrom) {
      x -= 1;
      y -= 1;
      pairs.push({ a: x, b: y });
    }
    if (edits > 0) {
      pairs.push(isDown ? { a: null, b: beforeY } : { a: beforeX, b: null });
    }
    x = beforeX;
    y = beforeY;
  }
  return pairs.toReversed();
}
