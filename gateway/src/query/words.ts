const separators = /[^\p{L}\p{N}_]+/u;
/** A longer word counts as its beginning. */
const wordLengthMax = 64;

/** Returns the words of a text in their order, in the form in which they are compared: without regard to upper and lower case, and to the form of a letter. */
export function wordsOf(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(separators)
    .flatMap((word) => (word === '' ? [] : [word.slice(0, wordLengthMax)]));
}
