import type { AttributeValue } from '../../domain/action.ts';
import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import { Fields, headerBytes, parseNotice } from './codec.ts';

/** What one rendering shows at most; the record has all of it. */
const shownCharactersMax = 256 * 1024;
const shownRowsMax = 1000;

interface RawMessage {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Any bytes are acceptable: what cannot be read is said to be so. */
export function render(record: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): Rendering {
  const content = Buffer.from(record.content ?? []);
  try {
    if (record.meta?.action === 'postgres.connect') {
      return plain(renderStartup(content), {});
    }
    return record.kind === 'request' ? renderRequest(record, content, earlier) : renderAnswer(content);
  } catch {
    return plain(`${content.length} bytes that cannot be read as the protocol`, {});
  }
}

function plain(text: string, attributes: Readonly<Record<string, AttributeValue>>): Rendering {
  const shown = text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}\n… ${text.length - shownCharactersMax} characters more` : text;
  return { mediaType: 'text/plain; charset=utf-8', text: shown, attributes };
}

/** The whole messages at the beginning; a part of a longer one may follow. */
function* split(content: Buffer): Generator<RawMessage> {
  for (let at = 0; at + headerBytes <= content.length; ) {
    const end = at + 1 + content.readUInt32BE(at + 1);
    if (end < at + headerBytes || end > content.length) {
      return;
    }
    yield { type: String.fromCharCode(content[at] ?? 0), bytes: content.subarray(at, end) };
    at = end;
  }
}

function renderStartup(content: Buffer): string {
  const words = content.subarray(8).toString('utf8').split('\0').filter((word) => word !== '');
  const pairs: string[] = [];
  for (let i = 0; i < words.length; i += 2) {
    pairs.push(`${words[i]}=${words[i + 1] ?? ''}`);
  }
  return pairs.join(' ');
}

function renderRequest(record: OpenedRecord, content: Buffer, earlier: (seq: number) => OpenedRecord | null): Rendering {
  if (record.meta?.action === 'postgres.copy') {
    return plain(renderCopy(content), {});
  }
  if (record.meta?.action === 'postgres.cancel') {
    return plain('cancel request', {});
  }
  const attributes: Record<string, AttributeValue> = {};
  const lines: string[] = [];
  const statement = findStatement(content, record, earlier);
  if (statement !== null) {
    attributes['db.query.text'] = statement;
    attributes['db.operation.name'] = operationOf(statement);
    lines.push(statement);
  }
  const parameters = findParameters(content, record, earlier);
  for (const [i, value] of parameters.entries()) {
    attributes[`db.query.parameter.${i + 1}`] = value;
    lines.push(`$${i + 1} = ${value}`);
  }
  return plain(lines.length > 0 ? lines.join('\n') : [...split(content)].map(({ type }) => frontendNames[type] ?? type).join(' '), attributes);
}

const frontendNames: Readonly<Record<string, string>> = { P: 'Parse', B: 'Bind', D: 'Describe', E: 'Execute', C: 'Close', S: 'Sync', H: 'Flush', F: 'FunctionCall' };

function operationOf(statement: string): string {
  return (/^[\s(]*([A-Za-z]+)/.exec(statement)?.[1] ?? '').toUpperCase();
}

function referenced(record: OpenedRecord, name: string, earlier: (seq: number) => OpenedRecord | null): Buffer | null {
  const seq = record.meta?.attributes?.[name];
  const content = typeof seq === 'number' ? earlier(seq)?.content : undefined;
  return content === undefined || content === null ? null : Buffer.from(content);
}

/** The statement that runs: in the record itself, or in the one that parsed it. */
function findStatement(content: Buffer, record: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): string | null {
  const own = [...split(content)];
  const query = own.find(({ type }) => type === 'Q');
  if (query !== undefined) {
    return new Fields(query.bytes).text();
  }
  const bind = own.findLast(({ type }) => type === 'B');
  const wanted = bind === undefined ? null : statementOf(bind);
  const parse = parseOf(own, wanted);
  if (parse !== null) {
    return parse;
  }
  const other = referenced(record, 'countersign.parse', earlier);
  return other === null ? null : parseOf([...split(other)], wanted);
}

function statementOf(bind: RawMessage): string {
  const fields = new Fields(bind.bytes);
  fields.text();
  return fields.text();
}

function parseOf(messages: readonly RawMessage[], name: string | null): string | null {
  const parses = messages.filter(({ type }) => type === 'P').map(({ bytes }) => {
    const fields = new Fields(bytes);
    return { name: fields.text(), text: fields.text() };
  });
  return (parses.find((parse) => parse.name === name) ?? parses.at(-1))?.text ?? null;
}

function findParameters(content: Buffer, record: OpenedRecord, earlier: (seq: number) => OpenedRecord | null): string[] {
  const bind = [...split(content)].findLast(({ type }) => type === 'B');
  if (bind !== undefined) {
    return readParameters(bind.bytes);
  }
  const other = referenced(record, 'countersign.bind', earlier);
  const earlierBind = other === null ? undefined : [...split(other)].findLast(({ type }) => type === 'B');
  return earlierBind === undefined ? [] : readParameters(earlierBind.bytes);
}

function readParameters(bytes: Buffer): string[] {
  const fields = new Fields(bytes);
  fields.text();
  fields.text();
  const formats = Array.from({ length: fields.uint16() }, () => fields.uint16());
  return Array.from({ length: fields.uint16() }, (_, i) => {
    const length = fields.int32();
    if (length === -1) {
      return 'NULL';
    }
    const value = fields.bytes(length);
    const format = formats.length === 1 ? formats[0] : formats[i];
    return format === 1 ? `\\x${value.toString('hex')}` : value.toString('utf8');
  });
}

function renderCopy(content: Buffer): string {
  return [...split(content)]
    .map(({ type, bytes }) => (type === 'd' ? bytes.toString('utf8', headerBytes) : type === 'c' ? '(end of data)\n' : `(failed: ${bytes.toString('utf8', headerBytes)})\n`))
    .join('');
}

function renderAnswer(content: Buffer): Rendering {
  const lines: string[] = [];
  const attributes: Record<string, AttributeValue> = {};
  let rows = 0;
  for (const { type, bytes } of split(content)) {
    if (type === 'D') {
      rows += 1;
    }
    const line = rows > shownRowsMax && type === 'D' ? null : renderAnswerMessage(type, bytes, attributes);
    if (line !== null) {
      lines.push(line);
    }
  }
  if (rows > shownRowsMax) {
    lines.push(`… ${rows - shownRowsMax} rows more`);
  }
  return plain(lines.join('\n'), attributes);
}

function renderAnswerMessage(type: string, bytes: Buffer, attributes: Record<string, AttributeValue>): string | null {
  const fields = new Fields(bytes);
  switch (type) {
    case 'T':
      return readColumns(fields).join(' | ');
    case 'D':
      return readRow(fields).join(' | ');
    case 'C':
      return fields.text();
    case 'd':
      return bytes.toString('utf8', headerBytes).replace(/\n$/, '');
    case 'E':
    case 'N': {
      const notice = parseNotice(bytes);
      if (type === 'E') {
        attributes['db.response.status_code'] = notice.get('C') ?? '';
        attributes['error.type'] = notice.get('C') ?? '';
      }
      const more = ['D', 'H'].flatMap((code) => notice.get(code) ?? []).map((text) => `\n  ${text}`).join('');
      return `${notice.get('S') ?? ''}: ${notice.get('M') ?? ''} (${notice.get('C') ?? ''})${more}`;
    }
    case 'A':
      fields.int32();
      return `NOTIFY ${fields.text()} ${fields.text()}`;
    case 'S':
      return `${fields.text()} = ${fields.text()}`;
    default:
      return null;
  }
}

function readColumns(fields: Fields): string[] {
  return Array.from({ length: fields.uint16() }, () => {
    const name = fields.text();
    fields.bytes(18);
    return name;
  });
}

function readRow(fields: Fields): string[] {
  return Array.from({ length: fields.uint16() }, () => {
    const length = fields.int32();
    return length === -1 ? 'NULL' : printable(fields.bytes(length));
  });
}

/** Text as it is; values in binary format in hex. */
function printable(value: Buffer): string {
  const text = value.toString('utf8');
  return value.includes(0) || text.includes('\uFFFD') ? `\\x${value.toString('hex')}` : text;
}
