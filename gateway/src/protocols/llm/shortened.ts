/** Cuts a text to a length. Unlike a slice, the result does not keep the whole text in memory. */
export function shortened(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : Buffer.from(text.slice(0, charactersMax), 'utf16le').toString('utf16le');
}
