import { strict as assert } from 'node:assert';
import { GatewayError } from '../../domain/errors.ts';
import { changeAllInSlices, type Slices, type TextChange } from '../../domain/text-change.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import { SlicedTexts } from '../../content/sliced-texts.ts';
import type { TextFrame } from '../../content/text-frame.ts';
import { changeLiterals } from './changed-literals.ts';
import { nameBytesMax, type Unit } from './client-units.ts';
import { frameHeaderBytes, frames, parseFrontend, type Frame } from './codec.ts';
import { frontend, type FrontendMessage } from './messages.ts';
import { requestMessage, type ParameterTypes } from './request-message.ts';
import { unescapedSql } from './sql-escapes.ts';
import { byteByByte } from './text-encoding.ts';
import { findTraceparent } from './traceparent.ts';

/** The types that the Parse messages of a unit name, by the name of the statement. */
export type NamedTypes = ReadonlyMap<string, readonly number[]>;

export interface ChangedUnit {
  readonly unit: Unit;
  readonly types: NamedTypes;
}

export interface UnitChange {
  readonly changes: readonly TextChange[];
  /** Knows the statements that earlier units prepared. */
  readonly typesOf: ParameterTypes;
  /** Most bytes of the unit afterwards. One that was longer before may stay so, and COPY data have no limit beside that of a row. */
  readonly bytesMax: number;
}

/**
 * Changes the texts of a unit in slices: statements, values, rows of COPY data. COPY data must be whole rows. Names of statements and portals stay. Throws GatewayError
 * `unsupported`, `malformed` or `limit_exceeded`.
 */
export function* changeUnit(unit: Unit, { changes, typesOf, bytesMax }: UnitChange): Slices<ChangedUnit> {
  const changed = new ChangedFrames(changes, Infinity);
  const types = new Map<string, readonly number[]>();
  const bytes = Buffer.concat(unit.bytes);
  const messages: Buffer[] = [];
  let traceparent: string | null = null;
  let at = 0;
  const typesIn: ParameterTypes = (statement) => types.get(statement) ?? typesOf(statement);
  for (const frame of frames(bytes)) {
    const end = at + frameHeaderBytes + frame.body.length;
    const texts = yield* textsOf(frame, typesIn, changes);
    const message = texts === null ? bytes.subarray(at, end) : Buffer.concat(yield* changed.pushInSlices(texts));
    messages.push(message);
    at = end;
    const statement = texts === null ? null : statementIn({ type: frame.type, body: message.subarray(frameHeaderBytes) });
    const isBound = frame.type === frontend.bind && message.includes('\\');
    const bound = isBound ? requestMessage({ type: frame.type, body: message.subarray(frameHeaderBytes) }, typesIn) : null;
    const sent = statement === null ? (bound?.texts ?? []).map(({ text }) => text) : [Buffer.from(statement.text, 'latin1').toString()];
    yield* assertUnescaped(sent, changes);
    traceparent = (statement === null ? null : traceparentIn(statement.text)) ?? traceparent;
    if (statement?.kind === 'parse') {
      types.set(statement.name.slice(0, nameBytesMax), statement.parameterTypes);
    }
  }
  assert(at === bytes.length, 'a unit holds whole messages');
  const whole = Buffer.concat(messages);
  if (unit.kind !== 'copy' && whole.length > Math.max(bytes.length, bytesMax)) {
    throw new GatewayError('limit_exceeded', `Policy changes texts of this request, which then is longer than the limit of ${bytesMax} bytes.`);
  }
  return { unit: { ...unit, bytes: [whole], traceparent }, types };
}

/** Reads a message, and changes the literals of a statement in it; null if it has no texts. */
function* textsOf(frame: Frame, typesOf: ParameterTypes, changes: readonly TextChange[]): Slices<TextFrame | null> {
  const message = requestMessage(frame, typesOf);
  const [statement] = isStatement(frame) ? (message?.texts ?? []) : [];
  if (message === null || statement === undefined) {
    return message;
  }
  const literals = new SlicedTexts(changes);
  const text = yield* literals.inSlices(message.bytes, () => changeLiterals(statement.text, (each) => literals.change(each)));
  return { ...message, texts: [{ ...statement, text }] };
}

/** Throws GatewayError `unsupported` if there is a text to change behind escapes of SQL, where it cannot be changed. */
function* assertUnescaped(texts: readonly string[], changes: readonly TextChange[]): Slices<void> {
  for (const text of texts) {
    const read = unescapedSql(text);
    const changed =
      read === null
        ? null
        : yield* changeAllInSlices(
            changes,
            read.map((each) => ({ text: each })),
          );
    if (changed === null || changed.some((each, i) => each !== read?.[i])) {
      throw new GatewayError(
        'unsupported',
        `Policy changes texts of this request, and one of them is behind escapes of SQL where it cannot be changed: in a string that says something else if standard_conforming_strings is off, within another string, or in a name. Write it without escapes, or as E'…', or send it as a value.`,
      );
    }
  }
}

/** Reads the statement in a message; null if the message holds none. */
function statementIn(frame: Frame): Extract<FrontendMessage, { kind: 'query' | 'parse' }> | null {
  const message = isStatement(frame) ? parseFrontend(frame, byteByByte) : null;
  return message?.kind === 'query' || message?.kind === 'parse' ? message : null;
}

function isStatement({ type }: Frame): boolean {
  return type === frontend.query || type === frontend.parse;
}

function traceparentIn(text: string): string | null {
  const bytes = Buffer.from(text, 'latin1');
  return findTraceparent(bytes, 0, bytes.length);
}
