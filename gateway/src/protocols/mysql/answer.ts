import { GatewayError } from '../../domain/errors.ts';
import { lengthEncodedBytes, PayloadReader } from './payload.ts';

/** The first bytes of payloads that are no rows. */
export const marks = { ok: 0x00, more: 0x01, localFile: 0xfb, eof: 0xfe, error: 0xff } as const;
/** The bits of a server's status. */
const moreResults = 8;
const cursorExists = 0x40;
/** `sql_mode` has `NO_BACKSLASH_ESCAPES`. */
export const noBackslashEscapes = 0x200;
/** A payload that begins with 0xfe and is longer is a row. */
const eofBytesMax = 8;
const fullPacketBytes = 0xff_ff_ff;

/** The form of the answer to a command. */
export type AnswerForm =
  /** Any number of results, each with rows or without. */
  | 'results'
  /** Rows of a cursor. */
  | 'rows'
  /** That it is done. */
  | 'done'
  | 'text'
  /** The columns of a table. */
  | 'columns'
  /** A statement that was prepared, with its parameters and columns. */
  | 'prepared';

/** The meaning of a payload of an answer. */
export type Meaning = 'done' | 'error' | 'count' | 'column' | 'row' | 'text' | 'prepared' | 'end of columns' | 'end of rows';

/** The facts of a prepared statement. */
export interface Prepared {
  readonly statement: number;
  readonly columns: number;
  readonly parameters: number;
}

/** Tells what each payload of an answer is, and where the answer ends. https://mariadb.com/kb/en/result-set-packets/ */
export class AnswerReading {
  readonly #form: AnswerForm;
  readonly #isEofDeprecated: boolean;
  #next: 'start' | 'column' | 'end of columns' | 'row' = 'start';
  #columnsLeft = 0;
  /** The columns of a prepared statement that follow its parameters. */
  #furtherColumns = 0;
  #prepared: Prepared | null = null;
  #hasCursor = false;
  #isOver = false;
  #status: number | null = null;

  constructor(form: AnswerForm, isEofDeprecated: boolean) {
    this.#form = form;
    this.#isEofDeprecated = isEofDeprecated;
    this.#next = form === 'rows' ? 'row' : form === 'columns' ? 'column' : 'start';
  }

  /** True after the last payload. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The status of the server after the last result; null if none has ended. */
  get status(): number | null {
    return this.#status;
  }

  /** True if the next payload is a row, or ends the rows. */
  get isAtRows(): boolean {
    return this.#next === 'row';
  }

  /** The statement that was prepared. Null: none was, or it is not known yet. */
  get prepared(): Prepared | null {
    return this.#prepared;
  }

  /** True if a cursor has the rows of the last result. */
  get hasCursor(): boolean {
    return this.#hasCursor;
  }

  /** Takes the next payload: its first bytes, and the length of the packet with which it begins. Throws GatewayError `malformed`. */
  take(head: Buffer, firstPacketBytes: number): Meaning {
    const mark = firstPacketBytes === 0 ? -1 : (head[0] ?? -1);
    if (this.#isOver) {
      throw new GatewayError('malformed', 'The target sent a packet after the end of its answer.');
    }
    if (mark === marks.error) {
      this.#isOver = true;
      return 'error';
    }
    switch (this.#next) {
      case 'start':
        return this.#start(mark, head);
      case 'column':
        return this.#column(mark, head, firstPacketBytes);
      case 'end of columns':
        if (mark !== marks.eof || firstPacketBytes > eofBytesMax) {
          throw new GatewayError('malformed', 'The target sent something else than the end of the columns.');
        }
        return this.#endOfColumns(head);
      case 'row':
        return this.#row(mark, head, firstPacketBytes);
      default:
        return this.#next satisfies never;
    }
  }

