import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Frame } from '../../content/frame.ts';
import type { Framer } from '../../content/framer.ts';
import { headerOf, type AnswerReading, type ResponseHead } from '../../exchange/reading.ts';
import { type AnswerError, AnswerDraft, type KeptCharacters } from './answer-draft.ts';
import { framerOf, isEventStream, valueOf } from './framing.ts';
import type { Shape } from './shape.ts';
import type { Message } from './transcript.ts';

export const failedStatusMin = 400;
/** Limits for reading facts, which need no text. */
export const keptForFacts: Kept = { text: 0, arguments: 64 * 1024 };

/** Limits of what is kept of one answer. `eventBytes`: most bytes of one event or document that are held to read it. `readBytes`: an answer that is one longer document is one `whole` frame, which is left unread, for others to read. */
export interface Kept extends KeptCharacters {
  readonly eventBytes?: number;
  readonly readBytes?: number;
}

/** The facts of an answer that is one long document, which another thread read. */
export interface LongAnswer {
  readonly valuesRead: number;
  readonly facts: Attributes;
  /** Number of parts of it that the facts lack. */
  readonly unread: number;
  /** As in `ModelAnswer`. */
  readonly said: number;
}

/** Reads one answer of a model. By default it keeps no text, only facts; a caller that needs the messages gives higher limits. */
export class ModelAnswer implements AnswerReading {
  readonly #shape: Shape | null;
  readonly #draft: AnswerDraft;
  readonly #eventBytesMax: number | undefined;
  readonly #readBytesMax: number | undefined;
  #long: LongAnswer | null = null;
  #unreadFrames = 0;
  #isStream = false;
  #status = 0;
  #valuesRead = 0;

  /** Without a shape, only the status and an error name in the head give facts. */
  constructor(shape: Shape | null, kept: Partial<Kept> = {}) {
    const { eventBytes, readBytes, ...characters } = { ...keptForFacts, ...kept };
    this.#shape = shape;
    this.#draft = new AnswerDraft(characters);
    this.#eventBytesMax = eventBytes;
    this.#readBytesMax = readBytes;
  }

  /** Number of JSON objects that came, with or without meaning. */
  get valuesRead(): number {
    return this.#valuesRead;
  }

  /** Number of characters of texts and of arguments of calls that came. */
  get said(): number {
    return this.#draft.said + (this.#long?.said ?? 0);
  }

  /** Number of events or documents that were too long or unreadable, and of pieces that were cut. If it is not 0, the facts may lack what these said. */
  get unread(): number {
    return this.#missing + this.#draft.cut + (this.#long?.unread ?? 0);
  }

  /** The part of `unread` that is missing from the facts entirely. Cut arguments do not count: the facts hold their beginning. */
  get #missing(): number {
    return this.#unreadFrames + this.#draft.lost;
  }

  /** True if the messages lack text or parts because the limit of characters was reached. */
  get isTextCut(): boolean {
    return this.#draft.isTextCut;
  }

  get error(): AnswerError | null {
    return this.#draft.error ?? (this.#status < failedStatusMin ? null : { type: String(this.#status), message: undefined });
  }

  framer({ headers }: ResponseHead): Framer | null {
    return this.#shape === null ? null : framerOf(headerOf(headers, 'content-type') ?? '', this.#eventBytesMax, this.#readBytesMax);
  }

  head({ status, headers }: ResponseHead): void {
    this.#status = status;
    this.#isStream = isEventStream(headerOf(headers, 'content-type') ?? '');
    // AWS names its errors in this header; after a colon the address of a namespace may follow.
    const [errorName] = (headerOf(headers, 'x-amzn-errortype') ?? '').split(':', 1);
    if (errorName !== undefined && errorName !== '') {
      this.#draft.fail(errorName, undefined);
    }
  }

  frame(frame: Frame): void {
    const value = valueOf(frame);
    if (value === 'unread') {
      this.#unreadFrames += 1;
    } else if (value !== null) {
      this.#shape?.read(value, this.#draft);
      this.#valuesRead += 1;
    }
  }

  takeLong(long: LongAnswer): void {
    this.#long = long;
    this.#valuesRead += long.valuesRead;
  }

  unreadable(): void {
    this.#unreadFrames += this.#shape === null ? 0 : 1;
  }

  facts(): Attributes {
    return {
      ...this.#draft.facts(),
      ...this.#long?.facts,
      ...(this.#status >= failedStatusMin && this.#draft.error?.type === undefined && this.#long === null ? { 'error.type': String(this.#status) } : {}),
      ...(this.unread === 0 ? {} : { [ownAttributes.unreadEvents]: this.unread }),
      ...(this.#missing === 0 ? {} : { [ownAttributes.isWhole]: false }),
    };
  }

  /** The time to the first chunk, in seconds, if the answer is a stream. A list of several documents counts as a stream; an answer that comes whole has no chunks. */
  firstBytes(seconds: number): Attributes {
    return this.#isStream || this.#valuesRead > 1 ? { 'gen_ai.response.time_to_first_chunk': seconds } : {};
  }

  messages(): Message[] {
    return this.#draft.messages();
  }
}
