import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { plainRendering, type OpenedRecord, type Rendering } from '../../domain/record.ts';
import { sftpPrefix } from './actions.ts';
import { readExitCode, readExitSignal, readMessages, readSize, readTerminal, readText, readVariable, type Message, type TerminalSize } from './messages.ts';
import { renderSftp } from './sftp/render.ts';

/** Most records before one that are looked at for the beginning of a character that is split between two. */
const earlierMax = 32;

/** Makes a record readable: the command, the text of input or output, how it ended. A character that is split between two records is shown in the second. */
export function render(record: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): Rendering {
  const messages = messagesOf(record);
  if (messages === null) {
    return plainRendering(`${record.content?.length ?? 0} bytes`, {});
  }
  const spoken = messages.filter(isData);
  const operations =
    spoken.length > 0 && isOfSftp(record, earlier)
      ? renderSftp(Buffer.concat(spoken.flatMap(({ kind, bytes }) => (kind === 'data' ? [bytes] : []))), record.kind)
      : null;
  if (operations !== null) {
    return operations;
  }
  if (spoken.length > 0) {
    const begun = splitBefore(record, earlier);
    const bytes = Buffer.concat([begun, ...spoken.map((each) => each.bytes)]);
    const said = bytes.subarray(0, bytes.length - splitLength(bytes)).toString();
    const stream = record.kind === 'request' ? 'stdin' : spoken.every(({ kind }) => kind === 'errorData') ? 'stderr' : 'stdout';
    return plainRendering(said, { 'log.iostream': stream, ...(begun.length > 0 ? { [ownAttributes.begunText]: true } : {}) });
  }
  const size = messages.map(sizeIn).find((each) => each !== null) ?? null;
  return plainRendering(messages.flatMap(wordsOf).join('\n'), size === null ? {} : { [ownAttributes.terminalSize]: `${size.columns}x${size.rows}` });
}

/** True if a record is an operation of SFTP, or the answer to one. */
function isOfSftp({ kind, meta }: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): boolean {
  const asked = kind === 'request' || meta?.request === undefined ? meta : earlier(meta.request)?.meta;
  return asked?.action?.startsWith(sftpPrefix) === true;
}

function isData(message: Message): message is Message & { readonly kind: 'data' | 'errorData' } {
  return message.kind === 'data' || message.kind === 'errorData';
}

/** Returns the messages of a record. Null: it has none that can be read. */
function messagesOf({ content }: OpenedRecord): readonly Message[] | null {
  try {
    return content === null ? null : readMessages([content]);
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

/** Returns the bytes of a character that began in the record before with the same stream, and that this one goes on with. */
function splitBefore(record: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): Buffer {
  const request = record.meta?.request;
  if (request === undefined) {
    return Buffer.alloc(0);
  }
  const kind = messagesOf(record)?.find(isData)?.kind;
  for (let seq = record.seq - 1; seq > Math.max(request, record.seq - earlierMax); seq -= 1) {
    const other = earlier(seq);
    if (other?.kind === record.kind && other.meta?.request === request) {
      const said =
        messagesOf(other)
          ?.filter(isData)
          .filter((each) => each.kind === kind) ?? [];
      if (said.length > 0) {
        const bytes = Buffer.concat(said.map((each) => each.bytes));
        return bytes.subarray(bytes.length - splitLength(bytes));
      }
    }
  }
  return Buffer.alloc(0);
}

/** Returns how many bytes at the end are the beginning of a character of UTF-8 that is not whole. */
function splitLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back < length ? back : 0;
    }
    if (byte < 0x80) {
      return 0;
    }
  }
  return 0;
}

function sizeIn(message: Message): TerminalSize | null {
  if (message.kind !== 'request') {
    return null;
  }
  try {
    return message.type === 'pty-req' ? readTerminal(message.body) : message.type === 'window-change' ? readSize(message.body) : null;
  } catch {
    return null;
  }
}

/** Says in words what a message is about. One that belongs to the form of SSH alone says nothing. */
function wordsOf(message: Message): readonly string[] {
  switch (message.kind) {
    case 'login':
      return [message.user];
    case 'globalRequest':
      return [message.type];
    case 'open':
      return message.type === 'session' ? [] : [message.type];
    case 'openFailure':
      return [message.words];
    case 'request':
      return requestWords(message);
    case 'data':
    case 'errorData':
    case 'eof':
    case 'close':
    case 'success':
    case 'failure':
    case 'globalFailure':
      return message.kind === 'eof' ? ['end of input or output'] : [];
    default:
      return message satisfies never;
  }
}

function requestWords({ type, body }: Message & { readonly kind: 'request' }): readonly string[] {
  try {
    switch (type) {
      case 'exec':
        return [readText(body)];
      case 'subsystem':
      case 'signal':
        return [`${type} ${readText(body)}`];
      case 'env':
        return [readVariable(body).join('=')];
      case 'pty-req':
        return [`terminal ${readTerminal(body).term}, ${sizeWords(readTerminal(body))}`];
      case 'window-change':
        return [`terminal ${sizeWords(readSize(body))}`];
      case 'exit-status':
        return [`exit status ${readExitCode(body)}`];
      case 'exit-signal':
        return [`ended by the signal ${readExitSignal(body).signal}`];
      default:
        return [type];
    }
  } catch {
    return [type];
  }
}

function sizeWords({ columns, rows }: TerminalSize): string {
  return `${columns}x${rows}`;
}
