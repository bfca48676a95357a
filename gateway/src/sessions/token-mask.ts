/** Most tokens that are masked in a run: its own token, and the newest tokens of the runs inside it. */
const tokensMax = 256;
/** Fewest characters of a token that are masked if a piece ends within the token. Fewer characters are not recognisable as a token, and reveal nothing. */
const tellingCharactersMin = 8;
const mark = Buffer.from('REDACTED');

/** A text with the tokens in it masked. */
export interface Masked {
  readonly bytes: Buffer;
  /** Number of tokens in the text. A token that continues in the next piece counts here. */
  readonly tokens: number;
}

/** Masks tokens in streams, however these are cut into pieces. Nothing is held back: a token that is divided between two pieces is masked in both. */
export class TokenMask {
  readonly #tokens: Buffer[] = [];
  /** For each stream and token: the number of the token's first bytes with which the last piece ended. */
  readonly #begun = new Map<string, Map<Buffer, number>>();

  add(token: string): void {
    this.#tokens.push(Buffer.from(token));
    if (this.#tokens.length > tokensMax) {
      // The first token is that of the run itself.
      this.#tokens.splice(1, 1);
    }
  }

  mask(stream: string, piece: Uint8Array): Masked {
    const begun = this.#begun.get(stream) ?? new Map<Buffer, number>();
    const begins = new Map<Buffer, number>();
    let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let tokens = 0;
    for (const token of this.#tokens) {
      const masked = maskOne(token, bytes, begun.get(token) ?? 0);
      ({ bytes } = masked);
      tokens += masked.tokens;
      if (masked.begun > 0) {
        begins.set(token, masked.begun);
      }
    }
    this.#begun.set(stream, begins);
    return { bytes, tokens };
  }
}

function maskOne(token: Buffer, bytes: Buffer, begun: number): Masked & { readonly begun: number } {
  if (bytes.length === 0) {
    return { bytes, tokens: 0, begun };
  }
  const parts: Buffer[] = [];
  let tokens = 0;
  const isMarked = begun >= tellingCharactersMin;
  const put = (): void => {
    parts.push(mark);
    tokens += 1;
  };
  const more = continuation(token, bytes, begun);
  let at = 0;
  if (more !== null) {
    const known = more.after + more.length;
    if (known < tellingCharactersMin) {
      return { bytes, tokens, begun: known };
    }
    at = more.length;
    if (!isMarked) {
      put();
    }
    if (known < token.length) {
      return { bytes: Buffer.concat(parts), tokens, begun: known };
    }
  }
  for (let next = bytes.indexOf(token, at); next >= 0; next = bytes.indexOf(token, at)) {
    parts.push(bytes.subarray(at, next));
    put();
    at = next + token.length;
  }
  const rest = bytes.subarray(at);
  const tail = beginningAtEnd(token, rest);
  const isTelling = tail >= tellingCharactersMin;
  parts.push(isTelling ? rest.subarray(0, rest.length - tail) : rest);
  if (isTelling) {
    put();
  }
  return { bytes: parts.length === 1 ? rest : Buffer.concat(parts), tokens, begun: tail };
}

interface Continuation {
  /** The number of the token's bytes that are in the pieces before. */
  readonly after: number;
  /** The number of the token's bytes that are in this piece. */
  readonly length: number;
}

/**
 * Finds how a piece continues a token that began at the end of the piece before. If the longest possible beginning does not continue, shorter ones are tried.
 * Null if none continues.
 */
function continuation(token: Buffer, bytes: Buffer, begun: number): Continuation | null {
  for (let after = begun; after > 0; after = beginningAtEnd(token, token.subarray(1, after))) {
    const length = commonLength(token.subarray(after), bytes);
    if (length > 0 && (after + length === token.length || length === bytes.length)) {
      return { after, length };
    }
  }
  return null;
}

function commonLength(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    if (a[i] !== b[i]) {
      return i;
    }
  }
  return length;
}

/** The number of the token's first bytes with which the text ends. */
function beginningAtEnd(token: Buffer, text: Buffer): number {
  for (let length = Math.min(token.length - 1, text.length); length > 0; length -= 1) {
    if (text.subarray(text.length - length).equals(token.subarray(0, length))) {
      return length;
    }
  }
  return 0;
}
