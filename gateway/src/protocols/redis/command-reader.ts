import { GatewayError } from '../../domain/errors.ts';
import { ByteQueue } from '../../wire/byte-queue.ts';
import { command } from './compose.ts';
import { splitLine } from './inline.ts';
import { lineBytesMax, readLength } from './lines.ts';

/** Most arguments of a command, its name included. */
const argumentsMax = 100_000;
const star = 0x2a;
const dollar = 0x24;

/** A command of a client: its name and what follows it. There is at least one. */
export type Command = readonly [Buffer, ...Buffer[]];

/** Reads the commands of a client: lists of strings with their lengths, and lines. */
export class CommandReader {
  readonly #bytesMax: number;
  readonly #queue = new ByteQueue();
  #read: Buffer[] = [];
  #readBytes = 0;
  /** Number of arguments of the command that are still to be read. Null: none has begun. */
  #left: number | null = null;
  /** The length of the argument that is being read. Null: it is not known. */
  #length: number | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(bytes: Buffer): void {
    this.#queue.push(bytes);
  }

  /** Takes the bytes that are no whole command yet. No command may have begun. */
  rest(): Buffer {
    return this.#queue.rest();
  }

  /** Returns the next command; null if it is not whole yet. Throws GatewayError `malformed` or `limit_exceeded`. */
  next(): Command | null {
    for (;;) {
      if (this.#left === null && !this.#begin()) {
        return null;
      }
      const [name, ...others] = this.#read;
      if (this.#left === 0) {
        this.#left = null;
        this.#read = [];
        this.#readBytes = 0;
        if (name !== undefined) {
          return [name, ...others];
        }
      } else if (!this.#argument()) {
        return null;
      }
    }
  }

  /** Begins a command. False: its beginning has not come yet. */
  #begin(): boolean {
    const line = this.#queue.peek() === null ? null : this.#queue.line(lineBytesMax);
    if (line === null) {
      return false;
    }
    if (line[0] === star) {
      this.#left = readLength(line, argumentsMax);
    } else {
      this.#read = splitLine(line);
      this.#left = 0;
    }
    return true;
  }

  /** Reads an argument. False: it has not come yet. */
  #argument(): boolean {
    if (this.#length === null) {
      const line = this.#queue.line(lineBytesMax);
      if (line === null) {
        return false;
      }
      if (line[0] !== dollar) {
        throw new GatewayError('malformed', 'An argument of a command is no string.');
      }
      this.#length = readLength(line, 2 ** 32);
      this.#readBytes += this.#length;
      if (this.#readBytes > this.#bytesMax) {
        throw new GatewayError('limit_exceeded', `A command has more than ${this.#bytesMax} bytes (limits.frameBytesMax).`);
      }
    }
    const bytes = this.#queue.take(this.#length + 2);
    if (bytes === null) {
      return false;
    }
    if (bytes.at(-2) !== 0x0d || bytes.at(-1) !== 0x0a) {
      throw new GatewayError('malformed', 'An argument of a command is longer than it says.');
    }
    this.#read.push(bytes.subarray(0, -2));
    this.#length = null;
    this.#left = (this.#left ?? 1) - 1;
    return true;
  }
}

/** Returns the commands in recorded bytes, and an empty list where these are none. */
export function commandsIn(bytes: Buffer): readonly Command[] {
  const reader = new CommandReader(Infinity);
  reader.push(bytes);
  const commands: Command[] = [];
  try {
    for (let next = reader.next(); next !== null; next = reader.next()) {
      commands.push(next);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
  }
  return commands;
}

/** Returns the bytes of a command as they are recorded and forwarded. */
export function printCommand(args: Command): Buffer {
  return command(...args);
}
