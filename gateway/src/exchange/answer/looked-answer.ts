import type { Transform } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { GatewayError } from '../../domain/errors.ts';
import { codingOf, decodedBytesMax, decoderOf } from '../../content/codings.ts';
import { pairHeaders, withoutBodyHeaders } from '../headers.ts';
import { headerOf, joinedHeaderOf } from '../reading.ts';
import { PassedAnswer } from './answer-stage.ts';
import { beginText, type TextStream } from '../../domain/text-change.ts';
import { ChangedAnswer, type ChangedAnswerParts } from './changed-answer.ts';

/** Most encoded bytes that wait to be decoded. If there are more, the answer passes without being looked at. */
const waitingBytesMax = 16 * 1024 * 1024;
/** Matches a media type whose texts are found as they come. Those of another one are found when the body is whole. */
const streamed = /^\s*(?:text\/event-stream|application\/(?:x-ndjson|jsonl|vnd\.amazon\.eventstream))\s*(?:;|$)/i;

/**
 * Looks at the texts of an answer that passes as it is, byte for byte. The answer goes also through a stage that finds its texts, whose result is dropped. Where that
 * stage would refuse the answer, the looks are told that they missed it.
 *
 * Values are known before the client can use them. So bytes in a content coding pass when it is undone for the looks, and a body whose texts are found only when it is
 * whole is, if it comes in pieces, looked at as one text too.
 *
 *     target ──┬── as it is ──────────────────────────────────────────────────────────────────▶ client
 *              └── decoder, if it is in a content coding ──┬──▶ ChangedAnswer ──▶ dropped
 *                                                          └──▶ one text, if it is not whole yet
 */
export class LookedAnswer extends PassedAnswer {
  readonly #parts: ChangedAnswerParts;
  readonly #texts: ChangedAnswer;
  /** Null: the answer is not in a coding that can be undone, or nothing of its body has come. */
  #decoder: Transform | null = null;
  #open: (() => Transform) | null = null;
  /** The body as one text. Null: it is looked at in no other way than by its texts. */
  #body: { readonly text: TextStream; readonly utf8: StringDecoder } | null = null;
  #isMissed = false;
  #decodedBytes = 0;
  /** Bytes that are being decoded, and pass after that. */
  readonly #waiting: Buffer[] = [];
  /** Null: the end has not come. */
  #trailers: readonly string[] | null = null;
  #isStreamed = false;
  /** The length of the body, if it is known before. */
  #bodyBytes = Infinity;
  #isEnded = false;

  constructor(parts: ChangedAnswerParts, next: CallReceiver) {
    super(next);
    this.#parts = parts;
    this.#texts = new ChangedAnswer(parts, new Dropped(parts));
  }

  override onInformation(head: AnsweredHead): void {
    this.#texts.onInformation(head);
    super.onInformation(head);
  }

  override onUpgrade(head: AnsweredHead, upstream: Parameters<CallReceiver['onUpgrade']>[1]): void {
    this.#isEnded = true;
    this.#texts.onUpgrade(head, upstream);
    super.onUpgrade(head, upstream);
  }

  override onHead(head: AnsweredHead): void {
    const headers = pairHeaders(head.rawHeaders);
    this.#open = decoderOf(codingOf(joinedHeaderOf(headers, 'content-encoding')));
    this.#isStreamed = streamed.test(joinedHeaderOf(headers, 'content-type'));
    this.#bodyBytes = this.#open === null ? Number(headerOf(headers, 'content-length') ?? Infinity) : Infinity;
    this.#texts.onHead(this.#open === null ? head : { ...head, rawHeaders: withoutBodyHeaders(head.rawHeaders) });
    super.onHead(head);
  }

