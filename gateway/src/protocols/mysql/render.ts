import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { plainRendering, type OpenedRecord, type RenderedTable, type Rendering } from '../../domain/record.ts';
import { AnswerReading, isProgress, marks, parseError, progressHeadBytes, type AnswerForm } from './answer.ts';
import { isBinary, parseColumn, type Column } from './column.ts';
import { commands, kindOf } from './commands.ts';
import { parseLogin } from './handshake.ts';
import type { PacketPiece } from './packets.ts';
import { PayloadReader } from './payload.ts';
import { payloadIn, piecesIn } from './recorded.ts';
import { parseBinaryRow, parseTextRow } from './rows.ts';
import { parseExecution } from './statements.ts';

/** Most records before this one in which the beginning of an answer is looked for. */
const distanceMax = 1_000;

type Earlier = (seq: number) => OpenedRecord | null;

interface Table extends RenderedTable {
  readonly rows: string[][];
}

interface Shown {
  readonly lines: string[];
  readonly tables: Table[];
  columns: readonly Column[];
}

/** Makes a record readable: a statement with its parameters, the rows of an answer as a table. Bytes that cannot be read are shown as text. */
export function render(record: OpenedRecord, earlier: Earlier): Rendering {
  const { content, kind } = record;
  if (content === null || content.length === 0) {
    return plainRendering('', {});
  }
  if (kind === 'request') {
    return plainRendering(readable(() => requestText(record, content, earlier)) ?? textOf(Buffer.from(content)), {});
  }
  const shown = readable(() => shownAnswer(record, earlier, false)) ?? readable(() => shownAnswer(record, earlier, true));
  if (shown === null) {
    return plainRendering(textOf(Buffer.from(content)), {});
  }
  const { lines, tables } = shown;
  return { ...plainRendering(lines.join('\n'), {}), ...(tables.length === 0 ? {} : { tables: () => tables }) };
}

/** Returns null for bytes that cannot be read. */
function readable<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    return null;
  }
}

function requestText({ meta }: OpenedRecord, content: Uint8Array, earlier: Earlier): string {
  const payload = payloadIn(content);
  if (payload === null) {
    return textOf(Buffer.from(content));
  }
  if (meta?.action === 'mysql.connect') {
    const { user, database } = parseLogin(payload);
    return `connect as ${user}${database === '' ? '' : ` to ${database}`}`;
  }
  const [command = 0] = payload;
  const kind = kindOf(command);
  if (command === commands.query) {
    return textOf(payload.subarray(1));
  }
  if ('refused' in kind) {
    return `command 0x${command.toString(16).padStart(2, '0')}`;
  }
  if (command === commands.execute) {
    return executionText(payload, meta?.attributes?.[ownAttributes.parse], earlier);
  }
  const words = { PREPARE: 1, USE: 1, 'FIELD LIST': 1, 'LONG DATA': 7 }[kind.name];
  return words === undefined ? kind.name : `${kind.name} ${textOf(payload.subarray(words)).replaceAll('\0', ' ').trimEnd()}`;
}

/** A statement that is executed, with its parameters as far as they can be read: their types may be in an execution before. */
function executionText(payload: Buffer, parse: unknown, earlier: Earlier): string {
  const prepared = typeof parse === 'number' ? earlier(parse) : null;
  const statement = prepared?.content === null || prepared === null ? null : payloadIn(prepared.content);
  const sql = statement === null ? 'EXECUTE' : `EXECUTE ${textOf(statement.subarray(1))}`;
  const count = typeof parse === 'number' ? parametersOf(parse, earlier) : null;
  const execution = count === null ? null : readable(() => parseExecution(payload, { parameters: count, types: null, long: new Set() }));
  const parameters = (execution?.parameters ?? []).map(({ text }, at) => `${at + 1}: ${text === null ? 'NULL' : textOf(text)}`);
  return [sql, ...parameters].join('\n');
}

/** Returns how many parameters a prepared statement has, from the answer to its preparation. */
function parametersOf(parse: number, earlier: Earlier): number | null {
  for (let seq = parse + 1; seq < parse + distanceMax; seq += 1) {
    const answer = earlier(seq);
    if (answer === null) {
      return null;
    }
    if (answer.meta?.request === parse && answer.kind === 'response' && answer.content !== null) {
      const payload = payloadIn(answer.content);
      return payload === null || payload[0] !== marks.ok ? null : readable(() => new PayloadReader(payload, 7).uint16le());
    }
  }
  return null;
}

