/** A text up to a length. One that is cut does not keep in memory what it was cut from, as a slice does. */
export function shortened(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : Buffer.from(text.slice(0, charactersMax), 'utf16le').toString('utf16le');
}
