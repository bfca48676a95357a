/** Returns the number with the name of what is counted, in the form for one or for several. */
export function countOf(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
