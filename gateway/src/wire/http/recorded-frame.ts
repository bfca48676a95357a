import type { Attributes } from '../../domain/action.ts';
import { parseFrameHead, unmask, type FrameHead } from './websocket-frames.ts';

/** A frame of WebSocket, or a part of one, as it reads; null for a record that is none. Any bytes are acceptable. */
export function frameText(content: Uint8Array, attributes: Attributes): string | null {
  const opcode = attributes['countersign.websocket.opcode'];
  if (typeof opcode !== 'string') {
    return null;
  }
  const { 'countersign.websocket.offset': offset, 'countersign.websocket.mask': mask } = attributes;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const isPart = typeof offset === 'number';
  const head = isPart ? null : readHead(bytes);
  const payload = isPart
    ? unmask(bytes, Buffer.from(typeof mask === 'string' ? mask : '', 'hex'), offset)
    : unmask(bytes.subarray(head?.headBytes ?? 0), head?.mask ?? Buffer.alloc(0), 0);
  switch (opcode) {
    case 'text':
    case 'continuation':
      return plainText(payload);
    case 'close':
      return payload.length < 2 ? opcode : `${opcode} ${payload.readUInt16BE(0)} ${plainText(payload.subarray(2))}`.trim();
    default:
      return `(${opcode}, ${payload.length} bytes)`;
  }
}

/** Of a message that is not text, its size. */
function plainText(payload: Buffer): string {
  const text = payload.toString('utf8');
  return text.includes('\0') ? `(${payload.length} bytes)` : text;
}

function readHead(bytes: Buffer): FrameHead | null {
  try {
    return parseFrameHead(bytes);
  } catch {
    return null;
  }
}
