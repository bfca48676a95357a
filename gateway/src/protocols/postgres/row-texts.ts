import { changeText, type TextChange } from '../../domain/text-change.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { frameHeaderBytes } from './codec.ts';
import { backend } from './messages.ts';

const typeBytes = 1;
const columnCountBytes = 2;
const lengthBytes = 4;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Messages of the target in which a statement's result is. */
export function holdsTexts(type: number): boolean {
  return type === backend.dataRow || type === backend.copyData;
}

/** A whole DataRow or CopyData with its texts changed. Values that are not UTF-8, such as most binary ones, stay as they are. Errors: `malformed`. */
export function changeRow(frame: Buffer, changes: readonly TextChange[]): Buffer {
  const type = frame.readUInt8(0);
  const body = frame.subarray(frameHeaderBytes);
  const changed = type === backend.copyData ? changeValue(body, changes) : changeColumns(body, changes);
  return new ByteWriter()
    .uint8(type)
    .int32(changed.length + frameHeaderBytes - typeBytes)
    .bytes(changed)
    .finish();
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html, DataRow */
function changeColumns(body: Buffer, changes: readonly TextChange[]): Buffer {
  const writer = new ByteWriter();
  let at = columnCountBytes;
  writer.bytes(body.subarray(0, at));
  while (at < body.length) {
    const length = at + lengthBytes <= body.length ? body.readInt32BE(at) : body.length;
    at += lengthBytes;
    if (at + Math.max(length, 0) > body.length) {
      throw new GatewayError('malformed', 'The target sent a row whose columns are longer than the row.');
    }
    if (length < 0) {
      writer.int32(length);
    } else {
      const value = changeValue(body.subarray(at, at + length), changes);
      writer.int32(value.length).bytes(value);
      at += length;
    }
  }
  return writer.finish();
}

function changeValue(value: Buffer, changes: readonly TextChange[]): Buffer {
  let text: string;
  try {
    text = utf8.decode(value);
  } catch {
    return value;
  }
  const changed = changeText(changes, text);
  return changed === text ? value : Buffer.from(changed);
}
