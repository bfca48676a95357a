import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Column } from './column.ts';
import type { SqlFacts } from './guard/guard.ts';
import { lengthEncodedBytes, PayloadReader } from './payload.ts';
import { isLengthEncoded, readBinaryValue } from './values.ts';

/** Most statements of one connection that are remembered, and most bytes of their texts. If there are more, the oldest are forgotten. */
const statementsMax = 10_000;
const textBytesMax = 64 * 1024 * 1024;
/** The number that stands for the statement that was prepared last (MariaDB). */
const lastPrepared = 0xff_ff_ff_ff;
const unsignedBit = 0x80;
const cursorFlags = 0x07;

/** A statement that the target has prepared. */
export interface Statement {
  /** The sequence number of the record with its text. */
  readonly seq: number;
  /** The command with its text. */
  readonly bytes: Buffer;
  /** The facts of its text. */
  readonly facts: SqlFacts;
  /** The facts about it that policies speak of. */
  readonly attributes: Attributes;
  readonly parameters: number;
  /** The types of the parameters, two bytes each, as the client named them last. */
  types: Buffer | null;
  /** The parameters that came before in long data. */
  readonly long: Set<number>;
  /** True if a part of a parameter was refused, so that the statement must not run. */
  isBroken: boolean;
  /** The columns of its cursor. */
  columns: readonly Column[];
}

/** A parameter of an execution. */
interface Parameter {
  /** Null: it is NULL, or came before in long data. */
  readonly text: Buffer | null;
  readonly isText: boolean;
}

/** An execution of a statement. */
export interface Execution {
  readonly parameters: readonly Parameter[];
  readonly types: Buffer | null;
  readonly hasCursor: boolean;
  /** Writes the execution with other texts in place of those of its parameters that are texts. */
  readonly compose: (texts: readonly (Buffer | null)[]) => Buffer;
}

/** Remembers the statements of one connection by the numbers that the target has given them. */
export class Statements {
  readonly #statements = new Map<number, Statement>();
  #last = -1;
  #textBytes = 0;

  get(id: number): Statement | undefined {
    return this.#statements.get(id === lastPrepared ? this.#last : id);
  }

  add(id: number, statement: Statement): void {
    this.close(id);
    this.#last = id;
    this.#statements.set(id, statement);
    this.#textBytes += statement.bytes.length;
    for (const oldest of this.#statements.keys()) {
      if (this.#statements.size <= statementsMax && this.#textBytes <= textBytesMax) {
        break;
      }
      this.close(oldest);
    }
  }

  close(id: number): void {
    this.#textBytes -= this.#statements.get(id)?.bytes.length ?? 0;
    this.#statements.delete(id);
  }

  clear(): void {
    this.#textBytes = 0;
    this.#statements.clear();
  }
}

/** Returns the number of the statement that a command is about. Throws GatewayError `malformed`. */
export function statementOf(payload: Buffer): number {
  return new PayloadReader(payload, 1).uint32le();
}

/** Reads an execution of a statement. https://mariadb.com/kb/en/com_stmt_execute/  Throws GatewayError `malformed`. */
export function parseExecution(payload: Buffer, { parameters: count, types: known, long }: Pick<Statement, 'parameters' | 'types' | 'long'>): Execution {
  const reader = new PayloadReader(payload, 5);
  const hasCursor = (reader.uint8() & cursorFlags) !== 0;
  reader.uint32le();
  if (count === 0) {
    return { parameters: [], types: null, hasCursor, compose: () => payload };
  }
  const nulls = reader.bytes((count + 7) >> 3);
  const types = reader.uint8() === 1 ? reader.bytes(2 * count) : known;
  if (types?.length !== 2 * count) {
    throw new GatewayError('malformed', 'An execution of a statement does not say of which types its parameters are.');
  }
  const headBytes = payload.length - reader.left;
  const raw: Buffer[] = [];
  const isTexts: boolean[] = [];
  const parameters: Parameter[] = [];
  for (let at = 0; at < count; at += 1) {
    if ((((nulls[at >> 3] ?? 0) >> (at & 7)) & 1) === 1 || long.has(at)) {
      raw.push(Buffer.alloc(0));
      isTexts.push(false);
      parameters.push({ text: null, isText: false });
      continue;
    }
    const type = types[2 * at] ?? 0;
    const value = readBinaryValue(reader, type, ((types[2 * at + 1] ?? 0) & unsignedBit) !== 0);
    isTexts.push(isLengthEncoded(type));
    raw.push(isLengthEncoded(type) ? lengthEncodedBytes(value.raw) : value.raw);
    parameters.push({ text: value.text, isText: isLengthEncoded(type) });
  }
  reader.finish();
  const compose = (texts: readonly (Buffer | null)[]): Buffer =>
    Buffer.concat([
      payload.subarray(0, headBytes),
      ...raw.map((bytes, at) => {
        const text = texts[at] ?? null;
        return isTexts[at] === true && text !== null ? lengthEncodedBytes(text) : bytes;
      }),
    ]);
  return { parameters, types, hasCursor, compose };
}
