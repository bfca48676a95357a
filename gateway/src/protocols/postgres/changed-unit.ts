import { strict as assert } from 'node:assert';
import { GatewayError } from '../../domain/errors.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { ChangedFrames } from '../../content/changed-frames.ts';
import { nameBytesMax, type Unit } from './client-units.ts';
import { frameHeaderBytes, frames, parseFrontend, type Frame } from './codec.ts';
import { frontend, type FrontendMessage } from './messages.ts';
import { requestMessage, type ParameterTypes } from './request-message.ts';
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
 * Changes the texts of a unit: statements, values, rows of COPY data. COPY data must be whole rows. Names of statements and portals stay. Throws GatewayError
 * `unsupported`, `malformed` or `limit_exceeded`.
 */
export function changeUnit(unit: Unit, { changes, typesOf, bytesMax }: UnitChange): ChangedUnit {
  const changed = new ChangedFrames(changes, Infinity);
  const types = new Map<string, readonly number[]>();
  const bytes = Buffer.concat(unit.bytes);
  const messages: Buffer[] = [];
  let traceparent: string | null = null;
  let at = 0;
  for (const frame of frames(bytes)) {
    const end = at + frameHeaderBytes + frame.body.length;
    const texts = requestMessage(frame, (statement) => types.get(statement) ?? typesOf(statement));
    const message = texts === null ? bytes.subarray(at, end) : Buffer.concat(changed.push(texts));
    messages.push(message);
    at = end;
    const statement = texts === null ? null : statementIn({ type: frame.type, body: message.subarray(frameHeaderBytes) });
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

/** Reads the statement in a message; null if the message holds none. */
function statementIn(frame: Frame): Extract<FrontendMessage, { kind: 'query' | 'parse' }> | null {
  const message = frame.type === frontend.query || frame.type === frontend.parse ? parseFrontend(frame, byteByByte) : null;
  return message?.kind === 'query' || message?.kind === 'parse' ? message : null;
}

function traceparentIn(text: string): string | null {
  const bytes = Buffer.from(text, 'latin1');
  return findTraceparent(bytes, 0, bytes.length);
}
