/** Most tokens that are masked in a run: its own token, and the newest tokens of the runs inside it. */
const tokensMax = 256;
/** Fewest characters of a token that are masked if a piece ends within the token. Fewer characters are not recognisable as a token, and reveal nothing. */
const recognisableCharactersMin = 8;
const replacement = Buffer.from('REDACTED');

/** A text with the tokens in it masked. */
export interface Masked {
  readonly bytes: Buffer;
  /** Number of tokens in the text. A token that continues in the next piece counts here. */
  readonly tokenCount: number;
}

/** Masks tokens in streams, however these are cut into pieces. Nothing is held back: a token that is divided between two pieces is masked in both. */
export class TokenMask {
  readonly #tokens: Buffer[] = [];
  /** For each stream and token: the number of the token's first bytes with which the last piece ended. */
  readonly #begunLengths = new Map<string, ReadonlyMap<Buffer, number>>();

  add(token: string): void {
    this.#tokens.push(Buffer.from(token));
    if (this.#tokens.length > tokensMax) {
      // The first token is that of the run itself.
      this.#tokens.splice(1, 1);
    }
  }

  mask(stream: string, piece: Uint8Array): Masked {
    const before = this.#begunLengths.get(stream);
    const after = new Map<Buffer, number>();
    let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let tokenCount = 0;
    for (const token of this.#tokens) {
      const masked = maskToken(token, bytes, before?.get(token) ?? 0);
      ({ bytes } = masked);
      tokenCount += masked.tokenCount;
      if (masked.begunLength > 0) {
        after.set(token, masked.begunLength);
      }
    }
    this.#begunLengths.set(stream, after);
    return { bytes, tokenCount };
  }
}

interface MaskedPiece extends Masked {
  /** The number of the token's first bytes with which the piece ends. */
  readonly begunLength: number;
}

/** Masks one token in a piece. `begunLength` is the number of the token's first bytes with which the piece before ended. */
function maskToken(token: Buffer, bytes: Buffer, begunLength: number): MaskedPiece {
  if (bytes.length === 0) {
    return { bytes, tokenCount: 0, begunLength };
  }
  const parts: Buffer[] = [];
  let tokenCount = 0;
  const isReplaced = begunLength >= recognisableCharactersMin;
  const replace = (): void => {
    parts.push(replacement);
    tokenCount += 1;
  };
  const continued = findContinuation(token, bytes, begunLength);
  let at = 0;
  if (continued !== null) {
    const length = continued.lengthBefore + continued.lengthHere;
    if (length < recognisableCharactersMin) {
      return { bytes, tokenCount, begunLength: length };
    }
    at = continued.lengthHere;
    if (!isReplaced) {
      replace();
    }
    if (length < token.length) {
      return { bytes: Buffer.concat(parts), tokenCount, begunLength: length };
    }
  }
  for (let next = bytes.indexOf(token, at); next >= 0; next = bytes.indexOf(token, at)) {
    parts.push(bytes.subarray(at, next));
    replace();
    at = next + token.length;
  }
  const rest = bytes.subarray(at);
  const begun = lengthBegunIn(rest, token);
  const isRecognisable = begun >= recognisableCharactersMin;
  parts.push(isRecognisable ? rest.subarray(0, rest.length - begun) : rest);
  if (isRecognisable) {
    replace();
  }
  return { bytes: parts.length === 1 ? rest : Buffer.concat(parts), tokenCount, begunLength: begun };
}

/** The part of a token that two pieces have between them. */
interface Continuation {
  /** The number of the token's bytes that are in the pieces before. */
  readonly lengthBefore: number;
  /** The number of the token's bytes that are in this piece. */
  readonly lengthHere: number;
}

/**
 * Finds how a piece continues a token that began at the end of the piece before. If the longest possible beginning does not continue, shorter ones are tried.
 * Null if none continues.
 */
function findContinuation(token: Buffer, bytes: Buffer, begunLength: number): Continuation | null {
  for (let lengthBefore = begunLength; lengthBefore > 0; lengthBefore = lengthBegunIn(token.subarray(1, lengthBefore), token)) {
    const lengthHere = commonLength(token.subarray(lengthBefore), bytes);
    if (lengthHere > 0 && (lengthBefore + lengthHere === token.length || lengthHere === bytes.length)) {
      return { lengthBefore, lengthHere };
    }
  }
  return null;
}

/** Returns the number of first bytes that both have. */
function commonLength(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    if (a[i] !== b[i]) {
      return i;
    }
  }
  return length;
}

/** Returns the number of the token's first bytes with which the text ends. */
function lengthBegunIn(text: Buffer, token: Buffer): number {
  for (let length = Math.min(token.length - 1, text.length); length > 0; length -= 1) {
    if (text.subarray(text.length - length).equals(token.subarray(0, length))) {
      return length;
    }
  }
  return 0;
}
