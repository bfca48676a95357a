import { ByteReader } from '../../wire/byte-reader.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { frameHeaderBytes } from './codec.ts';
import { parameterStatus } from './compose.ts';
import { backend } from './messages.ts';
import { place } from './text-place.ts';

/** How the values are masked that an error or a notice may hold. */
export interface SaidValues {
  readonly mask: (text: string) => string;
  /** True if code of somebody's own may have written the message: then it may have a value anywhere. */
  readonly isOfCode: boolean;
  /** Returns whether values of a column of a table, `schema.table`, are masked, or may be those of another one. */
  readonly isMasked: (table: string, column: string) => boolean;
}

/** Fields that the server fills with words of its own: severity, code, place in the statement, file, line and routine of the server. */
const ownFields: ReadonlySet<string> = new Set(['S', 'V', 'C', 'P', 'p', 'F', 'L', 'R']);
/** Fields with the names of a schema, a table, a column, a type and a constraint. */
const nameFields: ReadonlySet<string> = new Set(['s', 't', 'c', 'd', 'n']);
const quoted = /"[^"]*"?/g;
/** Matches the detail of a value that is there twice or not at all, with the columns of a key. */
const ofKey = /^Key \(([^()]*)\)=/;

/**
 * Returns an error or a notice with the values masked that it quotes. An error with a place in the statement, and none in other code, was found before anything was
 * read. Throws GatewayError `malformed`.
 * https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export function maskSaid(frame: Buffer, said: SaidValues): Buffer {
  const fields = fieldsOf(frame);
  const text = (code: string): string | undefined => fields.find((field) => field.code === code)?.value.toString();
  if (text('P') !== undefined && text('W') === undefined && text('q') === undefined) {
    return frame;
  }
  const known = new Set([...nameFields].map(text));
  const maskQuoted = (words: string): string =>
    words.replaceAll(quoted, (each) => (known.has(each.replaceAll('"', '')) ? each : `"${said.mask(each.replaceAll('"', ''))}"`));
  const changed = (code: string, words: string): string => {
    if (ownFields.has(code)) {
      return words;
    }
    if (said.isOfCode) {
      return said.mask(words);
    }
    if (code === 'M' || code === 'H') {
      return maskQuoted(words);
    }
    const key = code === 'D' ? ofKey.exec(words)?.[1] : undefined;
    const isHarmless =
      nameFields.has(code) || (key !== undefined && !key.split(', ').some((column) => said.isMasked(`${text('s')}.${text('t')}`, column.replaceAll('"', ''))));
    return isHarmless ? words : said.mask(words);
  };
  const writer = new ByteWriter().uint8(frame.readUInt8(0)).int32(0);
  for (const { code, value } of fields) {
    const { text: words, write } = place(value, (bytes) => bytes);
    writer
      .uint8(code.charCodeAt(0))
      .bytes(write(changed(code, words)).filter((byte) => byte !== 0))
      .uint8(0);
  }
  const length = writer.uint8(0).length;
  return writer.patchInt32(1, length - 1).finish();
}

/**
 * Returns a notification with its payload masked, because anybody who is connected to the database may have sent it, and its channel, unless the client itself named
 * that.
 */
export function maskNotification(frame: Buffer, mask: (text: string) => string, channels: ReadonlySet<string>): Buffer {
  const body = new ByteReader(frame, frameHeaderBytes);
  const process = body.int32();
  const written = [body.cstringBytes(), body.cstringBytes()].map((value, i) => {
    const { text, write } = place(value, (bytes) => bytes);
    return text === '' || (i === 0 && channels.has(text)) ? value : write(mask(text)).filter((byte) => byte !== 0);
  });
  const writer = new ByteWriter().uint8(backend.notification).int32(0).int32(process);
  for (const value of written) {
    writer.bytes(value).uint8(0);
  }
  return writer.patchInt32(1, writer.length - 1).finish();
}

/** Returns a ParameterStatus with its value masked: a statement may have set it to any text. */
export function maskParameter(frame: Buffer, mask: (text: string) => string): Buffer {
  const body = new ByteReader(frame, frameHeaderBytes);
  const [name, value] = [body.cstring(), body.cstring()];
  return parameterStatus(name, value === '' ? value : mask(value));
}

function fieldsOf(frame: Buffer): readonly { readonly code: string; readonly value: Buffer }[] {
  const body = new ByteReader(frame, frameHeaderBytes);
  const fields: { readonly code: string; readonly value: Buffer }[] = [];
  while (body.left > 0) {
    const code = body.uint8();
    if (code === 0) {
      break;
    }
    fields.push({ code: String.fromCharCode(code), value: body.cstringBytes() });
  }
  return fields;
}
