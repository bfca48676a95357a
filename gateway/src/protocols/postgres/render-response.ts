import type { Attributes } from '../../domain/action.ts';
import { summaryAttribute, type OpenedRecord } from '../../domain/record.ts';
import { frameHeaderBytes, frames, parseBackend } from './codec.ts';
import type { BackendMessage, Column, ErrorFields } from './messages.ts';
import { begunBytes, decodeOf, formatAt, readMessages, type Earlier, type Shown } from './render-request.ts';
import { formatValue } from './render-values.ts';
import { ShownText } from './shown-text.ts';
import { decoderOf, type Decode } from './text-encoding.ts';

/** How far back the description of the columns and the beginning of a row are looked for, when an answer has many parts. */
const partsBackMax = 64;
const cutFrameBytesMax = 4 * 1024 * 1024;
/** A target tells so many parameters after a login, and few after a SET. */
const parametersToldMin = 5;

/** Never throws. */
export function renderResponse(record: OpenedRecord, earlier: Earlier): Shown {
  const content = Buffer.from(record.content ?? []);
  const shown = new ShownText();
  const begun = begunBytes(record);
  const cut = endsHere(record) ? cutFrame(record, content.subarray(0, begun), earlier) : nothing;
  if (cut === null) {
    shown.add('… (the rest of the row before)');
  }
  const table: Table = { columns: null, formats: resultFormats(record, earlier), decode: decodeOf(record, earlier), parameters: [] };
  try {
    for (const bytes of [cut ?? nothing, content.subarray(begun)]) {
      for (const frame of frames(bytes)) {
        const message = parseBackend(frame, table.decode);
        if (message.kind === 'data-row' && table.columns === null) {
          table.columns = columnsBefore(record, earlier) ?? [];
        }
        show(message, table, shown);
      }
    }
  } catch {
    shown.add('(unreadable from here on)');
  }
  const text = shown.toString();
  return { text, attributes: summaryOf(text, table.parameters) };
}

/** Of what a target tells after a login: how many parameters, and its version. */
function summaryOf(text: string, parameters: readonly string[]): Attributes {
  if (parameters.length < parametersToldMin) {
    return {};
  }
  const told = new Set(parameters);
  const others = text.split('\n').filter((line) => !told.has(line));
  const version = parameters.find((line) => line.startsWith('server_version = '));
  const counted = `${parameters.length} parameters of the connection${version === undefined ? '' : `, ${version}`}`;
  return { [summaryAttribute]: [...others, counted].join('\n') };
}

const nothing = Buffer.alloc(0);

interface Table {
  columns: readonly Column[] | null;
  readonly formats: readonly number[];
  decode: Decode;
  /** Those that were told, as they are shown. */
  readonly parameters: string[];
}

function show(message: BackendMessage, table: Table, shown: ShownText): void {
  switch (message.kind) {
    case 'row-description':
      table.columns = message.columns;
      shown.add(message.columns.map((column) => column.name).join(' | '));
      break;
    case 'data-row':
      shown.add(message.values.map((value, i) => cell(value, table, i)).join(' | '));
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
  const column = table.columns?.[at];
  const format = table.formats.length > 0 ? formatAt(table.formats, at) : (column?.format ?? 0);
  return formatValue(value, column?.type ?? 0, format, table.decode);
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

/** The target's message that began in an earlier part ends in this one: here it is shown. */
function endsHere(record: OpenedRecord): boolean {
  return begunBytes(record) > 0 && begunBytes(record) === record.meta?.attributes?.['countersign.begun_bytes'];
}

/** The message whose last bytes are `rest`; null when its beginning is not at hand, or too long. */
function cutFrame(record: OpenedRecord, rest: Buffer, earlier: Earlier): Buffer | null {
  const pieces = [rest];
  let bytes = rest.length;
  for (const part of partsBefore(record, earlier)) {
    const content = Buffer.from(part.content ?? []);
    const piece = content.subarray(wholeBytes(part, content));
    pieces.unshift(piece);
    bytes += piece.length;
    if (bytes > cutFrameBytesMax) {
      return null;
    }
    if (endsHere(part) || begunBytes(part) === 0) {
      const frame = Buffer.concat(pieces);
      return [...frames(frame)].length === 1 ? frame : null;
    }
  }
  return null;
}

/** Up to the end of the last whole message. */
function wholeBytes(part: OpenedRecord, content: Buffer): number {
  const begun = begunBytes(part);
  if (begun > 0 && !endsHere(part)) {
    return 0;
  }
  let end = begun;
  for (const frame of frames(content, begun)) {
    end += frameHeaderBytes + frame.body.length;
  }
  return end;
}

/** Earlier parts of the same answer, the latest first. */
function* partsBefore(record: OpenedRecord, earlier: Earlier): Generator<OpenedRecord> {
  const { request } = record.meta ?? {};
  const first = Math.max((request ?? record.seq) + 1, record.seq - partsBackMax);
  for (let seq = record.seq - 1; seq >= first; seq -= 1) {
    const part = earlier(seq);
    if (part?.kind === 'response' && part.meta?.request === request) {
      yield part;
    }
  }
}

/** What the Bind of the answered request asked for: a statement's own description does not know it. */
function resultFormats(record: OpenedRecord, earlier: Earlier): readonly number[] {
  const { request } = record.meta ?? {};
  const asked = request === undefined ? null : earlier(request);
  const bindSeq = asked?.meta?.attributes?.['countersign.bind'];
  const binding = typeof bindSeq === 'number' ? earlier(bindSeq) : asked;
  const bind =
    binding?.meta?.action?.startsWith('postgres.') === true ? readMessages(binding.content).findLast((message) => message.kind === 'bind') : undefined;
  return bind?.kind === 'bind' ? bind.resultFormats : [];
}

/** The description of the columns from an earlier part of the same answer. */
function columnsBefore(record: OpenedRecord, earlier: Earlier): readonly Column[] | null {
  for (const part of partsBefore(record, earlier)) {
    const columns = lastColumns(part, decodeOf(part, earlier));
    if (columns !== null) {
      return columns;
    }
  }
  return null;
}

function lastColumns(part: OpenedRecord, decode: Decode): readonly Column[] | null {
  let columns: readonly Column[] | null = null;
  try {
    for (const frame of frames(Buffer.from(part.content ?? []), begunBytes(part))) {
      const message = frame.type === 0x54 ? parseBackend(frame, decode) : null;
      if (message?.kind === 'row-description') {
        columns = message.columns;
      }
    }
  } catch {
    // Without a description values are shown as text or hex.
  }
  return columns;
}
