import type { Attributes } from '../../domain/action.ts';
import { headerBytes, parseNotice } from './codec.ts';

/** An answer that the target owes, to one request record. */
export interface Expected {
  readonly seq: number;
  /** Message types still to come, in order, each of which settles one message of the request. */
  readonly owed: string[];
  readonly startedMs: number;
  rows: number;
  state: string | null;
  /** The target's error to this request is replaced by these words: it was made by the gateway to fail a transaction. */
  readonly instead: Buffer | null;
}

/** Control messages whose body is looked at; a longer one is passed on unread. */
const bodyBytesMax = 64 * 1024;
/** Types that settle something, by what they settle (see `owedBy`). */
const settlers = new Map([
  ['1', 'parse'], ['2', 'bind'], ['3', 'close'], ['T', 'describe'], ['n', 'describe'],
  ['C', 'execute'], ['I', 'execute'], ['s', 'execute'], ['Z', 'sync'],
]);
const owedByType: Readonly<Record<string, string>> = { P: 'parse', B: 'bind', C: 'close', D: 'describe', E: 'execute', S: 'sync', Q: 'sync', F: 'sync' };

/** What the target will settle for a client's message of this type; undefined for a Flush and the like. */
export function owedBy(type: string): string | undefined {
  return owedByType[type];
}

const code = (character: string): number => character.charCodeAt(0);
const dataRow = code('D');
const looksInside = new Set(['E', 'Z', 'G', 'W'].map(code));

/** What the scanner saw at a place of the chunk. `end` is the offset behind the message, in the chunk. */
export interface Seen {
  readonly type: string;
  readonly end: number;
  /** Whole message when it is one that is looked at and short enough. */
  readonly bytes: Buffer | null;
}

/**
 * Walks over what the target sends from header to header. Bodies are not looked at, nothing is held but a header or a control message that
 * a chunk cuts in two. Rows of any size pass. Errors: none; a length that cannot be is reported as type `!`.
 */
export class AnswerScanner {
  /** Body bytes of the current message that are still to come. */
  #remaining = 0;
  /** Header or body of a control message cut by the end of a chunk. */
  #cut: Buffer[] = [];
  #cutBytes = 0;
  #collecting = false;
  #type = 0;
  rows = 0;

  /** The chunk so far ended between two messages. */
  get atBoundary(): boolean {
    return this.#remaining === 0 && this.#cutBytes === 0;
  }

  /** Calls back for every message that ends in the chunk, rows aside, which are counted. */
  scan(chunk: Buffer, seen: (message: Seen) => void): void {
    let at = this.#resume(chunk, seen);
    while (at < chunk.length) {
      if (chunk.length - at < headerBytes) {
        this.#keep(chunk.subarray(at));
        return;
      }
      const type = chunk[at] ?? 0;
      const length = chunk.readUInt32BE(at + 1) + 1;
      if (length < headerBytes || length > 0x7fff_ffff) {
        seen({ type: '!', end: at, bytes: null });
        return;
      }
      const end = at + length;
      if (end > chunk.length) {
        this.#begin(type, length, chunk.subarray(at));
        return;
      }
      this.#end(type, end, looksInside.has(type) ? chunk.subarray(at, end) : null, seen);
      at = end;
    }
  }

  #end(type: number, end: number, bytes: Buffer | null, seen: (message: Seen) => void): void {
    if (type === dataRow) {
      this.rows += 1;
    } else {
      seen({ type: String.fromCharCode(type), end, bytes });
    }
  }

  #begin(type: number, length: number, first: Buffer): void {
    this.#type = type;
    this.#remaining = length - first.length;
    this.#collecting = looksInside.has(type) && length <= bodyBytesMax;
    if (this.#collecting) {
      this.#keep(first);
    }
  }

  #keep(bytes: Buffer): void {
    this.#cut.push(Buffer.from(bytes));
    this.#cutBytes += bytes.length;
  }

  /** Goes on with what the chunk before left unfinished. Returns where the next message begins. */
  #resume(chunk: Buffer, seen: (message: Seen) => void): number {
    let at = 0;
    if (this.#remaining === 0 && this.#cutBytes > 0) {
      const missing = headerBytes - this.#cutBytes;
      this.#keep(chunk.subarray(0, missing));
      at = Math.min(missing, chunk.length);
      if (this.#cutBytes < headerBytes) {
        return at;
      }
      const header = Buffer.concat(this.#cut);
      const length = header.readUInt32BE(1) + 1;
      this.#drop();
      if (length < headerBytes || length > 0x7fff_ffff) {
        seen({ type: '!', end: at, bytes: null });
        return chunk.length;
      }
      this.#begin(header[0] ?? 0, length, header);
      if (this.#remaining === 0) {
        this.#finish(at, seen);
      }
    }
    if (this.#remaining > 0) {
      const take = Math.min(this.#remaining, chunk.length - at);
      if (this.#collecting) {
        this.#keep(chunk.subarray(at, at + take));
      }
      this.#remaining -= take;
      at += take;
      if (this.#remaining === 0) {
        this.#finish(at, seen);
      }
    }
    return at;
  }

  #finish(end: number, seen: (message: Seen) => void): void {
    const bytes = this.#collecting ? Buffer.concat(this.#cut) : null;
    this.#drop();
    this.#end(this.#type, end, bytes, seen);
  }

  #drop(): void {
    this.#cut = [];
    this.#cutBytes = 0;
    this.#collecting = false;
  }
}

/** Marks what a message of the target settles. Returns true when nothing more is owed. */
export function settle(expected: Expected, seen: Seen): boolean {
  if (seen.type === 'E') {
    expected.state = seen.bytes === null ? '58000' : (parseNotice(seen.bytes).get('C') ?? '58000');
    // After an error the target is silent until the Sync.
    const sync = expected.owed.includes('sync');
    expected.owed.length = 0;
    if (sync) {
      expected.owed.push('sync');
    }
    return !sync;
  }
  if (settlers.get(seen.type) === expected.owed[0]) {
    expected.owed.shift();
  }
  return expected.owed.length === 0;
}

/** Attributes of the last record of an answer. */
export function answerAttributes(expected: Expected, nowMs: number): Attributes {
  return {
    'db.response.returned_rows': expected.rows,
    ...(expected.state === null ? {} : { 'db.response.status_code': expected.state }),
    'countersign.duration_ms': Math.round((nowMs - expected.startedMs) * 1000) / 1000,
  };
}
