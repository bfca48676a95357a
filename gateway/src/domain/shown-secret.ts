/** A shorter text does not count as a secret that somebody shows to come in. */
export const secretCharsMin = 32;

/** Returns what is wrong with such a secret, without a full stop; null if nothing is. */
export function faultOfShownSecret(secret: string): string | null {
  return secret.length >= secretCharsMin ? null : `a secret that is shown to come in has at least ${secretCharsMin} characters: openssl rand -hex 32`;
}
