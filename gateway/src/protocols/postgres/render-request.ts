import type { Attributes } from '../../domain/action.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import { frames, parseBackend, parseFrontend, frameHeaderBytes } from './codec.ts';
import { backend, frontend, type BindMessage, type FrontendMessage } from './messages.ts';
import { formatValue } from './render-values.ts';
import { ShownText } from './shown-text.ts';
import { parseStartupPacket } from './startup.ts';
import { decoderOf, encodingAttribute, utf8, type Decode } from './text-encoding.ts';

/** Finds a record of the same session by its number; null when it is not at hand. */
export type Earlier = (seq: number) => OpenedRecord | null;

export interface Shown {
  readonly text: string;
  readonly attributes: Attributes;
}

type Parse = Extract<FrontendMessage, { kind: 'parse' }>;

/** PostgreSQL cuts names of statements and portals to this. */
const nameBytesMax = 63;
const textAttributeMax = 64 * 1024;
const parametersMax = 100;
/** How far behind a request the target's description of its parameters is looked for. */
const descriptionDistanceMax = 8;

/** Never throws. */
export function renderRequest(record: OpenedRecord, earlier: Earlier): Shown {
  const content = Buffer.from(record.content ?? []);
  const decode = decodeOf(record, earlier);
  switch (record.meta?.action) {
    case 'postgres.connect':
      return { text: renderStartup(content), attributes: {} };
    case 'postgres.cancel':
      return { text: `cancel request ${String(record.meta.attributes?.['countersign.request'] ?? '')}`.trim(), attributes: {} };
    case 'postgres.execute':
      return renderExecute(record, content, earlier);
    case 'postgres.copy':
      return { text: renderCopy(content, begunBytes(record), decode), attributes: {} };
    case undefined:
      // The rest of a request that did not fit into one record.
      return { text: decode(content), attributes: {} };
    default:
      return renderMessages(content, decode);
  }
}

/** How many of the first bytes belong to a message that began in an earlier record. */
export function begunBytes(record: OpenedRecord): number {
  const begun = record.meta?.attributes?.['countersign.begun_bytes'];
  return typeof begun === 'number' ? Math.min(Math.max(begun, 0), record.content?.length ?? 0) : 0;
}

/** How the texts of a record are read: by the encoding that was in force, which the first record of a request has for its further ones. */
export function decodeOf(record: OpenedRecord | null, earlier: Earlier): Decode {
  const { attributes, request } = record?.meta ?? {};
  const first = attributes === undefined && record?.kind === 'request' && request !== undefined ? earlier(request)?.meta?.attributes : attributes;
  return decoderOf(first?.[encodingAttribute]);
}

/** The client's messages as far as they can be read. */
export function readMessages(content: Uint8Array | null | undefined, decode: Decode = utf8): FrontendMessage[] {
  const messages: FrontendMessage[] = [];
  try {
    for (const frame of frames(Buffer.from(content ?? []))) {
      messages.push(parseFrontend(frame, decode));
    }
  } catch {
    // What was read before the unreadable is shown.
  }
  return messages;
}

function renderStartup(content: Buffer): string {
  try {
    const packet = parseStartupPacket(content);
    return packet.kind === 'startup' ? [...packet.parameters].map(([name, value]) => `${name}=${value}`).join(' ') : packet.kind;
  } catch {
    return '(unreadable)';
  }
}

function renderMessages(content: Buffer, decode: Decode): Shown {
  const shown = new ShownText();
  const texts: string[] = [];
  for (const message of readMessages(content, decode)) {
    if (message.kind === 'query' || message.kind === 'parse') {
      texts.push(message.text);
    }
    const line = describe(message, decode);
    if (line !== null) {
      shown.add(line);
    }
  }
  // A statement longer than a record: its beginning is here, the rest follows.
  if (texts.length === 0 && content[0] === frontend.query) {
    texts.push(decode(content.subarray(frameHeaderBytes)));
    shown.add(texts[0] ?? '');
  }
  return { text: shown.toString(), attributes: queryText(texts) };
}

function describe(message: FrontendMessage, decode: Decode): string | null {
  switch (message.kind) {
    case 'query':
      return message.text;
    case 'parse':
      return message.name === '' ? `PREPARE ${message.text}` : `PREPARE "${message.name}": ${message.text}`;
    case 'bind':
      return `BIND ${nameOf('portal', message.portal)} to ${nameOf('statement', message.statement)} with ${message.parameters.length} parameters`;
    case 'describe':
    case 'close':
      return `${message.kind.toUpperCase()} ${nameOf(message.what, message.name)}`;
    case 'execute':
      return `EXECUTE ${nameOf('portal', message.portal)}`;
    case 'function-call':
      return `CALL function ${message.oid} (${message.parameters.map((value, i) => formatValue(value, 0, formatAt(message.formats, i), decode)).join(', ')})`;
    case 'copy-fail':
      return `COPY failed: ${message.reason}`;
    case 'copy-data':
      return decode(message.data);
    case 'copy-done':
    case 'flush':
    case 'sync':
    case 'terminate':
      return null;
    default:
      return message satisfies never;
  }
}

function nameOf(what: string, name: string): string {
  return name === '' ? `the unnamed ${what}` : `${what} "${name}"`;
}

