import { StringDecoder } from 'node:string_decoder';
import type { ClassSet } from '../classes/class-set.ts';
import { TextScan, type Settled } from '../classes/text-scan.ts';

/** So many of the newest bytes that passed are looked at. */
const passedBytesMax = 4096;
const nothing = Buffer.alloc(0);

/** The bytes that passed before all of their texts were found. They are looked at when somebody asks, and each byte once. */
export class PassedText {
  readonly #classes: ClassSet;
  /** The look that goes on with the next bytes. Null: it begins with them. */
  #scan: { readonly text: TextScan; readonly utf8: StringDecoder } | null = null;
  /** The bytes since the last look. */
  #pending = nothing;

  constructor(classes: ClassSet) {
    this.#classes = classes;
  }

  add(bytes: Uint8Array): void {
    if (this.#pending.length + bytes.length > passedBytesMax) {
      // Bytes are left out, so that the text before does not stand before the text that is looked at next.
      this.#scan = null;
    }
    this.#pending = Buffer.concat([this.#pending, bytes.subarray(-passedBytesMax)]).subarray(-passedBytesMax);
  }

  /** Returns what is found since the last look, and what is found if no more passes. */
  look(): readonly Settled[] {
    if (this.#pending.length === 0) {
      return [];
    }
    this.#scan ??= { text: new TextScan(this.#classes), utf8: new StringDecoder() };
    const { text, utf8 } = this.#scan;
    const settled = text.push(utf8.write(this.#pending));
    this.#pending = nothing;
    return [settled, text.peek()];
  }
}
