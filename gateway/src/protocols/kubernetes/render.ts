import type { Attributes } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { plainRendering, type OpenedRecord, type Rendering } from '../../domain/record.ts';
import { readRecordedFrame } from '../../exchange/recorded/recorded-frame.ts';
import { cutCharacter, readRecordedRequest } from '../../exchange/recorded/recorded-http.ts';
import { contentOf, type Earlier } from '../../exchange/recorded/recorded-pieces.ts';
import { renderMessages } from '../../exchange/recorded/render-messages.ts';
import { channels } from './channels.ts';
import { readRequestInfo, type RequestInfo } from './request-info.ts';

const streams: Readonly<Record<number, string>> = { [channels.input]: 'stdin', [channels.output]: 'stdout', [channels.errors]: 'stderr' };
/** The size of a terminal before its client says another one. */
const firstSize = '80x24';
/** Most records before one that are looked at for what it goes on with. */
const earlierMax = 64;
const nothing = Buffer.alloc(0);

/** Makes a record readable, what goes on in a program in a container too: the text of its input and output, the size of its terminal, how it ended. Never throws. */
export function render(record: OpenedRecord, earlier: Earlier): Rendering {
  const frame = readRecordedFrame(record);
  const request = record.meta?.request;
  if (frame === null) {
    const shown = renderMessages(record, earlier);
    return programOf(record)?.query.get('tty') === 'true' ? { ...shown, attributes: { ...shown.attributes, [ownAttributes.terminalSize]: firstSize } } : shown;
  }
  const opened = request === undefined ? null : earlier(request);
  const said = opened === null || programOf(opened) === null ? null : messageOf(record, earlier);
  if (said === null) {
    return renderMessages(record, earlier);
  }
  const { channel, bytes } = said;
  const stream = streams[channel];
  if (stream !== undefined) {
    const begun = begunBefore(record, channel, earlier);
    const all = Buffer.concat([begun, bytes]);
    const text = all.toString('utf8', 0, all.length - cutCharacter(all).length);
    return plainRendering(text, { 'log.iostream': stream, ...(begun.length > 0 ? { [ownAttributes.begunText]: true } : {}) });
  }
  const { text, attributes } = channel === channels.close ? { text: 'end of input', attributes: {} } : told(channel, bytes.toString());
  return plainRendering(text, attributes);
}

/** Returns what a recorded request asks for, if it opens a program in a container; null for all others. */
function programOf(record: OpenedRecord): RequestInfo | null {
  const asked = record.kind === 'request' && record.content !== null ? readRecordedRequest(contentOf(record)) : null;
  try {
    const info = asked === null ? null : readRequestInfo(asked.head);
    return info?.resource?.subresource === 'exec' || info?.resource?.subresource === 'attach' ? info : null;
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

interface ProgramMessage {
  readonly channel: number;
  readonly bytes: Buffer;
}

/** Returns the channel and the bytes of a frame; null if it is no binary one, or if its channel is not at hand. */
function messageOf(record: OpenedRecord, earlier: Earlier): ProgramMessage | null {
  const frame = readRecordedFrame(record);
  if (frame?.isLater === true) {
    const before = recordBefore(record, earlier, (other) => readRecordedFrame(other)?.opcode === 'binary' && readRecordedFrame(other)?.isLater === false);
    const [channel] = before === null ? [] : (readRecordedFrame(before)?.payload ?? []);
    return channel === undefined ? null : { channel, bytes: frame.payload };
  }
  const [channel] = frame?.payload ?? [];
  return frame?.opcode !== 'binary' || channel === undefined ? null : { channel, bytes: frame.payload.subarray(1) };
}

/** Returns the bytes of a character that began in an earlier record of the same channel, and that this one goes on with. */
function begunBefore(record: OpenedRecord, channel: number, earlier: Earlier): Buffer {
  const before = recordBefore(record, earlier, (other) => messageOf(other, earlier)?.channel === channel);
  return before === null ? nothing : cutCharacter(messageOf(before, earlier)?.bytes ?? nothing);
}

/** Finds the last record before one in the same direction of the same connection for which this holds. */
function recordBefore({ seq: own, kind, meta }: OpenedRecord, earlier: Earlier, holds: (other: OpenedRecord) => boolean): OpenedRecord | null {
  const request = meta?.request ?? own;
  for (let seq = own - 1; seq > Math.max(request, own - earlierMax); seq -= 1) {
    const other = earlier(seq);
    if (other?.kind === kind && other.meta?.request === request && holds(other)) {
      return other;
    }
  }
  return null;
}

/** Says in words what a message in JSON is about. */
function told(channel: number, text: string): { readonly text: string; readonly attributes: Attributes } {
  const value = objectOf(text);
  if (channel === channels.size && typeof value['Width'] === 'number' && typeof value['Height'] === 'number') {
    const size = `${value['Width']}x${value['Height']}`;
    return { text: `terminal ${size}`, attributes: { [ownAttributes.terminalSize]: size } };
  }
  const code = channel === channels.status ? exitCode(value) : null;
  return code === null ? { text, attributes: {} } : { text: `exit status ${code}`, attributes: { 'process.exit.code': code } };
}

/** Returns the exit code that a Status says; null if it says none. */
function exitCode({ status, reason, details }: Readonly<Record<string, unknown>>): number | null {
  if (status === 'Success') {
    return 0;
  }
  const { causes } = Object(details);
  const all: readonly unknown[] = reason === 'NonZeroExitCode' && Array.isArray(causes) ? causes : [];
  const said = all.map((cause) => Object(cause)).find((cause) => cause.reason === 'ExitCode')?.message;
  return typeof said === 'string' && /^\d{1,3}$/.test(said) ? Number(said) : null;
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
