import { GatewayError } from '../../domain/errors.ts';
import { ByteReader } from '../../wire/byte-reader.ts';

/** The numbers of the messages of the SSH connection protocol, and of the login. https://www.rfc-editor.org/rfc/rfc4250#section-4.1 */
export const numbers = {
  login: 50,
  globalRequest: 80,
  globalFailure: 82,
  open: 90,
  openFailure: 92,
  data: 94,
  errorData: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const;

/** A message as the gateway reads it. `body` is what follows the fields that all messages of its kind have. */
export type Message =
  | { readonly kind: 'login'; readonly user: string }
  | { readonly kind: 'globalRequest'; readonly type: string; readonly body: Buffer }
  | { readonly kind: 'globalFailure' }
  | { readonly kind: 'open'; readonly channel: number; readonly type: string; readonly body: Buffer }
  | { readonly kind: 'openFailure'; readonly channel: number; readonly words: string }
  | { readonly kind: 'request'; readonly channel: number; readonly type: string; readonly wantsReply: boolean; readonly body: Buffer }
  | { readonly kind: 'data' | 'errorData'; readonly channel: number; readonly bytes: Buffer }
  | { readonly kind: 'eof' | 'close' | 'success' | 'failure'; readonly channel: number };

/** The size of a terminal, in characters and in pixels. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
}

/** Most bytes of one message: of a command with its arguments, at most. */
export const messageBytesMax = 1024 * 1024;
const lengthBytes = 4;

/** Cuts bytes into frames, each with its length before it. */
export class FrameReader {
  readonly #bytesMax: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(bytesMax = messageBytesMax) {
    this.#bytesMax = bytesMax;
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  /** Returns the next frame with its length before it. Null: it is not whole yet. Throws GatewayError `limit_exceeded`. */
  next(): Buffer | null {
    if (this.#rest.length < lengthBytes) {
      return null;
    }
    const length = this.#rest.readUInt32BE(0);
    if (length > this.#bytesMax) {
      throw new GatewayError('limit_exceeded', `A message of SSH has ${length} bytes, and at most ${this.#bytesMax} are read.`);
    }
    const end = lengthBytes + length;
    if (this.#rest.length < end) {
      return null;
    }
    const frame = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end);
    return frame;
  }
}

/** Reads all frames in these bytes. Throws GatewayError `malformed` or `limit_exceeded`. */
export function readMessages(pieces: readonly Uint8Array[]): readonly Message[] {
  const reader = new FrameReader();
  reader.push(Buffer.concat(pieces));
  const messages: Message[] = [];
  for (let frame = reader.next(); frame !== null; frame = reader.next()) {
    messages.push(parseMessage(frame));
  }
  return messages;
}

/** Parses a frame. Throws GatewayError `malformed`, also for messages that the gateway does not use. */
export function parseMessage(frame: Buffer): Message {
  const reader = new ByteReader(frame, lengthBytes);
  const number = reader.uint8();
  switch (number) {
    case numbers.login:
      return { kind: 'login', user: readString(reader) };
    case numbers.globalRequest: {
      const type = readString(reader);
      reader.uint8();
      return { kind: 'globalRequest', type, body: reader.rest() };
    }
    case numbers.globalFailure:
      return { kind: 'globalFailure' };
    case numbers.open: {
      const [type, channel] = [readString(reader), reader.uint32()];
      // The window and the longest packet: they are those of the gateway's own connections.
      reader.bytes(2 * lengthBytes);
      return { kind: 'open', type, channel, body: reader.rest() };
    }
    case numbers.openFailure: {
      const channel = reader.uint32();
      reader.uint32();
      return { kind: 'openFailure', channel, words: readString(reader) };
    }
    case numbers.request: {
      const [channel, type, wantsReply] = [reader.uint32(), readString(reader), reader.uint8() !== 0];
      return { kind: 'request', channel, type, wantsReply, body: reader.rest() };
    }
    case numbers.data:
      return { kind: 'data', channel: reader.uint32(), bytes: readBytes(reader) };
    case numbers.errorData: {
      const channel = reader.uint32();
      reader.uint32();
      return { kind: 'errorData', channel, bytes: readBytes(reader) };
    }
    case numbers.eof:
      return { kind: 'eof', channel: reader.uint32() };
    case numbers.close:
      return { kind: 'close', channel: reader.uint32() };
    case numbers.success:
      return { kind: 'success', channel: reader.uint32() };
    case numbers.failure:
      return { kind: 'failure', channel: reader.uint32() };
    default:
      throw new GatewayError('malformed', `A message of SSH has the number ${number}, which does not belong here.`);
  }
}

/** Reads the only text of a body: a command, the name of a signal or of a subsystem. */
export function readText(body: Buffer): string {
  return readString(new ByteReader(body));
}

/** Reads the name and the value of a variable of the environment. */
export function readVariable(body: Buffer): readonly [name: string, value: string] {
  const reader = new ByteReader(body);
  return [readString(reader), readString(reader)];
}

/** Reads the terminal that a client wants. */
export function readTerminal(body: Buffer): TerminalSize & { readonly term: string } {
  const reader = new ByteReader(body);
  return { term: readString(reader), ...sizeIn(reader) };
}

export function readSize(body: Buffer): TerminalSize {
  return sizeIn(new ByteReader(body));
}

/** Reads with which code a program has ended. */
export function readExitCode(body: Buffer): number {
  return new ByteReader(body).uint32();
}

/** Reads by which signal a program was ended, and what the target says of it. */
export function readExitSignal(body: Buffer): { readonly signal: string; readonly hasCore: boolean; readonly words: string } {
  const reader = new ByteReader(body);
  return { signal: readString(reader), hasCore: reader.uint8() !== 0, words: readString(reader) };
}

/** The type of a channel that leads to a host and a port. */
export const forwardType = 'direct-tcpip';

/** Reads where a forward leads: a host and a port, or the path of a socket. */
export function readPlace(type: string, body: Buffer): string {
  const reader = new ByteReader(body);
  const place = readString(reader);
  return type.includes('streamlocal') ? place : `${place}:${reader.uint32()}`;
}

function sizeIn(reader: ByteReader): TerminalSize {
  return { columns: reader.uint32(), rows: reader.uint32(), width: reader.uint32(), height: reader.uint32() };
}

function readBytes(reader: ByteReader): Buffer {
  return reader.bytes(reader.uint32());
}

function readString(reader: ByteReader): string {
  return readBytes(reader).toString('utf8');
}
