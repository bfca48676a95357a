/**
 * Permission to forward one exact request, once. An upstream takes nothing else, so code that forwards without
 * asking the gate does not compile. The bytes travel inside the grant: what was authorised is what is sent.
 */
export class Grant {
  #bytes: readonly Uint8Array[] | null;

  /** Only the gate calls this (`sessions/gate.ts`; the tidy test holds everybody to it). */
  constructor(bytes: readonly Uint8Array[]) {
    this.#bytes = bytes;
  }

  /** Returns the authorised bytes. A second call throws: it is a bug. */
  spend(): readonly Uint8Array[] {
    const bytes = this.#bytes;
    if (bytes === null) {
      throw new Error('a grant is spent once');
    }
    this.#bytes = null;
    return bytes;
  }
}
