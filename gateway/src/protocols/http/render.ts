import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import { bodyText, readRecorded } from '../../wire/http/recorded.ts';

/** Heads of messages as lines, bodies as text where they are text. */
export function render({ content }: OpenedRecord): Rendering {
  const mediaType = 'text/plain; charset=utf-8';
  if (content === null) {
    return { mediaType, text: '', attributes: {} };
  }
  const message = readRecorded(content);
  const body = bodyText(message);
  if (message.startLine === null) {
    return { mediaType, text: body, attributes: {} };
  }
  const head = [message.startLine, ...message.headers.map(([name, value]) => `${name}: ${value}`)].join('\n');
  return { mediaType, text: body === '' ? head : `${head}\n\n${body}`, attributes: {} };
}
