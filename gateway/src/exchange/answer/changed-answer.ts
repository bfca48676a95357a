import { changeText, type TextChange } from '../../domain/text-change.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead, CallReceiver } from '../../domain/call.ts';
import type { Upstream } from '../../domain/upstream.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { pairHeaders, withoutBodyHeaders } from '../headers.ts';
import { changeJsonTexts } from '../../content/json-texts.ts';
import { headerOf, type Headers } from '../reading.ts';
import { PassedAnswer } from './answer-stage.ts';

/** How the body of an answer is divided into frames, each of which is changed as a whole. `line`: into lines. `data`: into the lines of an event stream. `json`, `text`: all of it is one frame. */
type Frame = 'data' | 'line' | 'json' | 'text';

const lineFeed = 0x0a;
const json = /^\s*["[{]/;
const field = /^(data: ?)(.*)$/s;

export interface ChangedAnswerParts {
  readonly changes: readonly TextChange[];
  /** Most bytes of one frame. A longer frame ends the answer with an error. */
  readonly frameBytesMax: number;
}

/**
 * Changes the texts of an answer before it is relayed: the texts of JSON, of each event of a stream, of each line, or a plain text as a whole. A body
 * in another form, or an encoded body, is not let through, because its texts cannot be found.
 */
export class ChangedAnswer extends PassedAnswer {
  readonly #parts: ChangedAnswerParts;
  #frame: Frame | null = null;
  /** The head of an answer whose texts cannot be found. It is released only if the answer has no body. */
  #head: AnsweredHead | null = null;
  #held = new ByteWriter();

  constructor(parts: ChangedAnswerParts, next: CallReceiver) {
    super(next);
    this.#parts = parts;
  }

  override onHead(head: AnsweredHead): void {
    this.#frame = frameOf(pairHeaders(head.rawHeaders));
    if (this.#frame === null) {
      this.#head = head;
    } else {
      this.next.onHead({ ...head, rawHeaders: withoutBodyHeaders(head.rawHeaders) });
    }
  }

  /** Refuses WebSocket, because texts in its frames cannot be changed. */
  override onUpgrade(_head: AnsweredHead, upstream: Upstream): void {
    upstream.destroy();
    this.onError(new GatewayError('unsupported', 'Policy changes texts in answers of this target, which cannot be done over WebSocket. Use plain HTTP.'));
  }

  override onBytes(bytes: Buffer): void {
    if (this.isOver || bytes.length === 0) {
      return;
    }
    if (this.#frame === null) {
      this.onError(new GatewayError('unsupported', 'Policy changes texts in answers of this target, and no texts can be found in an answer of this form.'));
    } else if (this.#frame === 'json' || this.#frame === 'text') {
      this.#hold(bytes);
    } else {
      this.#lines(bytes);
    }
  }

  override onEnd(trailers: readonly string[]): void {
    if (!this.isOver) {
      if (this.#head !== null) {
        this.next.onHead(this.#head);
      }
      this.#release();
      this.next.onEnd(trailers);
    }
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
          `Policy changes texts in answers of this target, and one of them is longer than ${this.#parts.frameBytesMax} bytes.`,
        ),
      );
    } else if (!this.isOver) {
      this.#held.bytes(bytes);
    }
  }

  #release(): void {
    if (this.#held.length === 0 || this.isOver) {
      return;
    }
    const text = this.#held.finish().toString();
    this.#held = new ByteWriter();
    const isByLine = this.#frame === 'data' || this.#frame === 'line';
    this.next.onBytes(
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

/** How to divide an answer with these headers. Null if its texts cannot be found. */
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