/** Shows an answer. Nothing in the record says whether columns end with a packet of their own. Throws GatewayError `malformed` if it is not as `isEofDeprecated` says. */
function shownAnswer(record: OpenedRecord, earlier: Earlier, isEofDeprecated: boolean): Shown {
  const { meta, content } = record;
  const asked = meta?.request === undefined ? null : earlier(meta.request);
  const command = asked?.content == null || asked.meta?.action === 'mysql.connect' ? null : (payloadIn(asked.content)?.[0] ?? null);
  const kind = command === null ? null : kindOf(command);
  const form: AnswerForm = kind === null || 'refused' in kind ? 'done' : (kind.answer ?? 'done');
  const isBinaryForm = kind !== null && !('refused' in kind) && kind.action === 'mysql.execute';
  const shown: Shown = { lines: [], tables: [], columns: [] };
  const parts = partsBefore(record, earlier);
  const reading = new AnswerReading(parts.length > 0 ? 'rows' : form, isEofDeprecated);
  const first = parts[0];
  if (first?.content != null) {
    shown.columns = columnsOf(first.content, new AnswerReading(form, isEofDeprecated));
  }
  const begun = meta?.attributes?.[ownAttributes.begunBytes];
  const begunBytes = typeof begun === 'number' ? begun : 0;
  if (begunBytes > 0) {
    shown.lines.push(textOf(Buffer.from(content ?? []).subarray(0, begunBytes)));
  }
  for (const piece of piecesIn((content ?? new Uint8Array()).subarray(begunBytes))) {
    showPiece(piece, reading, shown, { isBinaryForm, hasDefault: form === 'columns' });
  }
  return shown;
}

function showPiece(
  { payload, bytes, begins, head, firstPacketBytes }: PacketPiece,
  reading: AnswerReading,
  shown: Shown,
  { isBinaryForm, hasDefault }: { readonly isBinaryForm: boolean; readonly hasDefault: boolean },
): void {
  if (payload !== null && isProgress(payload)) {
    shown.lines.push(textOf(payload.subarray(progressHeadBytes)));
    return;
  }
  const meaning = begins ? reading.take(head, firstPacketBytes) : 'row';
  if (payload === null) {
    shown.lines.push(textOf(bytes));
    return;
  }
  switch (meaning) {
    case 'error': {
      const { code, state, message } = parseError(payload);
      shown.lines.push(`ERROR ${code} (${state}): ${textOf(message)}`);
      break;
    }
    case 'count':
      shown.columns = [];
      break;
    case 'column': {
      const column = parseColumn(payload, hasDefault);
      shown.columns = [...shown.columns, column];
      break;
    }
    case 'row': {
      const cells = cellsOf(payload, shown.columns, isBinaryForm);
      tableOf(shown).rows.push(cells);
      shown.lines.push(cells.join(' | '));
      break;
    }
    case 'text':
      shown.lines.push(textOf(payload));
      break;
    case 'done':
      shown.lines.push('OK');
      break;
    default:
  }
}

/** The table of the rows that come, begun with their first one. */
function tableOf(shown: Shown): Table {
  const names = shown.columns.map(({ name }) => textOf(name));
  const last = shown.tables.at(-1);
  if (last !== undefined && last.columns?.join('\0') === names.join('\0')) {
    return last;
  }
  const table: Table = { columns: names.length === 0 ? null : names, rows: [] };
  shown.tables.push(table);
  shown.lines.push(names.join(' | '));
  return table;
}

function cellsOf(payload: Buffer, columns: readonly Column[], isBinaryForm: boolean): string[] {
  if (columns.length === 0) {
    return [textOf(payload)];
  }
  const { cells } = isBinaryForm ? parseBinaryRow(payload, columns) : parseTextRow(payload, columns);
  return cells.map((cell, at) => {
    const column = columns[at];
    return cell === null ? 'NULL' : column !== undefined && isBinary(column) && !isUtf8(cell) ? `0x${cell.toString('hex')}` : textOf(cell);
  });
}

function columnsOf(content: Uint8Array, reading: AnswerReading): readonly Column[] {
  let columns: Column[] = [];
  for (const { payload, begins, head, firstPacketBytes } of piecesIn(content)) {
    const meaning = begins ? reading.take(head, firstPacketBytes) : 'row';
    if (meaning === 'count') {
      columns = [];
    } else if (meaning === 'column' && payload !== null) {
      columns.push(parseColumn(payload));
    }
  }
  return columns;
}

/** Returns earlier parts of the same answer, the first one first. */
function partsBefore({ seq: own, kind, meta }: OpenedRecord, earlier: Earlier): readonly OpenedRecord[] {
  const request = meta?.request;
  const parts: OpenedRecord[] = [];
  for (let seq = own - 1; request !== undefined && seq > Math.max(request, own - distanceMax); seq -= 1) {
    const part = earlier(seq);
    if (part?.kind === kind && part.meta?.request === request) {
      parts.unshift(part);
    }
  }
  return parts;
}

function textOf(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}
