/** About as many characters are one token, in most languages and models. */
const charactersPerToken = 4;

/** Estimates the tokens of a text that has so many characters. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}
