import { countOf } from '../../domain/count-of.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import { formatAt, frames, parseBackend, parseFrontend, frameHeaderBytes } from './codec.ts';
import { backend, frontend, type BindMessage, type FrontendMessage } from './messages.ts';
import { formatValue } from './render-values.ts';
import { ShownText } from './shown-text.ts';
import { parseStartupPacket } from './startup.ts';
import { decodeBeginning, decoderOf, utf8, type Decode } from './text-encoding.ts';

/** Finds a record of the same session by its number; null if it is not available. */
export type Earlier = (seq: number) => OpenedRecord | null;

export interface Shown extends Pick<Rendering, 'tables'> {
  readonly text: string;
  readonly attributes: Attributes;
}

type Parse = Extract<FrontendMessage, { kind: 'parse' }>;

/** PostgreSQL cuts the names of statements and portals to this length. */
const nameBytesMax = 63;
/** Most records after a request that are searched for the target's description of its parameters. */
const descriptionDistanceMax = 8;
/** Most records before one with COPY data that are searched for the beginning of these data. */
const copyDistanceMax = 1000;
/** Most records that are read of a request in several records to which a later request refers. */
const partsMax = 4;

/** Makes a request readable, with the texts that it runs by names. Never throws. */
export function renderRequest(record: OpenedRecord, earlier: Earlier): Shown {
  const own = renderOwn(record, earlier);
  const { [ownAttributes.namedRecords]: records, [ownAttributes.namesAreSure]: areSure } = record.meta?.attributes ?? {};
  if (!Array.isArray(records) && areSure !== false) {
    return own;
  }
  const shown = new ShownText();
  if (!record.continues) {
    shown.add(own.text);
  }
  if (areSure === false) {
    shown.add('-- it is not sure which text a name in it stands for; those that are known follow');
  }
  for (const seq of (Array.isArray(records) ? records : []).map(Number)) {
    const named = seq < record.seq ? earlier(seq) : null;
    const content = Buffer.from(wholeContent(named, earlier) ?? []);
    if (named === null || content.length === 0) {
      shown.addMissing(`-- a name in it ${areSure === false ? 'may stand' : 'stands'} for the text of record ${seq}, which is not at hand`);
      continue;
    }
    shown.add(`-- a name in it ${areSure === false ? 'may stand' : 'stands'} for this text, of record ${seq}:`);
    const whole = { ...named, continues: false };
    shown.add((isExecution(content) ? renderExecute(whole, content, earlier) : renderMessages(whole, content, decodeOf(named, earlier))).text);
    if (wholeBytes(content) < content.length) {
      shown.addMissing(`-- … the rest of it is in the records after ${seq}`);
    }
  }
  if (record.continues) {
    // The next record continues this text.
    shown.add(own.text);
  }
  return { text: shown.toString(), attributes: { ...own.attributes, ...shown.attributes } };
}

function isExecution(content: Buffer): boolean {
  return [...frames(content)].some(({ type }) => type === frontend.execute);
}

function renderOwn(record: OpenedRecord, earlier: Earlier): Shown {
  const content = Buffer.from(record.content ?? []);
  const decode = decodeOf(record, earlier);
  switch (record.meta?.action) {
    case 'postgres.connect':
      return { text: renderStartup(content), attributes: {} };
    case 'postgres.cancel':
      return { text: `cancel request ${String(record.meta.attributes?.[ownAttributes.request] ?? '')}`.trim(), attributes: {} };
    case 'postgres.execute':
      return renderExecute(record, content, earlier);
    case 'postgres.copy':
      return renderCopy(record, content, earlier);
    case undefined:
      // This record holds the rest of a request that did not fit into one record.
      return renderRest(record, content, earlier);
    default:
      return renderMessages(record, content, decode);
  }
}

/**
 * The bytes of a partial character at the end of a record, by record, as long as the record is in memory. The next record begins with the rest of the
 * character.
 */
const cutBy = new WeakMap<OpenedRecord, Buffer>();

/** Returns the text of the bytes at the end of a record. If they continue in the next record, a partial character is left out. */
function textOfEnd(record: OpenedRecord, bytes: Buffer, decode: Decode): string {
  if (!record.continues) {
    return decode(bytes);
  }
  const { text, left } = decodeBeginning(decode, bytes);
  cutBy.set(record, left);
  return text;
}

function renderRest(record: OpenedRecord, content: Buffer, earlier: Earlier): Shown {
  // Between two parts the session may have announced secrets.
  const before = earlier(record.seq - 1) ?? earlier(record.seq - 2);
  const isBefore = before?.seq === record.meta?.request || before?.meta?.request === record.meta?.request;
  const cut = before !== null && isBefore ? cutBy.get(before) : undefined;
  return {
    text: textOfEnd(record, Buffer.concat([cut ?? Buffer.alloc(0), content]), decodeOf(record, earlier)),
    attributes: { [ownAttributes.begunText]: true },
  };
}

