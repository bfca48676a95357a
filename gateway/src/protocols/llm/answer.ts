import type { Attributes } from '../../domain/action.ts';
import { wholeAttribute } from '../../domain/record.ts';
import type { AnswerReader, ResponseHead } from '../../exchange/reading.ts';
import { type AnswerError, AnswerDraft, type KeptCharacters } from './answer-draft.ts';
import { type Framing, framingOf, isEventStream } from './framing.ts';
import type { Shape } from './shape.ts';
import type { Message } from './transcript.ts';

const failedStatusMin = 400;
/** Facts need no text. */
export const keptForFacts: Kept = { text: 0, arguments: 64 * 1024 };

/** `eventBytes`: what is held of one event, or of a document, to be read. */
export interface Kept extends KeptCharacters {
  readonly eventBytes?: number;
}

/** Reads one answer of a model. For its facts no text is kept; who wants its messages says how much of it. */
export class ModelAnswer implements AnswerReader {
  readonly #shape: Shape | null;
  readonly #draft: AnswerDraft;
  readonly #eventBytesMax: number | undefined;
  #framing: Framing = framingOf('');
  #isStream = false;
  #isUnreadable = false;
  #status = 0;
  #valuesRead = 0;

  /** Without a shape only the status tells something. */
  constructor(shape: Shape | null, kept: Partial<Kept> = {}) {
    const { eventBytes, ...characters } = { ...keptForFacts, ...kept };
    this.#shape = shape;
    this.#draft = new AnswerDraft(characters);
    this.#eventBytesMax = eventBytes;
  }

  /** JSON objects that came, whether or not they say something. */
  get valuesRead(): number {
    return this.#valuesRead;
  }

  /** Events of a stream, or documents, that were too long or not readable: the facts may lack what they said. */
  get unread(): number {
    return this.#missing + this.#draft.cut;
  }

  /** Of those, what is not among the facts at all. That arguments are cut, the record of the facts says itself. */
  get #missing(): number {
    return this.#framing.skipped + this.#draft.lost + (this.#isUnreadable ? 1 : 0);
  }

  /** Not all of the text is among the messages. */
  get isTextCut(): boolean {
    return this.#draft.isTextCut;
  }

  get isBetweenEvents(): boolean {
    return this.#shape !== null && this.#framing.isBetweenEvents;
  }

  get error(): AnswerError | null {
    return this.#draft.error ?? (this.#status < failedStatusMin ? null : { type: String(this.#status), message: undefined });
  }

  head(head: ResponseHead): void {
    const valueOf = (wanted: string): string | undefined => head.headers.find(([name]) => name === wanted)?.[1];
    this.#status = head.status;
    const contentType = valueOf('content-type') ?? '';
    this.#framing = framingOf(contentType, this.#eventBytesMax);
    this.#isStream = isEventStream(contentType);
    // AWS names its errors here, with or without the address of a namespace.
    const [errorName] = (valueOf('x-amzn-errortype') ?? '').split(':', 1);
    if (errorName !== undefined && errorName !== '') {
      this.#draft.fail(errorName, undefined);
    }
  }

  bytes(piece: Uint8Array): void {
    if (this.#shape !== null) {
      for (const value of this.#framing.push(piece)) {
        this.#shape.read(value, this.#draft);
        this.#valuesRead += 1;
      }
    }
  }

  unreadable(): void {
    this.#isUnreadable = this.#shape !== null;
  }

  facts(): Attributes {
    return {
      ...this.#draft.facts(),
      ...(this.#status >= failedStatusMin && this.#draft.error?.type === undefined ? { 'error.type': String(this.#status) } : {}),
      ...(this.unread === 0 ? {} : { 'countersign.unread_events': this.unread }),
      ...(this.#missing === 0 ? {} : { [wholeAttribute]: false }),
    };
  }

  /** Of a stream, which a list of several documents is too: what comes whole has no chunks. */
  firstBytes(seconds: number): Attributes {
    return this.#isStream || this.#valuesRead > 1 ? { 'gen_ai.response.time_to_first_chunk': seconds } : {};
  }

  messages(): Message[] {
    return this.#draft.messages();
  }
}
