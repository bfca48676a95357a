import { GatewayError } from '../../domain/errors.ts';
import { plainRendering, type OpenedRecord, type Rendering } from '../../domain/record.ts';
import { commandsIn } from './command-reader.ts';
import { ReplyReader } from './reply-reader.ts';

const indentMax = 8;

/** Makes a record readable: a command as one types it, a reply as redis-cli shows it. Bytes that cannot be read are shown as text. */
export function render({ kind, content: recorded }: OpenedRecord): Rendering {
  if (recorded === null) {
    return plainRendering('', {});
  }
  const content = Buffer.from(recorded.buffer, recorded.byteOffset, recorded.length);
  const commands = kind === 'request' ? commandsIn(content) : [];
  const text = commands.length > 0 ? commands.map((args) => args.map(shownWord).join(' ')).join('\n') : (replyText(content) ?? content.toString());
  return plainRendering(text, {});
}

/** An argument as one types it: quoted only if it must be. */
function shownWord(bytes: Buffer): string {
  const text = bytes.toString();
  return /^[^\s"'\\]+$/.test(text)
    ? text
    : `"${text
        .replaceAll(/["\\]/g, (each) => `\\${each}`)
        .replaceAll('\r', '\\r')
        .replaceAll('\n', '\\n')}"`;
}

/** Returns the values of a reply, each in its line. Null: the bytes do not begin with a reply. */
function replyText(content: Buffer): string | null {
  const reader = new ReplyReader();
  reader.push(content);
  const lines: string[] = [];
  let depth = 0;
  const left: number[] = [];
  try {
    for (let piece = reader.next(0); piece !== null; piece = reader.next(0)) {
      const { type, bytes, text, isPart } = piece;
      const indent = '  '.repeat(Math.min(depth, indentMax));
      const count = '*~>%|'.includes(type) && text === null && !isPart ? Number(/^.(\d+)/.exec(bytes.toString('latin1', 0, 16))?.[1] ?? 0) : 0;
      if (count > 0) {
        left.push(type === '%' || type === '|' ? 2 * count : count);
        depth += 1;
        continue;
      }
      lines.push(indent + scalarText(type, text, bytes, isPart));
      while (left.length > 0) {
        const rest = (left.pop() ?? 1) - 1;
        if (rest > 0) {
          left.push(rest);
          break;
        }
        depth -= 1;
      }
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    return null;
  }
  return lines.length === 0 ? null : lines.join('\n');
}

function scalarText(type: string, text: Buffer | null, bytes: Buffer, isPart: boolean): string {
  if (isPart) {
    return type === '$' && bytes[0] === 0x24 && bytes.length < 16 ? '' : bytes.toString();
  }
  if (text === null) {
    return type === '#' ? (bytes[1] === 0x74 ? 'true' : 'false') : '*~>%|'.includes(type) ? '(empty)' : '(nil)';
  }
  return `${type === '-' || type === '!' ? '(error) ' : ''}${text.toString()}`;
}