/** Returns the number of bytes at the beginning that belong to a message of an earlier record. */
export function begunBytes(record: OpenedRecord): number {
  const begun = record.meta?.attributes?.[ownAttributes.begunBytes];
  return typeof begun === 'number' ? Math.min(Math.max(begun, 0), record.content?.length ?? 0) : 0;
}

/** Returns the decoder for the texts of a record, by the encoding that was in force. Later records of a request have the encoding of the first one. */
export function decodeOf(record: OpenedRecord | null, earlier: Earlier): Decode {
  const { attributes, request } = record?.meta ?? {};
  const first = attributes === undefined && record?.kind === 'request' && request !== undefined ? earlier(request)?.meta?.attributes : attributes;
  return decoderOf(first?.[ownAttributes.clientEncoding]);
}

/** Parses the client's messages, as far as they can be read. */
export function readMessages(content: Uint8Array | null | undefined, decode: Decode = utf8): FrontendMessage[] {
  const messages: FrontendMessage[] = [];
  try {
    for (const frame of frames(Buffer.from(content ?? []))) {
      messages.push(parseFrontend(frame, decode));
    }
  } catch {
    // Messages before an unreadable one are still shown.
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

function renderMessages(record: OpenedRecord, content: Buffer, decode: Decode): Shown {
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
  const beginning = beginningOf(record, content, decode);
  if (beginning !== null) {
    shown.add(beginning);
    texts.push(...(texts.length === 0 && content[0] === frontend.query ? [beginning] : []));
  }
  return { text: shown.toString(), attributes: { ...queryText(texts), ...shown.attributes } };
}

/** Returns the text of the beginning of a message that continues in the next record; null if the record ends with a whole message. */
function beginningOf(record: OpenedRecord, content: Buffer, decode: Decode): string | null {
  const at = wholeBytes(content);
  return at === content.length ? null : textOfEnd(record, content.subarray(at + frameHeaderBytes), decode);
}

/** Returns the offset at which the last whole message ends, from `start` on. */
function wholeBytes(content: Buffer, start = 0): number {
  let end = start;
  for (const frame of frames(content, start)) {
    end += frameHeaderBytes + frame.body.length;
  }
  return end;
}

function describe(message: FrontendMessage, decode: Decode): string | null {
  switch (message.kind) {
    case 'query':
      return message.text;
    case 'parse':
      return message.name === '' ? `PREPARE ${message.text}` : `PREPARE "${message.name}": ${message.text}`;
    case 'bind':
      return `BIND ${nameOf('portal', message.portal)} to ${nameOf('statement', message.statement)} with ${countOf(message.parameters.length, 'parameter')}`;
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
  if (bind === undefined && record.continues) {
    // A part of the statement or of its parameters is in a later record.
    return renderMessages(record, content, decodeOf(record, earlier));
  }
  const shown = new ShownText();
  const isNamed = record.meta?.attributes?.[ownAttributes.namedRecords] !== undefined;
  const what = bind === undefined ? nameOf('portal', execute?.portal ?? '') : nameOf('statement', bind.statement);
  shown.add(parse?.text ?? (isNamed ? `EXECUTE ${what}` : `(the text of ${nameOf('statement', bind?.statement ?? '')} is not in this recording)`));
  const types = parameterTypes(parse, parseSeq, earlier);
  const values = (bind?.parameters ?? []).map((value, i) => formatValue(value, types[i] ?? 0, formatAt(bind?.formats ?? [], i), bindDecode));
  for (const [i, value] of values.entries()) {
    shown.add(`-- $${i + 1} = ${value}`);
  }
  if (execute !== undefined && execute.rowsMax > 0) {
    shown.add(`-- at most ${countOf(execute.rowsMax, 'row')}`);
  }
  const beginning = beginningOf(record, content, decodeOf(record, earlier));
  if (beginning !== null) {
    shown.add(beginning);
  }
  const parameters = values.map((value, i) => [`db.query.parameter.${i}`, value] as const);
  return {
    text: shown.toString(),
    attributes: { ...queryText(parse === undefined ? [] : [parse.text]), ...Object.fromEntries(parameters), ...shown.attributes },
  };
}

interface Statement {
  readonly bind: BindMessage | undefined;
  /** The decoder for the parameters in the Bind. */
  readonly bindDecode: Decode;
  readonly parse: Parse | undefined;
  /** The sequence number of the record with the Parse. */
  readonly parseSeq: number;
}

/** Finds the statement that the last Execute of a request executes, in the request's own messages or in the records that its attributes name. */
function findStatement(record: OpenedRecord, own: readonly FrontendMessage[], earlier: Earlier): Statement {
  const portal = own.findLast((message) => message.kind === 'execute')?.portal;
  const { [ownAttributes.bind]: bindSeq, [ownAttributes.parse]: parseSeq } = record.meta?.attributes ?? {};
  const bound = typeof bindSeq === 'number' ? earlier(bindSeq) : record;
  const bindDecode = decodeOf(bound, earlier);
  const binding = typeof bindSeq === 'number' ? readMessages(wholeContent(bound, earlier), bindDecode) : own;
  const at = binding.findLastIndex((message) => message.kind === 'bind' && isSame(message.portal, portal));
  const bind = binding[at];
  if (bind?.kind !== 'bind') {
    return { bind: undefined, bindDecode, parse: undefined, parseSeq: -1 };
  }
  const isEarlier = typeof parseSeq === 'number' && !(binding !== own && parseSeq === bindSeq);
  const parsed = isEarlier ? earlier(parseSeq) : null;
  const parsing = isEarlier ? readMessages(wholeContent(parsed, earlier), decodeOf(parsed, earlier)) : binding.slice(0, at);
  const parse = parsing.findLast((message) => message.kind === 'parse' && isSame(message.name, bind.statement));
  return { bind, bindDecode, parse: parse?.kind === 'parse' ? parse : undefined, parseSeq: typeof parseSeq === 'number' ? parseSeq : record.seq };
}

/** Joins the contents of the consecutive records of a request, at most `partsMax`. */
function wholeContent(record: OpenedRecord | null, earlier: Earlier): Uint8Array | null {
  if (record?.continues !== true || record.meta?.action === 'postgres.copy') {
    return record?.content ?? null;
  }
  const parts = [record.content ?? new Uint8Array()];
  for (let seq = record.seq + 1; seq < record.seq + partsMax; seq += 1) {
    const part = earlier(seq);
    if (part === null) {
      // Between two parts the session may have announced secrets.
      continue;
    }
    if (part.kind !== 'request' || part.meta?.request !== record.seq) {
      break;
    }
    parts.push(part.content ?? new Uint8Array());
  }
  return Buffer.concat(parts);
}

/** True if two names are the same for the target, which cuts long names. */
function isSame(name: string, other: string | undefined): boolean {
  return name.slice(0, nameBytesMax) === other?.slice(0, nameBytesMax);
}

/** Returns the types of a statement's parameters: those that the client gave, and the target's for types that the client left open. */
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
    // Without a description, values are shown in hex.
  }
  return null;
}

/** Shows COPY data. They continue from record to record, and their messages may end within a line or a character. */
function renderCopy(record: OpenedRecord, content: Buffer, earlier: Earlier): Shown {
  const decode = decodeOf(record, earlier);
  const before = copyBefore(record, earlier);
  const begun = begunBytes(record);
  const data = [(before === null ? undefined : cutBy.get(before)) ?? Buffer.alloc(0), content.subarray(0, begun)];
  let reason = '';
  for (const frame of frames(content, begun)) {
    if (frame.type === frontend.copyData) {
      data.push(frame.body);
    } else if (frame.type === frontend.copyFail) {
      reason = `\nCOPY failed: ${decode(frame.body).replace(/\0$/, '')}`;
    }
  }
  // This is the beginning of a message that continues in the next record.
  data.push(content.subarray(wholeBytes(content, begun) + frameHeaderBytes));
  return {
    text: textOfEnd(record, Buffer.concat(data), decode) + reason,
    attributes: before === null && begun === 0 ? {} : { [ownAttributes.begunText]: true },
  };
}

/** Finds the record with the preceding COPY data of the same statement. */
function copyBefore({ seq: own, meta }: OpenedRecord, earlier: Earlier): OpenedRecord | null {
  const first = Math.max((meta?.request ?? own) + 1, own - copyDistanceMax);
  for (let seq = own - 1; seq >= first; seq -= 1) {
    const part = earlier(seq);
    if (part?.kind === 'request' && part.meta?.request === meta?.request && isCopy(part)) {
      return part;
    }
  }
  return null;
}

/** True for the first record of COPY data. Later records of a long message have no action. */
function isCopy({ meta }: OpenedRecord): boolean {
  return meta?.action === 'postgres.copy';
}

function queryText(texts: readonly string[]): Attributes {
  const text = texts.join(';\n');
  return text === '' ? {} : { 'db.query.text': text };
}
