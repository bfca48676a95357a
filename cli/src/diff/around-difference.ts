/** Of two texts what is around the place where they part, so that what is cut is not the difference. At most so many characters of each, and marks where more was. */
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
