const distanceMax = 2;
const nameLengthMax = 64;
/** Most names that a message lists. */
const listedMax = 20;

/** Returns the known name that a mistyped name was most likely meant to be; null if there is none. */
export function suggest(name: string, known: readonly string[]): string | null {
  if (name.length > nameLengthMax) {
    return null;
  }
  const [best] = nearestFirst(name, known);
  return best !== undefined && best.distance <= distanceMax && best.distance < name.length ? best.candidate : null;
}

/** Returns the end of a message about a name that is not known: the name that was probably meant, else those that are known, the nearest ones first. */
export function knownNames(name: string, known: readonly string[]): string {
  const meant = suggest(name, known);
  const nearest = nearestFirst(name.slice(0, nameLengthMax), known).slice(0, listedMax);
  const more = known.length > listedMax ? ` and ${known.length - listedMax} more` : '';
  return meant === null ? `; known are ${nearest.map(({ candidate }) => candidate).join(', ') || 'none'}${more}` : `: is ${meant} meant?`;
}

function nearestFirst(name: string, known: readonly string[]): readonly { readonly candidate: string; readonly distance: number }[] {
  return known.map((candidate) => ({ candidate, distance: distance(name.toLowerCase(), candidate.toLowerCase()) })).toSorted((a, b) => a.distance - b.distance);
}

/** The Levenshtein distance: the number of letters to add, remove or change. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of from.split('').entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (letter === to[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
