import type { Decision } from '../../domain/decision.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Output, Relay } from '../../wire/relay.ts';
import { action } from './actions.ts';
import { AnswerScanner, answerAttributes, settle, type Expected, type Seen } from './answers.ts';
import { encode, MessageReader, type Message } from './codec.ts';
import { errorResponse } from './failures.ts';
import { failingMessage, isExtendedMessage, Statements, UnitBuilder, type Unit } from './requests.ts';

export interface RelayOptions {
  readonly session: string;
  readonly frameBytesMax: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** COPY data of one input that travels as one record. */
const copyTypes = new Set(['d', 'c', 'f']);

/** The conversation after the login. Sans I/O; see wire/relay.ts. */
export class PostgresRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #client: MessageReader;
  readonly #scanner = new AnswerScanner();
  readonly #outputs: Output[] = [];
  readonly #expected: Expected[] = [];
  readonly #builder = new UnitBuilder();
  readonly #statements = new Statements();
  /** The unit whose decision is awaited. */
  #asked: Unit | null = null;
  /** `instead` of the gateway's own failing message, until it is decided. */
  #failing: Buffer | null = null;
  /** After a refusal in the extended protocol: everything up to the Sync is dropped, as the target would. */
  #skipping = false;
  #transaction = 'I';
  /** Sequence number of the request that the target reads COPY data for. */
  #copying: number | null = null;
  #closed = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#client = new MessageReader(options.frameBytesMax);
  }

  /** A request is outstanding: a cancel would hit it and nothing else. */
  get isBusy(): boolean {
    return this.#expected.length > 0;
  }

  clientBytes(bytes: Buffer): void {
    this.#client.push(bytes);
  }

  clientEnded(): void {
    this.#close('client');
  }

  upstreamEnded(): void {
    this.fail(new GatewayError('target_unreachable', 'The target closed the connection.'), 'target');
  }

  fail(error: GatewayError, reason: string = error.code): void {
    if (this.#closed) {
      return;
    }
    this.#outputs.length = 0;
    if (this.#scanner.atBoundary) {
      this.#tell(errorResponse(error, 'FATAL', this.#options.session), { 'error.type': error.code });
    }
    this.#close(reason, error);
  }

  next(): Output | null {
    while (this.#outputs.length === 0 && !this.#closed && this.#asked === null && this.#failing === null) {
      if (!this.#step()) {
        break;
      }
    }
    return this.#outputs.shift() ?? null;
  }

  decided(decision: Decision, seq: number): void {
    if (this.#failing !== null) {
      this.#expect({ seq, owed: ['sync'], instead: this.#failing });
      this.#failing = null;
      return;
    }
    const unit = this.#asked;
    this.#asked = null;
    if (unit === null) {
      return;
    }
    if (decision.verdict === 'allow') {
      this.#statements.remember(unit, seq);
      if (unit.owed.length > 0) {
        this.#expect({ seq, owed: unit.owed, instead: null });
      }
    } else {
      this.#refuse(unit, decision, seq);
    }
  }

  upstreamBytes(chunk: Buffer): void {
    let from = 0;
    this.#scanner.scan(chunk, (seen) => {
      from = this.#answered(chunk, from, seen);
    });
    this.#countRows();
    if (from < chunk.length) {
      const [head] = this.#expected;
      this.#respond(chunk.subarray(from), head === undefined ? {} : { request: head.seq }, head !== undefined || !this.#scanner.atBoundary);
    }
  }

  /** Takes one message of the client. False: it needs more bytes. */
  #step(): boolean {
    const message = this.#client.next();
    if (message === null) {
      return false;
    }
    const { type } = message;
    if (this.#skipping && type !== 'S' && type !== 'X') {
      return true;
    }
    if (copyTypes.has(type)) {
      this.#copy(message);
    } else if (isExtendedMessage(type)) {
      this.#extend(message);
    } else if (type === 'Q' || type === 'F') {
      const name = type === 'Q' ? 'postgres.query' : 'postgres.function_call';
      this.#ask({ action: name, messages: [message], owed: ['sync'], isExtended: false, hasSync: true });
    } else if (type === 'X') {
      this.#close('client');
    } else {
      this.fail(new GatewayError('malformed', `A message of type ${JSON.stringify(type)} is not expected here.`));
    }
    return true;
  }

  #extend(message: Message): void {
    this.#builder.add(message);
    if (this.#builder.bytes > this.#options.frameBytesMax) {
      this.fail(new GatewayError('limit_exceeded', `More than ${this.#options.frameBytesMax} bytes without an Execute, Sync or Flush.`));
      return;
    }
    if (!this.#builder.isComplete) {
      return;
    }
    if (message.type === 'E') {
      // A Sync or Flush that is there already belongs to the same act.
      const behind = this.#client.peekType();
      if (behind === 'S' || behind === 'H') {
        return;
      }
    }
    this.#skipping = false;
    this.#ask(this.#builder.take());
  }

  #ask(unit: Unit): void {
    this.#asked = unit;
    this.#outputs.push({
      type: 'request',
      action: action(unit.action, unit.isExtended ? this.#statements.references(unit) : undefined),
      bytes: unit.messages.map((message) => message.bytes),
    });
  }

  /** Data for a COPY that the target asked for; as much as is there goes as one. Outside of one the target would ignore it. */
  #copy(first: Message): void {
    const messages = [first];
    while (copyTypes.has(this.#client.peekType() ?? '')) {
      const message = this.#client.next();
      if (message === null) {
        break;
      }
      messages.push(message);
    }
    if (this.#copying === null) {
      return;
    }
    this.#asked = { action: 'postgres.copy', messages, owed: [], isExtended: false, hasSync: false };
    this.#outputs.push({
      type: 'request',
      action: action('postgres.copy'),
      bytes: messages.map((message) => message.bytes),
      relation: { partOf: this.#copying, continues: messages.at(-1)?.type === 'd' },
    });
  }

  /** A refused act fails what it is part of, as an error of the target would: answers keep their order. */
  #refuse(unit: Unit, decision: Decision, seq: number): void {
    const error = new GatewayError('refused', decision.reason);
    const words = errorResponse(error, 'ERROR', this.#options.session);
    this.#skipping = unit.isExtended && !unit.hasSync;
    if (unit.action === 'postgres.copy') {
      this.fail(error);
    } else if (!unit.isExtended && this.#transaction === 'I' && this.#expected.length === 0) {
      this.#respond(Buffer.concat([words, encode('Z', Buffer.from('I'))]), { request: seq, attributes: { 'db.response.status_code': '42501' } }, false);
    } else {
      this.#failing = words;
      const failing = failingMessage(unit.isExtended);
      const sync = unit.isExtended && unit.hasSync ? [encode('S')] : [];
      this.#outputs.push({ type: 'request', action: action('postgres.refuse'), bytes: [failing.bytes, ...sync], byGateway: true });
    }
  }

  #expect(answer: { seq: number; owed: string[]; instead: Buffer | null }): void {
    this.#expected.push({ ...answer, startedMs: this.#options.now(), rows: 0, state: null });
  }

  /** One message of the target has ended at `seen.end`. Returns where the next record begins. */
  #answered(chunk: Buffer, from: number, seen: Seen): number {
    if (seen.type === '!' || seen.type === 'W') {
      this.fail(new GatewayError('target_unreachable', 'The target sent something that is not let through.'), 'target');
      return chunk.length;
    }
    if (seen.type === 'Z') {
      this.#transaction = String.fromCharCode(seen.bytes?.[5] ?? 0x49);
      this.#copying = null;
    }
    this.#countRows();
    const [head] = this.#expected;
    if (head === undefined) {
      return from;
    }
    if (seen.type === 'G') {
      this.#copying = head.seq;
    } else if (seen.type === 'E' || seen.type === 'C') {
      this.#copying = null;
    }
    const replaced = seen.type === 'E' ? head.instead : null;
    const done = settle(head, seen);
    if (replaced !== null) {
      this.#respond(replaced, { request: head.seq }, !done);
    }
    if (!done) {
      return replaced === null ? from : seen.end;
    }
    this.#expected.shift();
    if (seen.type === 'E') {
      this.#skipUnanswered();
    }
    const bytes = replaced === null ? chunk.subarray(from, seen.end) : Buffer.alloc(0);
    this.#respond(bytes, { request: head.seq, attributes: answerAttributes(head, this.#options.now()) }, false);
    return seen.end;
  }

  /** After an error the target says nothing of what was pipelined behind it, up to the next Sync. */
  #skipUnanswered(): void {
    while (this.#expected.length > 0) {
      const [next] = this.#expected;
      if (next === undefined || next.owed.includes('sync')) {
        next?.owed.splice(0, next.owed.length, 'sync');
        return;
      }
      this.#expected.shift();
    }
  }

  #countRows(): void {
    const [head] = this.#expected;
    if (head !== undefined) {
      head.rows += this.#scanner.rows;
    }
    this.#scanner.rows = 0;
  }

  #respond(bytes: Buffer, meta: { request?: number; attributes?: Readonly<Record<string, string | number>> }, continues: boolean): void {
    this.#outputs.push({ type: 'response', meta, bytes: [bytes], continues });
  }

  #tell(bytes: Buffer, attributes: Readonly<Record<string, string>>): void {
    this.#respond(bytes, { attributes }, false);
  }

  #close(reason: string, error?: GatewayError): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#builder.drop();
      this.#outputs.push({ type: 'close', reason, ...(error === undefined ? {} : { error }) });
    }
  }
}
