import { countOf } from '../../domain/count-of.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { OpenedRecord, RenderedTable } from '../../domain/record.ts';
import { formatAt, frameHeaderBytes, frames, parseBackend } from './codec.ts';
import type { BackendMessage, Column, ErrorFields } from './messages.ts';
import { begunBytes, decodeOf, readMessages, type Earlier, type Shown } from './render-request.ts';
import { beginLong, readLong, type LongMessage, type Values } from './render-long.ts';
import { formatValue, isText } from './render-values.ts';
import { ShownTables } from './shown-tables.ts';
import { ShownText } from './shown-text.ts';
import { decoderOf, type Decode } from './text-encoding.ts';

/**
 * Most earlier records that are searched for an earlier part of the same answer. If the state after these parts is not known, at most `partsReadMax` of them
 * are read again.
 */
const distanceMax = 1000;
const partsReadMax = 64;
/** A message of more than this many bytes that continues in later records is shown in parts. */
const cutMessageBytesMax = 1024 * 1024;
/** Fewest parameters that count as those after a login. After a SET there are fewer. */
const parametersToldMin = 5;

/** Makes a response readable. Never throws. */
export function renderResponse(record: OpenedRecord, earlier: Earlier): Shown {
  const shown = new ShownText();
  const { parameters } = readPart(record, leftBefore(record, earlier), earlier, shown);
  const text = shown.toString();
  return { text, attributes: { ...summaryOf(text, parameters), ...shown.attributes }, tables: () => tablesOf(record, earlier) };
}

/** Reads the rows of a response once more, as tables. */
function tablesOf(record: OpenedRecord, earlier: Earlier): readonly RenderedTable[] {
  const left = leftBefore(record, earlier);
  const shown = new ShownTables(left.columns?.map(({ name }) => name) ?? null);
  readPart(record, left, earlier, shown);
  return shown.tables;
}

/** The state that one part of an answer leaves for the next part. */
interface Left {
  readonly columns: readonly Column[] | null;
  /** The message within which the part ends: its bytes so far, or, for a long one, how far it was shown. */
  readonly cut: Bytes | LongMessage | null;
}

/** Bytes of a message in one part, together with those of the parts before. */
interface Bytes {
  readonly bytes: Buffer;
  readonly before: Bytes | null;
}

const leftNothing: Left = { columns: null, cut: null };
/** The state after each part, by the part's record, as long as the record is in memory. Without it, the parts before are read again. */
const leftBy = new WeakMap<OpenedRecord, Left>();

function leftBefore(record: OpenedRecord, earlier: Earlier): Left {
  const unread: OpenedRecord[] = [];
  let left: Left | undefined;
  for (const part of partsBefore(record, earlier)) {
    left = leftBy.get(part);
    if (left !== undefined || unread.push(part) === partsReadMax) {
      break;
    }
  }
  for (const part of unread.toReversed()) {
    readPart(part, left ?? leftNothing, earlier, new ShownText());
    left = leftBy.get(part);
  }
  return left ?? leftNothing;
}

/** Shows the content of a part, and keeps the state after it. */
function readPart(record: OpenedRecord, left: Left, earlier: Earlier, shown: ShownText): Table {
  const content = Buffer.from(record.content ?? []);
  const begun = begunBytes(record);
  const table: Table = { columns: left.columns, formats: resultFormats(record, earlier), decode: decodeOf(record, earlier), parameters: [] };
  let cut: Left['cut'] = null;
  try {
    if (begun > 0) {
      cut = showRest(left.cut, content.subarray(0, begun), { isEnd: endsHere(record), table, shown });
    }
    let at = begun;
    for (const frame of frames(content, begun)) {
      show(parseBackend(frame, table.decode), table, shown);
      at += frameHeaderBytes + frame.body.length;
    }
    if (at < content.length) {
      cut = beginCut(content.subarray(at), table, shown);
    }
  } catch {
    shown.add('(unreadable from here on)');
  }
  leftBy.set(record, { columns: table.columns, cut });
  return table;
}

/** Keeps the beginning of a message that continues in the next part. */
function beginCut(bytes: Buffer, table: Table, shown: ShownText): Left['cut'] {
  if (bytes.length < frameHeaderBytes || bytes.readUInt32BE(1) < cutMessageBytesMax) {
    return { bytes: Buffer.from(bytes), before: null };
  }
  const { text, message } = readLong(beginLong(bytes.readUInt8(0)), bytes, valuesOf(table), false);
  shown.addLong(text);
  return message;
}

/** Shows the part's piece of a message that an earlier part began. Returns the state of the message; null at its end. */
function showRest(
  cut: Left['cut'],
  bytes: Buffer,
  { isEnd, table, shown }: { readonly isEnd: boolean; readonly table: Table; readonly shown: ShownText },
): Left['cut'] {
  if (cut === null) {
    shown.addMissing(`… (the rest of a message that began before)\n${table.decode(bytes)}`);
    return null;
  }
  if ('isRow' in cut) {
    const { text, message } = readLong(cut, bytes, valuesOf(table), isEnd);
    shown.goOn(text);
    return isEnd ? null : message;
  }
  const all = { bytes: Buffer.from(bytes), before: cut };
  if (!isEnd) {
    return all;
  }
  for (const frame of frames(joined(all))) {
    show(parseBackend(frame, table.decode), table, shown);
  }
  return null;
}

