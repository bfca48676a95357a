import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { ResponseOutput } from '../../wire/relay.ts';
import { encodingFact } from './text-encoding.ts';

/** Makes outputs of the bytes that go to the client, each for one request. Bytes that follow one another in a chunk are one view of it. */
export class AnswerOutput {
  /** The `client_encoding` that the target reported last. */
  encoding: string;
  /** True if parts of the current answer end within messages. */
  isCut = false;
  readonly #emit: (output: ResponseOutput) => void;
  #pieces: Uint8Array[] = [];
  /** The view that may still grow: of these bytes, between these offsets. */
  #bytes: Buffer | null = null;
  #from = 0;
  #to = 0;
  /** The bytes at the beginning of the output that belong to a message of an earlier one. */
  #begunBytes = 0;
  /** The encoding that was in force at the beginning of the output. */
  #begunEncoding: string;

  constructor(encoding: string, emit: (output: ResponseOutput) => void) {
    this.encoding = encoding;
    this.#begunEncoding = encoding;
    this.#emit = emit;
  }

  /** Begins the output of another chunk, with this many bytes of a message that began before. */
  begin(begunBytes: number): void {
    this.#begunBytes = begunBytes;
  }

  pass(bytes: Buffer, from: number, to: number): void {
    if (bytes !== this.#bytes || from !== this.#to) {
      this.#endView();
      this.#bytes = bytes;
      this.#from = from;
    }
    this.#to = to;
  }

  /** Ends the answer to a request. */
  finish(request: number, facts: Attributes, isNoted: boolean): void {
    this.#endView();
    if (this.#pieces.length > 0 || isNoted) {
      this.#output(request, facts, 'ends');
    }
    this.isCut = false;
  }

  /** Releases what there is of an answer, with the facts of this part; `request` is absent if nothing was asked. */
  flush(request: number | undefined, isMidMessage: boolean, facts: () => Attributes | undefined): void {
    this.#endView();
    if (this.#pieces.length > 0) {
      this.isCut ||= isMidMessage;
      this.#output(request, facts(), request !== undefined || isMidMessage ? 'continues' : 'stands alone');
    }
  }

  #endView(): void {
    if (this.#bytes !== null) {
      this.#pieces.push(this.#bytes.subarray(this.#from, this.#to));
      this.#bytes = null;
    }
  }

  #output(seq: number | undefined, facts: Attributes | undefined, part: 'continues' | 'ends' | 'stands alone'): void {
    const begun = this.#begunBytes > 0 ? { [ownAttributes.begunBytes]: this.#begunBytes } : null;
    const encoding = encodingFact(this.#begunEncoding);
    const attributes = begun === null && encoding === null ? facts : { ...facts, ...begun, ...encoding };
    this.#begunEncoding = this.encoding;
    this.#begunBytes = 0;
    const bytes = this.#pieces;
    this.#pieces = [];
    this.#emit({
      type: 'response',
      meta: { ...(seq === undefined ? {} : { request: seq }), ...(attributes === undefined ? {} : { attributes }) },
      bytes,
      continues: part === 'continues',
      ...(part === 'ends' ? { isEnd: true } : {}),
    });
  }
}
