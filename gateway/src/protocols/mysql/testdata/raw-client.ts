import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { GatewayError } from '../../../domain/errors.ts';
import { AnswerReading, isProgress, marks, parseError, type AnswerForm } from '../answer.ts';
import { capabilities, offered } from '../capabilities.ts';
import { parseColumn, type Column } from '../column.ts';
import { commands } from '../commands.ts';
import { composeLogin, composeTlsRequest, type LoginPacket } from '../handshake.ts';
import { PacketReader, packetsOf } from '../packets.ts';
import { lengthEncodedBytes } from '../payload.ts';
import { parseBinaryRow, parseTextRow } from '../rows.ts';

/** An answer as a client reads it. */
export interface Answer {
  readonly isError: boolean;
  /** The names of columns, the values of rows, and errors, in lines. */
  readonly text: string;
  readonly bytes: Buffer;
  /** The number of the statement that was prepared. */
  readonly statement: number;
}

const ended: Answer = { isError: true, text: '', bytes: Buffer.alloc(0), statement: 0 };

/** A client that sends payloads and reads answers. It rejects nothing: where the connection ends, an answer is an error without words. */
export class RawClient {
  readonly #socket: Socket;
  readonly #reader = new PacketReader();
  readonly #flags: number;
  readonly #target: string;
  readonly #token: string;
  #wake = Promise.withResolvers<void>();
  #isOver = false;
  /** All bytes that came. */
  readonly received: Buffer[] = [];
  readonly login: Promise<Answer>;

