import { countOf } from '../../domain/count-of.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { OpenedRecord } from '../../domain/record.ts';
import { cutCharacter } from './recorded-http.ts';
import { contentOf, type Earlier } from './recorded-pieces.ts';
import { joinPayloads, unmask } from '../websocket/websocket-frames.ts';

/** Most earlier records that are searched for the earlier part of a frame or message. */
const frameDistanceMax = 1000;
const nothing = Buffer.alloc(0);

/** Makes a WebSocket frame, or a part of one, readable. Null for any other record. Any bytes are acceptable input. */
export function frameText(record: OpenedRecord, earlier: Earlier): { readonly text: string; readonly attributes: Attributes } | null {
  const opcode = opcodeOf(record);
  if (opcode === null) {
    return null;
  }
  const payload = payloadOf(record);
  switch (opcode) {
    case 'text':
    case 'continuation':
      return messageText(record, payload, earlier);
    case 'close':
      return { text: payload.length < 2 ? opcode : `${opcode} ${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`.trim(), attributes: {} };
    default:
      return { text: `(${opcode}, ${countOf(payload.length, 'byte')})`, attributes: {} };
  }
}

/** The text of a message, or its size in bytes if it holds a zero byte. A character that lies across two records is shown in the second. */
function messageText(record: OpenedRecord, payload: Buffer, earlier: Earlier): { readonly text: string; readonly attributes: Attributes } {
  const before = payloadBefore(record, earlier);
  const goesOn = record.continues || record.meta?.attributes?.[ownAttributes.websocketFinal] === false;
  const bytes = Buffer.concat([before === null ? nothing : cutCharacter(before), payload]);
  const text = bytes.toString('utf8', 0, bytes.length - (goesOn ? cutCharacter(bytes).length : 0));
  if (text.includes('\0')) {
    return { text: `(${countOf(payload.length, 'byte')})`, attributes: {} };
  }
  return { text, attributes: before === null || before.length === 0 ? {} : { [ownAttributes.begunText]: true } };
}

/** The payload of the previous record of the same message. Null if the message begins with this record, or if the previous one is not available. */
function payloadBefore(record: OpenedRecord, earlier: Earlier): Buffer | null {
  if (!isLaterPart(record, opcodeOf(record) ?? '')) {
    return null;
  }
  for (let seq = record.seq - 1; seq >= Math.max(record.seq - frameDistanceMax, 0); seq -= 1) {
    const part = earlier(seq);
    if (part?.kind === record.kind && part.meta?.request === record.meta?.request && /^(?:text|continuation)$/.test(opcodeOf(part) ?? '')) {
      return payloadOf(part);
    }
  }
  return null;
}

/** A WebSocket frame, or a part of one, as it was recorded. */
export interface RecordedFrame {
  readonly opcode: string;
  /** Without its mask. */
  readonly payload: Buffer;
  /** True if it goes on with a message that began in another record. */
  readonly isLater: boolean;
}

/** Reads a recorded WebSocket frame. Null for any other record. Any bytes are acceptable input. */
export function readRecordedFrame(record: OpenedRecord): RecordedFrame | null {
  const opcode = opcodeOf(record);
  return opcode === null ? null : { opcode, payload: payloadOf(record), isLater: isLaterPart(record, opcode) };
}

function isLaterPart({ meta }: OpenedRecord, opcode: string): boolean {
  return opcode === 'continuation' || typeof meta?.attributes?.[ownAttributes.websocketOffset] === 'number';
}

function opcodeOf({ meta }: OpenedRecord): string | null {
  const opcode = meta?.attributes?.[ownAttributes.websocketOpcode];
  return typeof opcode === 'string' ? opcode : null;
}

function payloadOf(record: OpenedRecord): Buffer {
  const { [ownAttributes.websocketOffset]: offset, [ownAttributes.websocketMask]: mask } = record.meta?.attributes ?? {};
  const bytes = contentOf(record);
  if (typeof offset === 'number') {
    return unmask(bytes, Buffer.from(typeof mask === 'string' ? mask : '', 'hex'), offset);
  }
  return joinPayloads(bytes);
}
