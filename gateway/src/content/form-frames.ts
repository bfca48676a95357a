import { GatewayError } from '../domain/errors.ts';
import { textFrame, utf8Text, type TextFrame } from './text-frame.ts';

/** Most fields of one form. */
const fieldsMax = 10_000;
/** Most characters of the head of one part. */
const headMax = 16 * 1024;
/** Matches a body that some servers read as JSON, whatever its head says. */
const json = /^\s*["[{]/;
const [percent, plus, space] = [0x25, 0x2b, 0x20];
/** Matches the media type of a form in parts, with nothing but its boundary and perhaps a charset. */
const multipart = /^multipart\/form-data(?:\s*;\s*charset="?[\w-]+"?)?\s*;\s*boundary=("?)([\w'()+./:?-]{1,70})\1(?:\s*;\s*charset="?[\w-]+"?)?\s*$/i;
/** Matches the line of a part that names its field. Names in another spelling than their own characters are not taken. */
const disposition = /^content-disposition: *form-data(?:; *(?:name|filename)=("?)[^"\\%;=\r\n]*\1)+$/i;
const mediaType = /^content-type: *(.*)$/i;
/** Matches the name of the field in such a line. */
const fieldName = /; *name="?([^"\\%;=\r\n]*)/i;
/** Matches a name in such a line, or the media type of a part. */
const named = /(?<=; *(?:name|filename)=)("?)([^"\\%;=\r\n]*)\1|(?<=^content-type: *)(\S[^\r\n]*)/gim;

/**
 * Makes a frame of a body in application/x-www-form-urlencoded. Each name and each value is a text, or JSON with its texts. Throws GatewayError `unsupported` for a body
 * that begins like JSON, because it could be read in two ways, and `limit_exceeded`. https://url.spec.whatwg.org/#application/x-www-form-urlencoded
 */
export function urlencodedFrame(bytes: Buffer): TextFrame {
  const written = utf8Text(bytes);
  if (json.test(written)) {
    throw new GatewayError('unsupported', 'Policy changes texts, and a body that begins like JSON says that it is a form.');
  }
  const fields = limited(written.split('&', fieldsMax + 1)).map((field) => {
    const at = field.indexOf('=');
    if (at < 0) {
      return component(field);
    }
    const name = field.slice(0, at);
    return joined([component(name), component(field.slice(at + 1), decoded(name))], '=');
  });
  return joined(fields, '&');
}

/** Makes a frame of a name, or of the value of the field with this name. */
function component(written: string, name?: string): TextFrame {
  const text = decoded(written);
  const wrap = (changed: string): Buffer => Buffer.from(changed === text ? written : encodeURIComponent(changed.toWellFormed()).replaceAll('%20', '+'));
  return textFrame(text, { bytes: written.length, wrap, findParts: null, ...(name === undefined ? {} : { name }) });
}

function decoded(written: string): string {
  return utf8Text(unescaped(Buffer.from(written)));
}

/** Undoes the encoding of a name or a value, in place. A percent sign without two digits after it stands for itself. */
function unescaped(bytes: Buffer): Buffer {
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    const code = byte === percent ? 16 * digit(bytes[at + 1]) + digit(bytes[at + 2]) : Number.NaN;
    bytes[length++] = byte === plus ? space : Number.isNaN(code) ? byte : code;
    at += Number.isNaN(code) ? 0 : 2;
  }
  return bytes.subarray(0, length);
}

/** Returns the value of a hexadecimal digit; NaN for any other byte. */
function digit(byte = 0): number {
  return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66 ? (byte | 0x20) - 0x57 : Number.NaN;
}

/** Returns the boundary in the media type of a form in parts. Null: it is another media type, or it says more than a boundary. */
export function boundaryOf(contentType: string): string | null {
  return multipart.exec(contentType)?.[2] ?? null;
}

export interface MultipartForm {
  readonly boundary: string;
  /** Splits the content of a part of this media type, the field of this name. Null: no texts can be found in it. */
  readonly framesOf: (contentType: string, name: string, bytes: Buffer) => readonly TextFrame[] | null;
}

