import { changedBytes } from '../../content/changed-bytes.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Slices, TextChange } from '../../domain/text-change.ts';
import { composeError, marks, parseError, type Meaning } from './answer.ts';
import { composeColumn, isText, parseColumn, type Column } from './column.ts';
import { namesColumnsTruly } from './named-columns.ts';
import { PayloadReader } from './payload.ts';
import { parseBinaryRow, parseTextRow } from './rows.ts';

/** The source of a value of which nobody knows where it comes from. */
const anyColumn = ['*'];

/** The facts of the answer of which a payload is a part. */
export interface AnswerParts {
  readonly changes: readonly TextChange[];
  readonly columns: readonly Column[];
  /** True if rows are in the binary form. */
  readonly isBinary: boolean;
  /** The text of the statement that is answered. Null: there is none. */
  readonly sql: string | null;
  /** True if the columns have defaults. */
  readonly haveDefaults: boolean;
  /** Where the values of each column come from, as far as that was found. */
  readonly origins: Map<Column, Origin>;
}

export interface Origin {
  readonly sources: readonly string[];
  readonly isDerived: boolean;
}

/** Changes the texts of a payload of an answer, in slices. Returns the same payload where nothing is changed. Throws GatewayError `malformed` or `unsupported`. */
export function* changedPayload(payload: Buffer, meaning: Meaning, parts: AnswerParts): Slices<Buffer> {
  switch (meaning) {
    case 'row':
      return yield* changedRow(payload, parts);
    case 'column':
      return yield* changedColumn(payload, parts);
    case 'error': {
      const error = parseError(payload);
      const message = yield* changedBytes(error.message, parts.changes, ...saidFrom(parts));
      return message === error.message ? payload : composeError({ ...error, message });
    }
    case 'text':
      return yield* changedBytes(payload, parts.changes, ...saidFrom(parts));
    case 'done':
    case 'end of rows':
      return yield* changedWords(payload, parts);
    default:
      return payload;
  }
}

/** A sentence of the target may hold any value of a statement: where columns are masked, it may be one of them. */
function saidFrom({ changes }: AnswerParts): [sources?: readonly string[], isDerived?: boolean] {
  return isCovered(changes, '*') ? [anyColumn, true] : [];
}

/** Changes what a server adds to the words that something is done. */
function* changedWords(payload: Buffer, parts: AnswerParts): Slices<Buffer> {
  if (payload[0] === marks.eof && payload.length <= 5) {
    return payload;
  }
  const reader = new PayloadReader(payload, 1);
  reader.lengthEncoded();
  reader.lengthEncoded();
  reader.uint32le();
  const words = reader.rest();
  const changed = words.length === 0 ? words : yield* changedBytes(words, parts.changes);
  return changed === words ? payload : Buffer.concat([payload.subarray(0, payload.length - words.length), changed]);
}

function* changedRow(payload: Buffer, parts: AnswerParts): Slices<Buffer> {
  const { changes, columns, isBinary } = parts;
  if (columns.length === 0) {
    return missed(payload, changes);
  }
  const row = isBinary ? parseBinaryRow(payload, columns) : parseTextRow(payload, columns);
  const cells: (Buffer | null)[] = [];
  let isChanged = false;
  for (const [at, cell] of row.cells.entries()) {
    const column = columns[at];
    if (cell === null || column === undefined) {
      cells.push(cell);
      continue;
    }
    const origin = parts.origins.get(column) ?? originOf(column, at, parts);
    parts.origins.set(column, origin);
    const { sources, isDerived } = origin;
    const changed = yield* changedBytes(cell, changes, sources, isDerived);
    isChanged ||= changed !== cell;
    cells.push(changed);
  }
  return isChanged ? row.compose(cells) : payload;
}

/** Where texts are changed, an answer of which they cannot be found is refused; where they are only looked at, the looks are told. */
function missed(payload: Buffer, changes: readonly TextChange[]): Buffer {
  if (changes.some(({ look }) => look === undefined)) {
    throw new GatewayError('unsupported', 'Policy changes texts of these rows, and which columns they have is not known. Run the statement anew.');
  }
  changes.forEach(({ look }) => look?.missed());
  return payload;
}

/** Names where the values of a column come from. Where columns are masked, a value may be of any column unless it is sure that it is not. */
function originOf({ schema, originalTable, originalName, name }: Column, at: number, { changes, sql }: AnswerParts): Origin {
  const named = `=${(originalName.length > 0 ? originalName : name).toString()}`;
  const isOfTable = schema.length > 0 && originalTable.length > 0 && originalName.length > 0;
  const place = isOfTable ? [schema, originalTable, originalName].map(String).join('.') : `#${at + 1}`;
  const isSure = !isCovered(changes, '*') || (isOfTable && sql !== null && namesColumnsTruly(sql));
  return { sources: isSure ? [named, place] : [named, place, ...anyColumn], isDerived: !isSure };
}

/** Changes the names of a column. One that neither the statement nor the table has may be a value, where columns are masked. */
function* changedColumn(payload: Buffer, { changes, sql, haveDefaults }: AnswerParts): Slices<Buffer> {
  const column = parseColumn(payload, haveDefaults);
  const isCoveredByAny = isCovered(changes, '*');
  const change = function* (text: Buffer): Slices<Buffer> {
    const isAsked = sql === null || text.equals(column.originalName) || sql.includes(text.toString());
    return yield* isAsked || !isCoveredByAny ? changedBytes(text, changes) : changedBytes(text, changes, anyColumn, true);
  };
  const name = yield* change(column.name);
  const table = yield* change(column.table);
  const value = column.default == null ? column.default : yield* changedBytes(column.default, changes);
  const isSame = name === column.name && table === column.table && value === column.default;
  const fits = value === column.default || isText(column);
  return isSame ? payload : composeColumn({ ...column, name, table, ...(value === undefined ? {} : { default: fits ? value : null }) });
}

function isCovered(changes: readonly TextChange[], source: string): boolean {
  return changes.some(({ covers }) => covers?.(source) === true);
}
