/** Cuts two texts to the part around the first place in which they differ: at most `charactersMax` characters of each, with marks where text was cut. */
export function aroundDifference(one: string, other: string, charactersMax: number): readonly [string, string] {
  let same = 0;
  while (same < one.length && one[same] === other[same]) {
    same += 1;
  }
  const from = Math.max(0, same - charactersMax / 4);
  const cut = (text: string): string => {
    const part = text.slice(from, from + charactersMax);
    return `${from > 0 ? '…' : ''}${part}${from + part.length < text.length ? '…' : ''}`;
  };
  return [cut(one), cut(other)];
}
