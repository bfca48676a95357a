import { changeText, type TextChange } from '../domain/text-change.ts';
import { GatewayError } from '../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../domain/exchange.ts';
import type { Upstream } from '../domain/protocol.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { pairHeaders, withoutBodyHeaders } from './headers.ts';
import { changeJsonTexts } from '../content/json-texts.ts';
import { headerOf, type Headers } from './reading.ts';

/** How the body of an answer is divided into frames, each of which is changed whole: lines, or one frame for all of it. `data`: the lines of an event stream. */
type Frame = 'data' | 'line' | 'json' | 'text';

const lineFeed = 0x0a;
const json = /^\s*["[{]/;
const field = /^(data: ?)(.*)$/s;

export interface ChangedAnswerParts {
  readonly changes: readonly TextChange[];
  /** The limit of one frame, in bytes. A longer one ends the answer. */
  readonly frameBytesMax: number;
  readonly receiver: CallReceiver;
}

/**
 * Stands before the relay of an answer whose texts must be changed: the texts of JSON, of each event of a stream, of each line, or a plain text as a whole. What is
 * in another form, or encoded, is not let through, because nobody knows what is in it.
 */
export class ChangedAnswer implements CallReceiver {
  readonly #parts: ChangedAnswerParts;
  #frame: Frame | null = null;
  /** Of an answer in which no texts are found: released if it has no body. */
  #head: AnsweredHead | null = null;
  #held = new ByteWriter();
  #isOver = false;

  constructor(parts: ChangedAnswerParts) {
    this.#parts = parts;
  }

  onInformation(head: AnsweredHead): void {
    this.#parts.receiver.onInformation(head);
  }

  onHead(head: AnsweredHead): void {
    this.#frame = frameOf(pairHeaders(head.rawHeaders));
    if (this.#frame === null) {
      this.#head = head;
    } else {
      this.#parts.receiver.onHead({ ...head, rawHeaders: withoutBodyHeaders(head.rawHeaders) });
    }
  }

  /** The frames of a WebSocket are not changed yet, so none is opened. */
  onUpgrade(_head: AnsweredHead, upstream: Upstream): void {
    upstream.destroy();
    this.onError(new GatewayError('unsupported', 'Policy changes texts of what this target answers, which cannot be done over WebSocket: ask in plain HTTP.'));
  }

  onBytes(bytes: Buffer): void {
    if (this.#isOver || bytes.length === 0) {
      return;
    }
    if (this.#frame === null) {
      this.onError(new GatewayError('unsupported', 'Policy changes texts of what this target answers, and this answer is in a form in which none are found.'));
    } else if (this.#frame === 'json' || this.#frame === 'text') {
      this.#hold(bytes);
    } else {
      this.#lines(bytes);
    }
  }

  onEnd(trailers: readonly string[]): void {
    if (!this.#isOver) {
      if (this.#head !== null) {
        this.#parts.receiver.onHead(this.#head);
      }
      this.#release();
      this.#parts.receiver.onEnd(trailers);
    }
  }

  /** What is held is no whole frame, and is not released. */
  onError(error: GatewayError): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#parts.receiver.onError(error);
    }
  }

  onDrain(): void {
    this.#parts.receiver.onDrain();
  }

  #lines(bytes: Buffer): void {
    const end = bytes.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      this.#hold(bytes.subarray(0, end));
      this.#release();
    }
    this.#hold(bytes.subarray(end));
  }

  #hold(bytes: Buffer): void {
    if (this.#held.length + bytes.length > this.#parts.frameBytesMax) {
      this.onError(
        new GatewayError(
          'limit_exceeded',
          `Policy changes texts of what this target answers, and one of them is longer than ${this.#parts.frameBytesMax} bytes.`,
        ),
      );
    } else if (!this.#isOver) {
      this.#held.bytes(bytes);
    }
  }

  #release(): void {
    if (this.#held.length === 0 || this.#isOver) {
      return;
    }
    const text = this.#held.finish().toString();
    this.#held = new ByteWriter();
    const isByLine = this.#frame === 'data' || this.#frame === 'line';
    this.#parts.receiver.onBytes(
      Buffer.from(
        isByLine
          ? text
              .split('\n')
              .map((line) => this.#changeLine(line))
              .join('\n')
          : this.#change(text),
      ),
    );
  }

  #changeLine(line: string): string {
    if (this.#frame === 'line') {
      return this.#change(line);
    }
    const [, name, value] = field.exec(line) ?? [];
    return name === undefined || value === undefined ? line : `${name}${this.#change(value)}`;
  }

  #change(text: string): string {
    const change = (value: string): string => changeText(this.#parts.changes, value);
    return json.test(text) ? changeJsonTexts(text, change) : change(text);
  }
}

/** Null: no texts are found in it. */
function frameOf(headers: Headers): Frame | null {
  const coding = headerOf(headers, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
  const type = headerOf(headers, 'content-type')?.toLowerCase() ?? '';
  if (coding !== 'identity' && coding !== '') {
    return null;
  }
  if (type.startsWith('text/event-stream')) {
    return 'data';
  }
  if (type.startsWith('application/x-ndjson') || type.startsWith('application/jsonl')) {
    return 'line';
  }
  return /^application\/(?:[\w.-]+\+)?json\b/.test(type) ? 'json' : type.startsWith('text/') || type === '' ? 'text' : null;
}