  override onBytes(bytes: Buffer): void {
    if (this.#open === null) {
      this.#look(bytes);
      this.#texts.inOrder(() => {
        super.onBytes(bytes);
      });
      return;
    }
    this.#decoder ??= this.#begin(this.#open());
    this.#waiting.push(bytes);
    this.#decoder.write(bytes, () => {
      this.#pass();
    });
    if (this.#decoder.writableLength > waitingBytesMax) {
      this.#giveUp();
    }
  }

  override onEnd(trailers: readonly string[]): void {
    this.#trailers = trailers;
    if (this.#decoder === null) {
      this.#end();
    } else {
      this.#decoder.end();
    }
  }

  override onError(error: GatewayError): void {
    this.#texts.inOrder(() => {
      this.breakOff();
      super.onError(error);
    });
  }

  /** Looks at what came of an answer that does not come to its end, as far as the client may have it. */
  breakOff(): void {
    const isLate = this.#texts.isWaiting;
    if (this.#isEnded && !isLate) {
      return;
    }
    this.#isEnded = true;
    this.#decoder?.destroy();
    if (isLate) {
      this.#miss();
      return;
    }
    this.#texts.onEnd([]);
    if (!this.#isStreamed) {
      this.#miss();
    }
  }

  #look(bytes: Buffer): void {
    if (this.#isMissed) {
      return;
    }
    this.#texts.onBytes(bytes);
    if (this.#isStreamed) {
      this.#notePassed(bytes);
    } else if (this.#body !== null || bytes.length < this.#bodyBytes) {
      this.#body ??= { text: beginText(this.#parts.changes, this.#parts.frameBytesMax), utf8: new StringDecoder('utf8') };
      this.#body.text.push(this.#body.utf8.write(bytes));
    }
  }

  /** Tells the looks of bytes of which the texts are found only with those that follow. */
  #notePassed(bytes: Buffer): void {
    if (!this.#texts.isBetweenFrames) {
      for (const { look } of this.#parts.changes) {
        look?.passed(bytes);
      }
    }
  }

  #begin(decoder: Transform): Transform {
    decoder.on('data', (bytes: Buffer) => {
      this.#decodedBytes += bytes.length;
      if (this.#decodedBytes > decodedBytesMax) {
        this.#giveUp();
      } else if (!this.#isEnded) {
        this.#look(bytes);
      }
    });
    decoder.once('end', () => {
      this.#end();
    });
    decoder.once('error', () => {
      this.#giveUp();
    });
    return decoder;
  }

  /** Passes the oldest bytes that wait. */
  #pass(): void {
    const bytes = this.#waiting.shift();
    if (bytes !== undefined) {
      this.#texts.inOrder(() => {
        if (!this.isOver) {
          super.onBytes(bytes);
        }
      });
    }
  }

  /** Lets the answer pass without looking at the rest of it. */
  #giveUp(): void {
    this.#open = null;
    this.#decoder?.destroy();
    this.#decoder = null;
    this.#miss();
    while (this.#waiting.length > 0) {
      this.#pass();
    }
    if (this.#trailers !== null) {
      this.#end();
    }
  }

  #end(): void {
    if (this.#isEnded || this.isOver) {
      return;
    }
    this.#isEnded = true;
    const trailers = this.#trailers ?? [];
    this.#texts.onEnd(trailers);
    this.#texts.inOrder(() => {
      super.onEnd(trailers);
    });
  }

  #miss(): void {
    this.#isMissed = true;
    for (const { look } of this.#parts.changes) {
      look?.missed();
    }
  }
}

/** Receives what nobody needs. */
class Dropped implements CallReceiver {
  readonly #parts: ChangedAnswerParts;

  constructor(parts: ChangedAnswerParts) {
    this.#parts = parts;
  }

  onInformation(): void {
    // It passes already.
  }

  onHead(): void {
    // It passes already.
  }

  onUpgrade(): void {
    // It passes already.
  }

  onBytes(): void {
    // They pass already.
  }

  onEnd(): void {
    // It passes already.
  }

  onError(): void {
    for (const { look } of this.#parts.changes) {
      look?.missed();
    }
  }

  onDrain(): void {
    // Nothing waits.
  }
}
