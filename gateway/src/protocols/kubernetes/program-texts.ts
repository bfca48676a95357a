import { GatewayError } from '../../domain/errors.ts';
import type { MessageTexts } from '../../exchange/reading.ts';
import { channels } from './channels.ts';

/** Begins to find the texts in what a program says: its output and its errors are a text each, however messages cut them. What else the API says is a text of its own. */
export function programTexts(): MessageTexts {
  const decoders = new Map<number, TextDecoder>(
    [channels.output, channels.errors, channels.status].map((channel) => [channel, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })]),
  );
  return {
    read: (payload) => {
      const [channel] = payload;
      const decoder = channel === undefined ? undefined : decoders.get(channel);
      if (channel === undefined || decoder === undefined) {
        return null;
      }
      const bytes = payload.subarray(1);
      const text = decode(decoder, bytes);
      return { before: String.fromCharCode(channel), text, partOf: String(channel), isExact: bytes.equals(Buffer.from(text)) };
    },
  };
}

function decode(decoder: TextDecoder, bytes: Buffer): string {
  // UTF-16 has NUL in most texts.
  if (!bytes.includes(0)) {
    try {
      return decoder.decode(bytes, { stream: true });
    } catch {
      // It is no UTF-8.
    }
  }
  throw new GatewayError('unsupported', 'Policy changes texts, and what a program says is no text in UTF-8.');
}