function joined(last: Bytes): Buffer {
  const pieces: Buffer[] = [];
  for (let piece: Bytes | null = last; piece !== null; piece = piece.before) {
    pieces.push(piece.bytes);
  }
  return Buffer.concat(pieces.toReversed());
}

function valuesOf(table: Table): Values {
  return {
    decode: table.decode,
    format: (value, at) => cell(value, table, at),
    isText: (at) => isText(table.columns?.[at]?.type ?? 0, cellFormat(table, at)),
  };
}

/** Returns a summary of the parameters that a target reports after a login: their number, and its version. Empty if there are few. */
function summaryOf(text: string, parameters: readonly string[]): Attributes {
  if (parameters.length < parametersToldMin) {
    return {};
  }
  const told = new Set(parameters);
  const others = text.split('\n').filter((line) => !told.has(line));
  const version = parameters.find((line) => line.startsWith('server_version = '));
  const counted = `${countOf(parameters.length, 'parameter')} of the connection${version === undefined ? '' : `, ${version}`}`;
  return { [ownAttributes.summary]: [...others, counted].join('\n') };
}

interface Table {
  columns: readonly Column[] | null;
  readonly formats: readonly number[];
  decode: Decode;
  /** The parameters that the target reported, as they are shown. */
  readonly parameters: string[];
}

function show(message: BackendMessage, table: Table, shown: ShownText): void {
  switch (message.kind) {
    case 'row-description':
      table.columns = message.columns;
      shown.addColumns(message.columns.map((column) => column.name));
      break;
    case 'data-row':
      shown.addRow(message.values.map((value, i) => cell(value, table, i)));
      break;
    case 'command-complete':
      shown.add(message.tag);
      break;
    case 'error':
    case 'notice':
      showFields(message.fields, shown);
      break;
    case 'notification':
      shown.add(`NOTIFY ${message.channel}${message.payload === '' ? '' : `, ${message.payload}`}`);
      break;
    case 'parameter-status': {
      const line = `${message.name} = ${message.value}`;
      table.parameters.push(line);
      shown.add(line);
      if (message.name === 'client_encoding') {
        table.decode = decoderOf(message.value);
      }
      break;
    }
    case 'function-result':
      shown.add(formatValue(message.value, 0, 1, table.decode));
      break;
    case 'copy-data':
      shown.add(table.decode(message.data).replace(/\n$/, ''));
      break;
    case 'parameter-description':
    case 'ready':
    case 'other':
      break;
  }
}

function cell(value: Buffer | null, table: Table, at: number): string {
  return formatValue(value, table.columns?.[at]?.type ?? 0, cellFormat(table, at), table.decode);
}

function cellFormat(table: Table, at: number): number {
  return table.formats.length > 0 ? formatAt(table.formats, at) : (table.columns?.[at]?.format ?? 0);
}

function showFields(fields: ErrorFields, shown: ShownText): void {
  shown.add(`${fields.get('V') ?? fields.get('S') ?? 'ERROR'} ${fields.get('C') ?? ''}: ${fields.get('M') ?? ''}`);
  for (const [code, title] of [
    ['D', 'DETAIL'],
    ['H', 'HINT'],
    ['W', 'CONTEXT'],
  ] as const) {
    const text = fields.get(code);
    if (text !== undefined) {
      shown.add(`${title}: ${text}`);
    }
  }
}

/** True if a message that began in an earlier part ends in this one. */
function endsHere(record: OpenedRecord): boolean {
  return begunBytes(record) > 0 && begunBytes(record) === record.meta?.attributes?.[ownAttributes.begunBytes];
}

/** Yields earlier parts of the same answer, the latest first. For messages that answer no request, it yields earlier ones of the same channel. */
function* partsBefore({ seq: own, kind, meta }: OpenedRecord, earlier: Earlier): Generator<OpenedRecord> {
  const first = Math.max((meta?.request ?? -1) + 1, own - distanceMax);
  for (let seq = own - 1; seq >= first; seq -= 1) {
    const part = earlier(seq);
    if (part?.kind === kind && part.meta?.request === meta?.request && part.meta?.channel === meta?.channel) {
      yield part;
    }
  }
}

/** Returns the result formats that the Bind of the answered request asked for. The description of a statement does not contain them. */
function resultFormats(record: OpenedRecord, earlier: Earlier): readonly number[] {
  const { request } = record.meta ?? {};
  const asked = request === undefined ? null : earlier(request);
  const bindSeq = asked?.meta?.attributes?.[ownAttributes.bind];
  const binding = typeof bindSeq === 'number' ? earlier(bindSeq) : asked;
  const bind =
    binding?.meta?.action?.startsWith('postgres.') === true ? readMessages(binding.content).findLast((message) => message.kind === 'bind') : undefined;
  return bind?.kind === 'bind' ? bind.resultFormats : [];
}
