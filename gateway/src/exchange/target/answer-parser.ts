/** Reads answers of HTTP/1.x (RFC 9112), but only their framing. An answer that two readers could frame differently is refused (ATTACKS A10). */
import { GatewayError } from '../../domain/errors.ts';
import type { AnsweredHead } from '../../domain/call.ts';
import { parseHeaderLine } from '../header-line.ts';

const headBytesMax = 64 * 1024;
const headersMax = 256;
const chunkLineBytesMax = 4 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;
const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
/** A number of twelve hex digits is exact in a double. */
const chunkLine = /^([\dA-Fa-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const closes = /(?:^|,)\s*close\s*(?:,|$)/i;
const keptSeconds = /(?:^|,)\s*timeout=(\d{1,6})/i;
const lengthValue = /^\d{1,15}$/;

export interface AnswerReceiver {
  /** Called with each interim answer (status 1xx). Status 101 is given to `onHead` instead. */
  onInformation(head: AnsweredHead): void;
  onHead(head: AnsweredHead): void;
  onBody(bytes: Buffer): void;
  /** Called at the end of the answer. */
  onEnd(trailers: readonly string[]): void;
}

/** The part of an answer to which the next byte belongs. */
type AnswerPart = 'status' | 'headers' | 'length' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers' | 'until close' | 'done';

/** Parses one answer, which comes in pieces of any size. Memory is bounded: a line waits until it is whole, a body passes through. Throws GatewayError `target_unreachable`. */
export class AnswerParser {
  readonly #receiver: AnswerReceiver;
  readonly #isForHead: boolean;
  #part: AnswerPart = 'status';
  /** The beginning of a line that is not yet complete. */
  #partial: Buffer[] = [];
  /** Bytes that the remaining lines of a head, of a chunk's head or of trailers may have. */
  #lineBytesLeft = headBytesMax;
  /** Bytes that are still missing of a body, or of a chunk. */
  #bodyBytesLeft = 0;
  #status = 0;
  #statusText = '';
  #isOld = false;
  #headers: string[] = [];
  #canBeKept = true;
  #keptMs = Number.POSITIVE_INFINITY;

  constructor(receiver: AnswerReceiver, isForHead: boolean) {
    this.#receiver = receiver;
    this.#isForHead = isForHead;
  }

  get isDone(): boolean {
    return this.#part === 'done';
  }

  /** True if the connection can be used for another request once this answer is complete. */
  get canBeKept(): boolean {
    return this.#canBeKept;
  }

  /** The time in ms that the target keeps an unused connection open, as it announces. */
  get keptMs(): number {
    return this.#keptMs;
  }

  /** Reads bytes. Returns the bytes after the answer, which are all of `bytes` once the answer is complete. */
  read(bytes: Buffer): Buffer {
    let at = 0;
    while (at < bytes.length && this.#part !== 'done') {
      if (this.#part === 'until close') {
        this.#receiver.onBody(at === 0 ? bytes : bytes.subarray(at));
        at = bytes.length;
      } else if (this.#part === 'length' || this.#part === 'chunk') {
        at = this.#readBody(bytes, at);
      } else {
        at = this.#readLine(bytes, at);
      }
    }
    return bytes.subarray(at);
  }

  /** Ends the answer because the target has closed its side. Returns false if that is in the middle of the answer. */
  close(): boolean {
    if (this.#part === 'until close') {
      this.#end([]);
    }
    return this.isDone;
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#bodyBytesLeft);
    this.#bodyBytesLeft -= end - at;
    this.#receiver.onBody(bytes.subarray(at, end));
    if (this.#bodyBytesLeft === 0) {
      if (this.#part === 'length') {
        this.#end([]);
      } else {
        this.#part = 'chunk end';
      }
    }
    return end;
  }

  #readLine(bytes: Buffer, at: number): number {
    const found = bytes.indexOf(newline, at);
    const end = found === -1 ? bytes.length : found + 1;
    this.#lineBytesLeft -= end - at;
    if (this.#lineBytesLeft < 0) {
      throw malformed(`a head or a line of it is longer than ${headBytesMax} bytes`);
    }
    if (found === -1) {
      this.#partial.push(bytes.subarray(at));
      return end;
    }
    let line = bytes.subarray(at, end);
    if (this.#partial.length > 0) {
      line = Buffer.concat([...this.#partial, line]);
      this.#partial = [];
    }
    if (line[line.length - 2] !== carriageReturn) {
      throw malformed('a line does not end with CR LF');
    }
    this.#onLine(line.toString('latin1', 0, line.length - 2));
    return end;
  }

  #onLine(line: string): void {
    switch (this.#part) {
      case 'status':
        this.#onStatus(line);
        break;
      case 'headers':
        if (line === '') {
          this.#onHead();
        } else {
          this.#onHeader(line);
        }
        break;
      case 'chunk size':
        this.#onChunkSize(line);
        break;
      case 'chunk end':
        if (line !== '') {
          throw malformed('a chunk is longer than its size');
        }
        this.#part = 'chunk size';
        break;
      default:
        if (line === '') {
          this.#end(this.#headers);
        } else {
          this.#onHeader(line);
        }
    }
  }

  #onStatus(line: string): void {
    const [, minor, status, text = ''] = statusLine.exec(line) ?? [];
    if (status === undefined) {
      throw malformed('it does not begin with a status line');
    }
    this.#isOld = minor === '0';
    this.#status = Number(status);
    this.#statusText = text;
    this.#headers = [];
    this.#part = 'headers';
  }

  #onHeader(line: string): void {
    const header = parseHeaderLine(line);
    if (header === null) {
      throw malformed('a header line has no name, or a character that none may have');
    }
    if (this.#headers.length >= 2 * headersMax) {
      throw malformed(`it has more than ${headersMax} header lines`);
    }
    this.#headers.push(...header);
  }

  #onHead(): void {
    const status = this.#status;
    const head: AnsweredHead = { status, statusText: this.#statusText, rawHeaders: this.#headers };
    this.#lineBytesLeft = headBytesMax;
    if (status >= 100 && status < 200 && status !== 101) {
      this.#part = 'status';
      this.#receiver.onInformation(head);
      return;
    }
    this.#canBeKept = !this.#isOld && !closes.test(this.#values('connection').join());
    const kept = keptSeconds.exec(this.#values('keep-alive').join())?.[1];
    this.#keptMs = kept === undefined ? this.#keptMs : Number(kept) * 1000;
    this.#part = this.#framing();
    this.#receiver.onHead(head);
    if (this.#part === 'length' && this.#bodyBytesLeft === 0) {
      this.#end([]);
    }
  }

  /** Finds how the body is framed (RFC 9112, 6.3). */
  #framing(): AnswerPart {
    const lengths = this.#values('content-length');
    const codings = this.#values('transfer-encoding');
    const [length] = lengths;
    if ((length !== undefined && (lengths.length > 1 || !lengthValue.test(length))) || (codings.length > 0 && (length !== undefined || this.#isOld))) {
      throw malformed('it says in two ways, or in none that is known, where its body ends');
    }
    if (this.#isForHead || this.#status < 200 || this.#status === 204 || this.#status === 304) {
      this.#bodyBytesLeft = 0;
      return 'length';
    }
    if (codings.length > 0) {
      if (codings.join().toLowerCase() !== 'chunked') {
        throw malformed('its transfer encoding is none that is known');
      }
      this.#lineBytesLeft = chunkLineBytesMax;
      return 'chunk size';
    }
    if (length === undefined) {
      this.#canBeKept = false;
      return 'until close';
    }
    this.#bodyBytesLeft = Number(length);
    return 'length';
  }

  #onChunkSize(line: string): void {
    const size = chunkLine.exec(line)?.[1];
    if (size === undefined) {
      throw malformed('a chunk has no size');
    }
    this.#bodyBytesLeft = Number.parseInt(size, 16);
    this.#part = this.#bodyBytesLeft === 0 ? 'trailers' : 'chunk';
    this.#lineBytesLeft = this.#bodyBytesLeft === 0 ? headBytesMax : chunkLineBytesMax;
    this.#headers = [];
  }

  #end(trailers: readonly string[]): void {
    this.#part = 'done';
    this.#receiver.onEnd(trailers);
  }

  /** Returns the values of the header with this name, which is in lower case. */
  #values(name: string): string[] {
    const values: string[] = [];
    for (let i = 0; i < this.#headers.length; i += 2) {
      const found = this.#headers[i];
      if (found?.length === name.length && found.toLowerCase() === name) {
        values.push(this.#headers[i + 1] ?? '');
      }
    }
    return values;
  }
}

function malformed(what: string): GatewayError {
  return new GatewayError('target_unreachable', `The target's answer is not HTTP that can be passed on: ${what}.`);
}
