import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import { frameText } from '../../wire/http/recorded-frame.ts';
import { bodyText, readRecorded } from '../../wire/http/recorded.ts';

/** What one rendering shows at most; the record has all of it. */
const charactersMax = 512 * 1024;

/** Heads of messages as lines, bodies and frames as text where they are text. Never throws. */
export function render({ content, meta }: OpenedRecord): Rendering {
  const text = content === null ? '' : (frameText(content, meta?.attributes ?? {}) ?? shown(content));
  const leftOut = text.length - charactersMax;
  return {
    mediaType: 'text/plain; charset=utf-8',
    text: leftOut > 0 ? `${text.slice(0, charactersMax)}… ${leftOut} characters more` : text,
    attributes: {},
  };
}

function shown(content: Uint8Array): string {
  const message = readRecorded(content);
  const body = bodyText(message);
  if (message.startLine === null) {
    return body;
  }
  const lines = [message.startLine, ...message.headers.map(([name, value]) => `${name}: ${value}`)];
  return [...lines, ...(body === '' ? [] : ['', body])].join('\n');
}