  constructor(address: string, target: string, token: string, more: { readonly isEofDeprecated?: boolean; readonly isSmuggling?: boolean } = {}) {
    const [host = '', port = ''] = address.split(':');
    this.#flags = more.isEofDeprecated === true ? offered : offered & ~capabilities.deprecateEof;
    this.#target = target;
    this.#token = token;
    this.#socket = connect(Number(port), host);
    this.#socket.on('data', (bytes: Buffer) => {
      this.received.push(bytes);
      this.#reader.push(bytes);
      this.#wake.resolve();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#isOver = true;
      this.#wake.resolve();
    });
    this.login = more.isSmuggling === true ? this.#smuggle() : this.#logIn();
  }

  /** Sends a command. Resolves with its answer. `onBegun` is called when the first payload of the answer has come. */
  async ask(payload: Buffer, form: AnswerForm, onBegun: () => void = () => undefined, columns: readonly Column[] = []): Promise<Answer> {
    this.send(payload);
    return this.answer(form, payload[0] === commands.execute || payload[0] === commands.fetch, onBegun, columns);
  }

  async query(sql: string): Promise<Answer> {
    return this.ask(queryOf(sql), 'results');
  }

  /** Prepares a statement and runs it with texts as its parameters. */
  async execute(sql: string, ...parameters: readonly string[]): Promise<Answer> {
    const prepared = await this.prepare(sql);
    return prepared.isError ? prepared : this.ask(executionOf(prepared.statement, parameters), 'results');
  }

  async prepare(sql: string): Promise<Answer> {
    return this.ask(Buffer.concat([Buffer.of(commands.prepare), Buffer.from(sql)]), 'prepared');
  }

  /** Sends a command without waiting. */
  send(payload: Buffer): void {
    this.#reader.expect(1);
    this.#socket.write(packetsOf(payload, 0));
  }

  /** The next packet begins an answer. */
  expectAnswer(): void {
    this.#reader.expect(1);
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.end(packetsOf(Buffer.of(commands.quit), 0));
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** The columns of the last answer. */
  columns: readonly Column[] = [];

  async #logIn(): Promise<Answer> {
    await this.answer('text', false);
    this.#socket.write(packetsOf(composeLogin(this.#loginPacket(0)), 1));
    this.#reader.expect(2);
    return this.answer('done', false);
  }

  #loginPacket(more: number): LoginPacket {
    const flags = ((this.#flags | more) & ~capabilities.connectWithDatabase) >>> 0;
    const response = Buffer.from(`${this.#token}\0`);
    return { capabilities: flags, charset: 45, user: this.#target, response, database: '', plugin: 'mysql_clear_password', attributes: [] };
  }

  /** Asks for TLS, and sends its login in the clear behind that. */
  async #smuggle(): Promise<Answer> {
    await this.answer('text', false);
    const login = this.#loginPacket(capabilities.tls);
    this.#socket.write(Buffer.concat([packetsOf(composeTlsRequest(login), 1), packetsOf(composeLogin(login), 2)]));
    this.#reader.expect(3);
    return this.answer('done', false);
  }

  /** Resolves with the next answer. A client ends a connection over which it comes in no form that it knows. */
  async answer(form: AnswerForm, isBinary: boolean, onBegun: () => void = () => undefined, known: readonly Column[] = []): Promise<Answer> {
    try {
      return await this.#read(form, isBinary, onBegun, known);
    } catch (error) {
      assert.ok(error instanceof GatewayError);
      this.#socket.destroy();
      onBegun();
      return ended;
    }
  }

  async #read(form: AnswerForm, isBinary: boolean, onBegun: () => void, known: readonly Column[]): Promise<Answer> {
    const reading = new AnswerReading(form, (this.#flags & capabilities.deprecateEof) !== 0);
    const [lines, pieces]: [string[], Buffer[]] = [[], []];
    let columns: Column[] = [...known];
    let isError = false;
    while (!reading.isOver) {
      const next = await this.#next();
      if (next === null) {
        onBegun();
        return { ...ended, text: lines.join('\n'), bytes: Buffer.concat(pieces) };
      }
      const { payload, bytes } = next;
      if (isProgress(payload)) {
        lines.push(payload.toString());
        continue;
      }
      pieces.push(bytes);
      const meaning = reading.take(payload, payload.length);
      if (meaning === 'error') {
        isError = true;
        const { code, message } = parseError(payload);
        lines.push(`ERROR ${code}: ${message.toString()}`);
      } else if (meaning === 'count') {
        columns = [];
      } else if (meaning === 'column') {
        const column = parseColumn(payload, form === 'columns');
        columns.push(column);
        lines.push(column.name.toString('latin1'), ...(column.default == null ? [] : [column.default.toString()]));
      } else if (meaning === 'row') {
        const { cells } = isBinary ? parseBinaryRow(payload, columns) : parseTextRow(payload, columns);
        lines.push(...cells.map((cell) => cell?.toString('latin1') ?? 'NULL'));
      } else if (meaning === 'text') {
        lines.push(payload.toString());
      } else if (meaning === 'done' && payload[0] === marks.ok) {
        lines.push('OK');
      }
      if (meaning !== 'column' && meaning !== 'count' && meaning !== 'end of columns') {
        onBegun();
      }
    }
    this.columns = columns;
    return { isError, text: lines.join('\n'), bytes: Buffer.concat(pieces), statement: reading.prepared?.statement ?? 0 };
  }

  async #next(): Promise<{ readonly payload: Buffer; readonly bytes: Buffer } | null> {
    for (;;) {
      const piece = this.#reader.next(Infinity);
      if (piece?.payload != null) {
        return { payload: piece.payload, bytes: piece.bytes };
      }
      if (this.#isOver) {
        return null;
      }
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
  }
}

export function queryOf(sql: string): Buffer {
  return Buffer.concat([Buffer.of(commands.query), Buffer.from(sql)]);
}

/** Runs a statement with texts as its parameters. `flags` may ask for a cursor. */
export function executionOf(statement: number, parameters: readonly string[], flags = 0): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt8(commands.execute, 0);
  head.writeUInt32LE(statement, 1);
  head.writeUInt8(flags, 5);
  head.writeUInt32LE(1, 6);
  const types = parameters.flatMap(() => [0xfd, 0]);
  const bound = parameters.length === 0 ? [] : [Buffer.alloc((parameters.length + 7) >> 3), Buffer.of(1, ...types)];
  return Buffer.concat([head, ...bound, ...parameters.map((each) => lengthEncodedBytes(Buffer.from(each)))]);
}

/** Fetches rows of a cursor. */
export function fetchOf(statement: number, rows: number): Buffer {
  const fetch = Buffer.alloc(9);
  fetch.writeUInt8(commands.fetch, 0);
  fetch.writeUInt32LE(statement, 1);
  fetch.writeUInt32LE(rows, 5);
  return fetch;
}
