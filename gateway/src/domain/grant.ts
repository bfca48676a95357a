/**
 * The permission to forward one exact request, once. An upstream accepts nothing else, so code that forwards without asking the gate does not compile. The
 * grant carries the bytes, so exactly what was authorised is sent.
 */
export class Grant {
  #bytes: readonly Uint8Array[] | null;

  /** Only the gate calls this (`sessions/gate.ts`); the tidy test checks that. */
  constructor(bytes: readonly Uint8Array[]) {
    this.#bytes = bytes;
  }

  /** Returns the authorised bytes. A second call throws, because it would be a bug. */
  spend(): readonly Uint8Array[] {
    const bytes = this.#bytes;
    if (bytes === null) {
      throw new Error('a grant is spent once');
    }
    this.#bytes = null;
    return bytes;
  }
}
