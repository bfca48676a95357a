import { frameHeaderBytes } from './codec.ts';
import { backend } from './messages.ts';
import { decodeBeginning, type Decode } from './text-encoding.ts';

/** A value of at most this many bytes is shown when it is whole. A longer value is shown in a way that does not depend on where it is cut. */
const wholeValueBytesMax = 64 * 1024;
const lengthBytes = 4;
const countBytes = 2;
const nothing = Buffer.alloc(0);

/**
 * The position in a message of the target that is too long to be read whole; each part shows its own piece of it. The object never changes: each part makes a
 * new one.
 */
export interface LongMessage {
  readonly isRow: boolean;
  /** Bytes of the message's head that have not come yet. */
  readonly headLeft: number;
  readonly valuesBegun: number;
  /**
   * Bytes of the current value that have not come yet, not counting `rest`. Null: its length comes first. A message that is no row is one value without a
   * length.
   */
  readonly valueLeft: number | null;
  /** True if a part of the current value was shown. */
  readonly isShown: boolean;
  /** Bytes that cannot be shown before more come: the beginning of a length, of a short value or of a character. */
  readonly rest: Buffer;
}

/** How values become text. */
export interface Values {
  readonly decode: Decode;
  /** Formats the value with this number for people. */
  readonly format: (value: Buffer | null, at: number) => string;
  readonly isText: (at: number) => boolean;
}

export function beginLong(type: number): LongMessage {
  const isRow = type === backend.dataRow;
  return {
    isRow,
    headLeft: frameHeaderBytes + (isRow ? countBytes : 0),
    valuesBegun: isRow ? 0 : 1,
    valueLeft: isRow ? null : Infinity,
    isShown: !isRow,
    rest: nothing,
  };
}

/**
 * Returns the text of the next bytes of the message. The texts of all calls, joined, are the text of the message. `isEnd`: these are its last bytes. Any bytes
 * are acceptable input.
 */
export function readLong(message: LongMessage, piece: Buffer, values: Values, isEnd: boolean): { readonly text: string; readonly message: LongMessage } {
  const bytes = Buffer.concat([message.rest, piece]);
  let { valuesBegun, valueLeft, isShown } = message;
  let at = Math.min(message.headLeft, bytes.length);
  const headLeft = message.headLeft - at;
  const texts: string[] = [];
  while (at < bytes.length) {
    if (valueLeft === null) {
      if (bytes.length - at < lengthBytes) {
        break;
      }
      const length = bytes.readInt32BE(at);
      at += lengthBytes;
      texts.push(valuesBegun > 0 ? ' | ' : '', length < 0 ? values.format(null, valuesBegun) : '');
      valuesBegun += 1;
      valueLeft = length < 0 ? null : length;
      isShown = false;
      continue;
    }
    const value = bytes.subarray(at, at + valueLeft);
    const isWhole = value.length === valueLeft;
    const isShort = !isShown && valueLeft <= wholeValueBytesMax;
    if (isShort && !isWhole) {
      break;
    }
    const shown = isShort ? { text: values.format(value, valuesBegun - 1), left: nothing } : showPart(value, values, { at: valuesBegun - 1, isShown, isWhole });
    texts.push(shown.text);
    at += value.length - shown.left.length;
    valueLeft = isWhole ? null : valueLeft - value.length + shown.left.length;
    isShown = !isWhole;
    if (shown.left.length > 0) {
      break;
    }
  }
  const rest = bytes.subarray(at);
  const end = isEnd ? values.decode(rest) : '';
  return { text: texts.join('') + end, message: { isRow: message.isRow, headLeft, valuesBegun, valueLeft, isShown, rest: isEnd ? nothing : rest } };
}

/** Shows a part of a value. `left` holds the bytes of a partial character at its end. */
function showPart(
  value: Buffer,
  { decode, isText }: Values,
  { at, isShown, isWhole }: { readonly at: number; readonly isShown: boolean; readonly isWhole: boolean },
): { readonly text: string; readonly left: Buffer } {
  if (!isText(at)) {
    return { text: `${isShown ? '' : String.raw`\x`}${value.toString('hex')}`, left: nothing };
  }
  return isWhole ? { text: decode(value), left: nothing } : decodeBeginning(decode, value);
}
