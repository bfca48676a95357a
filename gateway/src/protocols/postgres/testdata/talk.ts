import type { Socket } from 'node:net';
import type { Access } from '../../../../../tests/support/contract.ts';
import { ByteWriter } from '../../../wire/byte-writer.ts';
import { connectTo, Inbox } from '../../../wire/testdata/sockets.ts';
import { passwordMessage, startupMessage } from '../compose.ts';

/** ReadyForQuery, without its last byte. */
const ready = 'Z\0\0\0\x05';
/** BackendKeyData, before a key of 8 bytes. */
const keyData = 'K\0\0\0\x0c';
const keyBytes = 8;

interface Login {
  /** Null: the connection is a tunnel, which has shown it. */
  readonly token: string | null;
  readonly target: string;
  readonly more?: Readonly<Record<string, string>>;
}

/** A connection on which requests are sent as raw bytes. */
export class Talk {
  readonly #socket: Socket;
  readonly #inbox: Inbox;
  #end = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#inbox = new Inbox(socket);
  }

  /** Logs in. Resolves also if the login is refused. */
  static async open(socket: Socket, { token, target, more = {} }: Login): Promise<Talk> {
    const talk = new Talk(socket);
    const startup = startupMessage(new Map(Object.entries({ user: 'anybody', database: target, ...more })));
    await talk.say(Buffer.concat([startup, ...(token === null ? [] : [passwordMessage(token)])]));
    return talk;
  }

  get text(): string {
    return this.#inbox.text;
  }

  get isEnded(): boolean {
    return this.#inbox.isEnded;
  }

  /** The process id and the secret by which a client cancels what runs on this connection. */
  get key(): Buffer {
    const { text } = this.#inbox;
    const start = text.indexOf(keyData) + keyData.length;
    return Buffer.from(text.slice(start, start + keyBytes), 'latin1');
  }

  /** Sends messages. Resolves with what comes up to the end of the answer, or of the connection. */
  async say(bytes: Buffer, isWhole = (text: string): boolean => isReady(text)): Promise<string> {
    const start = this.#end;
    this.#socket.write(bytes);
    await this.#inbox.until(({ text, isEnded }) => isEnded || isWhole(text.slice(start)));
    this.#end = this.#inbox.text.length;
    return this.#inbox.text.slice(start);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** True if the text ends with ReadyForQuery. */
export function isReady(text: string): boolean {
  return text.slice(-ready.length - 1, -1) === ready;
}

export async function openPlain({ addresses }: Access): Promise<Socket> {
  return connectTo(Number(addresses['postgres']?.split(':').at(-1)));
}

export function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return new ByteWriter()
    .bytes(Buffer.from(type))
    .int32(4 + body.length)
    .bytes(body)
    .finish();
}

export function int16(value: number): Buffer {
  return new ByteWriter().int16(value).finish();
}

export function int32(value: number): Buffer {
  return new ByteWriter().int32(value).finish();
}
