/** The decoder of Node for a text whose characters may be divided between two pieces. */
export class StringDecoder {
  readonly #decoder: TextDecoder;

  constructor(encoding = 'utf8') {
    this.#decoder = new TextDecoder(encoding, { ignoreBOM: true });
  }

  write(bytes: Uint8Array<ArrayBuffer>): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  end(bytes?: Uint8Array<ArrayBuffer>): string {
    return this.#decoder.decode(bytes ?? new Uint8Array());
  }
}
