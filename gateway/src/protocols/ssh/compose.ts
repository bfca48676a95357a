import { ByteWriter } from '../../wire/byte-writer.ts';
import { numbers, type TerminalSize } from './messages.ts';

/** The window of a channel and its longest packet, as the gateway has them on both sides. */
const windowBytes = 2 * 1024 * 1024;
const packetBytes = 32 * 1024;
const errorStream = 1;
const prohibited = 1;
/** The modes of a terminal: none are named, so that the target takes its own. */
const noModes = Buffer.from([0]);

/** Returns the message of a login, without its secret. */
export function login(user: string): Buffer {
  return frame((writer) => text(text(text(writer.uint8(numbers.login), user), 'ssh-connection'), 'password'));
}

export function globalRequest(type: string, body: Uint8Array): Buffer {
  return frame((writer) => text(writer.uint8(numbers.globalRequest), type).uint8(1).bytes(body));
}

export const globalFailure: Buffer = frame((writer) => writer.uint8(numbers.globalFailure));

export function open(channel: number, type = 'session', body: Uint8Array = Buffer.alloc(0)): Buffer {
  return frame((writer) => text(writer.uint8(numbers.open), type).int32(channel).int32(windowBytes).int32(packetBytes).bytes(body));
}

export function openFailure(channel: number, words: string): Buffer {
  return frame((writer) => text(text(writer.uint8(numbers.openFailure).int32(channel).int32(prohibited), words), 'en'));
}

export function data(channel: number, bytes: Uint8Array): Buffer {
  return frame((writer) => string(writer.uint8(numbers.data).int32(channel), bytes));
}

export function errorData(channel: number, bytes: Uint8Array): Buffer {
  return frame((writer) => string(writer.uint8(numbers.errorData).int32(channel).int32(errorStream), bytes));
}

/** Returns a message that says nothing but its kind and its channel. */
export function plain(kind: 'eof' | 'close' | 'success' | 'failure', channel: number): Buffer {
  return frame((writer) => writer.uint8(numbers[kind]).int32(channel));
}

export function request(channel: number, type: string, { wantsReply, body }: { readonly wantsReply: boolean; readonly body: Uint8Array }): Buffer {
  return frame((writer) =>
    text(writer.uint8(numbers.request).int32(channel), type)
      .uint8(wantsReply ? 1 : 0)
      .bytes(body),
  );
}

/** Returns a body of strings: of a command, of a variable, of the name of a signal or of a subsystem. */
export function strings(...values: readonly (string | Uint8Array)[]): Buffer {
  return values.reduce((writer: ByteWriter, value) => string(writer, Buffer.from(value)), new ByteWriter()).finish();
}

export function terminal(term: string, size: TerminalSize): Buffer {
  return string(text(new ByteWriter(), term).bytes(sizeOf(size)), noModes).finish();
}

export function sizeOf({ columns, rows, width, height }: TerminalSize): Buffer {
  return [columns, rows, width, height].reduce((writer, each) => unsigned(writer, each), new ByteWriter()).finish();
}

export function exitStatus(channel: number, code: number): Buffer {
  return request(channel, 'exit-status', { wantsReply: false, body: unsigned(new ByteWriter(), code).finish() });
}

export function exitSignal(channel: number, signal: string, { hasCore, words }: { readonly hasCore: boolean; readonly words: string }): Buffer {
  const body = text(text(text(new ByteWriter(), signal).uint8(hasCore ? 1 : 0), words), '').finish();
  return request(channel, 'exit-signal', { wantsReply: false, body });
}

/** Returns the body that says where a forward leads. A socket has no port. */
export function place(host: string, port: number | null): Buffer {
  const writer = text(new ByteWriter(), host);
  return (port === null ? writer : unsigned(writer, port)).finish();
}

function frame(write: (writer: ByteWriter) => ByteWriter): Buffer {
  const writer = new ByteWriter().int32(0);
  write(writer);
  return writer.patchInt32(0, writer.length - 4).finish();
}

function text(writer: ByteWriter, said: string): ByteWriter {
  return string(writer, Buffer.from(said));
}

function string(writer: ByteWriter, bytes: Uint8Array): ByteWriter {
  return writer.int32(bytes.length).bytes(bytes);
}

function unsigned(writer: ByteWriter, value: number): ByteWriter {
  return writer.int32(value | 0);
}