  #start(mark: number, head: Buffer): Meaning {
    switch (this.#form) {
      case 'text':
        this.#isOver = true;
        return 'text';
      case 'prepared':
        return this.#prepare(mark, head);
      case 'done':
        if (mark !== marks.ok && mark !== marks.eof) {
          throw new GatewayError('malformed', 'The target answered in a form that does not belong to the request.');
        }
        this.#isOver = true;
        return 'done';
      default:
        return this.#result(mark, head);
    }
  }

  #result(mark: number, head: Buffer): Meaning {
    if (mark === marks.localFile) {
      throw new GatewayError('malformed', 'The target asks for a file of the client, which was not offered to it.');
    }
    if (mark === marks.ok) {
      this.#resultEnds(statusOf(head));
      return 'done';
    }
    this.#columnsLeft = new PayloadReader(head).lengthEncoded();
    this.#next = 'column';
    return 'count';
  }

  #prepare(mark: number, head: Buffer): Meaning {
    if (mark !== marks.ok) {
      throw new GatewayError('malformed', 'The target answered in a form that does not belong to the request.');
    }
    const reader = new PayloadReader(head, 1);
    const [statement, columns, parameters] = [reader.uint32le(), reader.uint16le(), reader.uint16le()];
    this.#prepared = { statement, columns, parameters };
    this.#columnsLeft = parameters > 0 ? parameters : columns;
    this.#furtherColumns = parameters > 0 ? columns : 0;
    this.#next = 'column';
    this.#isOver = parameters + columns === 0;
    return 'prepared';
  }

  #column(mark: number, head: Buffer, firstPacketBytes: number): Meaning {
    if (this.#form === 'columns') {
      this.#isOver = mark === marks.eof;
      return this.#isOver ? 'end of columns' : 'column';
    }
    if (firstPacketBytes === fullPacketBytes || mark === marks.eof) {
      throw new GatewayError('malformed', 'The target sent something else than a column.');
    }
    this.#columnsLeft -= 1;
    if (this.#columnsLeft === 0) {
      this.#next = 'end of columns';
      if (this.#isEofDeprecated) {
        this.#endOfColumns(head);
      }
    }
    return 'column';
  }

  #endOfColumns(head: Buffer): Meaning {
    if (this.#form === 'prepared') {
      this.#columnsLeft = this.#furtherColumns;
      this.#furtherColumns = 0;
      this.#next = 'column';
      this.#isOver = this.#columnsLeft === 0;
    } else if (!this.#isEofDeprecated && (statusOf(head) & cursorExists) !== 0) {
      this.#resultEnds(statusOf(head));
    } else {
      this.#next = 'row';
    }
    return 'end of columns';
  }

  #row(mark: number, head: Buffer, firstPacketBytes: number): Meaning {
    if (mark !== marks.eof || firstPacketBytes > (this.#isEofDeprecated ? fullPacketBytes - 1 : eofBytesMax)) {
      return 'row';
    }
    this.#resultEnds(statusOf(head));
    return 'end of rows';
  }

  #resultEnds(status: number): void {
    this.#status = status;
    this.#hasCursor = (status & cursorExists) !== 0;
    this.#isOver = this.#form === 'rows' || (status & moreResults) === 0;
    this.#next = 'start';
  }
}

/** Returns the status in a payload that says that something is done or ends. Throws GatewayError `malformed`. */
function statusOf(head: Buffer): number {
  const reader = new PayloadReader(head, 1);
  if (head[0] === marks.eof && head.length <= 5) {
    reader.uint16le();
    return reader.uint16le();
  }
  reader.lengthEncoded();
  reader.lengthEncoded();
  return reader.uint16le();
}

/** An error of a server. */
export interface ServerError {
  readonly code: number;
  readonly state: string;
  readonly message: Buffer;
}

/** Reads an error. Throws GatewayError `malformed`. */
export function parseError(payload: Buffer): ServerError {
  const reader = new PayloadReader(payload, 1);
  const code = reader.uint16le();
  const hasState = reader.left >= 6 && reader.peek() === 0x23;
  const state = hasState ? reader.bytes(6).toString('latin1', 1) : 'HY000';
  return { code, state, message: reader.rest() };
}

/** Writes an error. */
export function composeError({ code, state, message }: ServerError): Buffer {
  const head = Buffer.of(marks.error, 0, 0);
  head.writeUInt16LE(code, 1);
  return Buffer.concat([head, Buffer.from(`#${state}`), message]);
}

const progressCode = 0xff_ff;
/** Bytes before the words of a report of progress, if these are short. */
export const progressHeadBytes = 10;

/** Says words that a client shows while it waits for its answer: a report of progress. https://mariadb.com/kb/en/err_packet/ */
export function composeProgress(words: string): Buffer {
  // One text follows, of the first of one stages, of which nothing is done.
  return Buffer.concat([Buffer.of(marks.error, progressCode & 0xff, progressCode >> 8, 1, 1, 1, 0, 0, 0), lengthEncodedBytes(Buffer.from(words))]);
}

/** True for a report of progress, after which the answer goes on. */
export function isProgress(payload: Buffer): boolean {
  return payload.length > 3 && payload[0] === marks.error && payload.readUInt16LE(1) === progressCode;
}

/** Says that something is done. */
export function composeOk(): Buffer {
  return Buffer.of(marks.ok, 0, 0, 2, 0, 0, 0);
}