function renderExecute(record: OpenedRecord, content: Buffer, earlier: Earlier): Shown {
  const own = readMessages(content, decodeOf(record, earlier));
  const execute = own.findLast((message) => message.kind === 'execute');
  const { bind, bindDecode, parse, parseSeq } = findStatement(record, own, earlier);
  const shown = new ShownText();
  shown.add(parse?.text ?? `(the text of ${nameOf('statement', bind?.statement ?? '')} is not in this recording)`);
  const types = parameterTypes(parse, parseSeq, earlier);
  const values = (bind?.parameters ?? []).map((value, i) => formatValue(value, types[i] ?? 0, formatAt(bind?.formats ?? [], i), bindDecode));
  for (const [i, value] of values.entries()) {
    shown.add(`-- $${i + 1} = ${value}`);
  }
  if (execute !== undefined && execute.rowsMax > 0) {
    shown.add(`-- at most ${execute.rowsMax} rows`);
  }
  const parameters = values.slice(0, parametersMax).map((value, i) => [`db.query.parameter.${i}`, value] as const);
  return {
    text: shown.toString(),
    attributes: { ...queryText(parse === undefined ? [] : [parse.text]), ...Object.fromEntries(parameters) },
  };
}

interface Statement {
  readonly bind: BindMessage | undefined;
  /** Of its parameters. */
  readonly bindDecode: Decode;
  readonly parse: Parse | undefined;
  /** The record that holds the Parse. */
  readonly parseSeq: number;
}

/** What the last Execute of a request executes: from its own messages, or from the records that its attributes name. */
function findStatement(record: OpenedRecord, own: readonly FrontendMessage[], earlier: Earlier): Statement {
  const portal = own.findLast((message) => message.kind === 'execute')?.portal;
  const { 'countersign.bind': bindSeq, 'countersign.parse': parseSeq } = record.meta?.attributes ?? {};
  const bound = typeof bindSeq === 'number' ? earlier(bindSeq) : record;
  const bindDecode = decodeOf(bound, earlier);
  const binding = typeof bindSeq === 'number' ? readMessages(bound?.content, bindDecode) : own;
  const at = binding.findLastIndex((message) => message.kind === 'bind' && isSame(message.portal, portal));
  const bind = binding[at];
  if (bind?.kind !== 'bind') {
    return { bind: undefined, bindDecode, parse: undefined, parseSeq: -1 };
  }
  const isEarlier = typeof parseSeq === 'number' && !(binding !== own && parseSeq === bindSeq);
  const parsed = isEarlier ? earlier(parseSeq) : null;
  const parsing = isEarlier ? readMessages(parsed?.content, decodeOf(parsed, earlier)) : binding.slice(0, at);
  const parse = parsing.findLast((message) => message.kind === 'parse' && isSame(message.name, bind.statement));
  return { bind, bindDecode, parse: parse?.kind === 'parse' ? parse : undefined, parseSeq: typeof parseSeq === 'number' ? parseSeq : record.seq };
}

/** Names are what the target makes of them. */
function isSame(name: string, other: string | undefined): boolean {
  return name.slice(0, nameBytesMax) === other?.slice(0, nameBytesMax);
}

/** The statement's own; where the client left them open, what the target said they are. */
function parameterTypes(parse: Parse | undefined, parseSeq: number, earlier: Earlier): readonly number[] {
  const given = parse?.parameterTypes ?? [];
  if (parse === undefined || (given.length > 0 && !given.includes(0))) {
    return given;
  }
  for (let distance = 1; distance <= descriptionDistanceMax; distance += 1) {
    const answer = earlier(parseSeq + distance);
    if (answer?.kind === 'response' && answer.meta?.request === parseSeq) {
      return describedTypes(answer) ?? given;
    }
  }
  return given;
}

function describedTypes(answer: OpenedRecord): readonly number[] | null {
  try {
    for (const frame of frames(Buffer.from(answer.content ?? []))) {
      const message = frame.type === backend.parameterDescription ? parseBackend(frame) : null;
      if (message?.kind === 'parameter-description') {
        return message.types;
      }
    }
  } catch {
    // Without a description values are shown as hex.
  }
  return null;
}

/** None: all text; one: for all; else one each. */
export function formatAt(formats: readonly number[], at: number): number {
  return (formats.length === 1 ? formats[0] : formats[at]) ?? 0;
}

function renderCopy(content: Buffer, begun: number, decode: Decode): string {
  const shown = [decode(content.subarray(0, begun))];
  let at = begun;
  for (const frame of frames(content, begun)) {
    at += frameHeaderBytes + frame.body.length;
    if (frame.type === frontend.copyData) {
      shown.push(decode(frame.body));
    } else if (frame.type === frontend.copyFail) {
      shown.push(`\nCOPY failed: ${decode(frame.body).replace(/\0$/, '')}`);
    }
  }
  // The beginning of a message that goes on in the next record.
  shown.push(decode(content.subarray(at + frameHeaderBytes)));
  return shown.join('');
}

function queryText(texts: readonly string[]): Attributes {
  const text = texts.join(';\n');
  return text === '' ? {} : { 'db.query.text': text.slice(0, textAttributeMax) };
}