/**
 * Makes a frame of a body in multipart/form-data. The names of fields and files are texts, and so are the texts of each part. Throws GatewayError `unsupported` for a part in which no
 * texts can be found, such as an image, and for a body that could be split in two ways; `limit_exceeded`. https://www.rfc-editor.org/rfc/rfc7578
 */
export function multipartFrame(bytes: Buffer, { boundary, framesOf }: MultipartForm): TextFrame {
  const [begin, between, end] = [`--${boundary}\r\n`, `\r\n--${boundary}\r\n`, `\r\n--${boundary}--`];
  const whole = utf8Text(bytes);
  const closed = whole.endsWith('\r\n') ? whole.slice(0, -2) : whole;
  if (!closed.startsWith(begin) || !closed.endsWith(end)) {
    throw unreadable();
  }
  const parts = limited(closed.slice(begin.length, -end.length).split(between, fieldsMax + 1)).map((part) => {
    const at = part.indexOf('\r\n\r\n');
    const head = part.slice(0, Math.max(at, 0));
    const content = framesOf(partType(head), fieldName.exec(head)?.[1] ?? '', Buffer.from(part.slice(at + 4)));
    if (content === null) {
      throw new GatewayError('unsupported', 'Policy changes texts, and no texts can be found in a part of a form.');
    }
    const frame = joined([partHead(head), joined(content, '')], '\r\n\r\n');
    return { ...frame, compose: (changed: readonly string[]) => assertOnePart(frame.compose(changed).toString(), boundary) };
  });
  const inner = joined(parts, between);
  return { ...inner, compose: (changed) => Buffer.concat([Buffer.from(begin), inner.compose(changed), Buffer.from(end + whole.slice(closed.length))]) };
}

/** Returns the media type of a part; empty if its head names none. */
function partType(head: string): string {
  if (head.length > headMax) {
    throw new GatewayError('limit_exceeded', `Policy changes texts, and the head of a part of a form has more than ${headMax} characters.`);
  }
  const lines = head.split('\r\n', 3);
  const types = lines.flatMap((each) => mediaType.exec(each)?.[1] ?? []);
  if (types.length > 1 || lines.filter((each) => disposition.test(each)).length !== 1 || lines.length !== 1 + types.length) {
    throw unreadable();
  }
  return types[0] ?? '';
}

function partHead(head: string): TextFrame {
  return {
    bytes: head.length,
    texts: [...head.matchAll(named)].map(([, , name, type = '']) => ({ text: name ?? type, partOf: null })),
    ends: null,
    compose: (changed) => {
      let at = 0;
      const write = (found: string, _quote: string, name: string | undefined, type = ''): string => {
        const text = name ?? type;
        const other = changed[at++] ?? text;
        return other === text ? found : name === undefined ? other.replaceAll(/[\r\n]+/g, ' ') : `"${other.replaceAll(/["\\%;=\r\n]+/g, ' ')}"`;
      };
      return Buffer.from(head.replaceAll(named, write));
    },
  };
}

/** Returns the bytes of a part. Throws if a reader that is less exact might find a boundary in it. */
function assertOnePart(part: string, boundary: string): Buffer {
  if (`\n${part}`.includes(`\n--${boundary}`)) {
    throw unreadable();
  }
  return Buffer.from(part);
}

function limited(fields: readonly string[]): readonly string[] {
  if (fields.length > fieldsMax) {
    throw new GatewayError('limit_exceeded', `Policy changes texts, and a form has more than ${fieldsMax} fields.`);
  }
  return fields;
}

function unreadable(): GatewayError {
  return new GatewayError('unsupported', 'Policy changes texts, and a form in parts is not written in the usual way.');
}

/** Joins frames to one with all of their texts. */
function joined(frames: readonly TextFrame[], separator: string): TextFrame {
  return {
    bytes: frames.reduce((sum, { bytes }) => sum + bytes, 0),
    texts: frames.flatMap(({ texts }) => texts),
    ends: null,
    compose: (changed) => {
      let at = 0;
      const pieces = frames.flatMap((frame, i) => {
        const texts = changed.slice(at, at + frame.texts.length);
        at += frame.texts.length;
        return i === 0 ? [frame.compose(texts)] : [Buffer.from(separator), frame.compose(texts)];
      });
      return Buffer.concat(pieces);
    },
  };
}
