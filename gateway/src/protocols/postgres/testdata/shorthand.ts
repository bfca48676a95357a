import { ByteWriter } from '../../../wire/byte-writer.ts';

/** A short notation for messages in transcripts and tests: the type byte, then its fields, each after a colon. ` / ` stands between messages. */

export function message(type: string, ...fields: readonly (string | Uint8Array)[]): Buffer {
  const writer = new ByteWriter().uint8(type.charCodeAt(0)).int32(0);
  for (const field of fields) {
    if (typeof field === 'string') {
      writer.cstring(field);
    } else {
      writer.bytes(field);
    }
  }
  return writer.patchInt32(1, writer.length - 1).finish();
}

export function clientMessages(line: string): Buffer {
  return Buffer.concat(line.split(' / ').map(clientMessage));
}

export function targetMessages(line: string): Buffer {
  return Buffer.concat(line.split(' / ').map(targetMessage));
}

/** Splits a text at its first `count` colons. The rest is one field. */
function split(text: string, count: number): string[] {
  const fields = text.split(':');
  return [...fields.slice(0, count), fields.slice(count).join(':')];
}

function clientMessage(text: string): Buffer {
  const [type = '', rest = ''] = split(text, 1);
  switch (type) {
    case 'Q':
      return message('Q', rest);
    case 'P': {
      const [name = '', statement = ''] = split(rest, 1);
      return message('P', name, statement, int16s(0));
    }
    case 'B': {
      const [portal = '', statement = '', values = ''] = split(rest, 2);
      return message('B', portal, statement, int16s(0), listOf(values), int16s(0));
    }
    case 'D':
    case 'C': {
      const [what = '', name = ''] = split(rest, 1);
      return message(type, Buffer.from(what), name);
    }
    case 'E':
      return message('E', rest, int32s(0));
    case 'F':
      return message('F', int32s(Number(rest)), int16s(0), int16s(0), int16s(0));
    case 'd':
      return message('d', Buffer.from(rest));
    case 'f':
      return message('f', rest);
    case 'raw':
      return Buffer.from(rest, 'hex');
    default:
      return message(type);
  }
}

function targetMessage(text: string): Buffer {
  const [type = '', rest = ''] = split(text, 1);
  switch (type) {
    case 'T':
      return message('T', columns(rest.split(',')));
    case 'D':
      return message('D', listOf(rest));
    case 'C':
      return message('C', rest);
    case 'Z':
      return message('Z', Buffer.from(rest));
    case 't':
      return message('t', int16s(rest.split(',').length), int32s(...rest.split(',').map(Number)));
    case 'E':
    case 'FATAL': {
      const [code = '', words = ''] = split(rest, 1);
      const severity = type === 'E' ? 'ERROR' : type;
      return message('E', `S${severity}`, `V${severity}`, `C${code}`, `M${words}`, Buffer.alloc(1));
    }
    case 'N':
      return message('N', 'SNOTICE', 'VNOTICE', 'C00000', `M${rest}`, Buffer.alloc(1));
    case 'A':
      return message('A', int32s(7), ...split(rest, 1));
    case 'S':
      return message('S', ...split(rest, 1));
    case 'G':
    case 'H':
    case 'W':
      return message(type, Buffer.from([0]), int16s(0));
    case 'V':
      return message('V', int32s(rest.length), Buffer.from(rest));
    case 'd':
      return message('d', Buffer.from(rest));
    case 'raw':
      return Buffer.from(rest, 'hex');
    default:
      return message(type);
  }
}

export function int16s(...values: readonly number[]): Buffer {
  const writer = new ByteWriter();
  for (const value of values) {
    writer.int16(value);
  }
  return writer.finish();
}

export function int32s(...values: readonly number[]): Buffer {
  const writer = new ByteWriter();
  for (const value of values) {
    writer.int32(value);
  }
  return writer.finish();
}

/** Parses values with commas between them; `∅` is NULL. */
function listOf(text: string): Buffer {
  const values = text === '' ? [] : text.split(',');
  const writer = new ByteWriter().int16(values.length);
  for (const value of values) {
    const bytes = Buffer.from(value);
    if (value === '∅') {
      writer.int32(-1);
    } else {
      writer.int32(bytes.length).bytes(bytes);
    }
  }
  return writer.finish();
}

function columns(names: readonly string[]): Buffer {
  const writer = new ByteWriter().int16(names.length);
  for (const name of names) {
    writer.cstring(name).int32(0).int16(0).int32(25).int16(-1).int32(-1).int16(0);
  }
  return writer.finish();
}
