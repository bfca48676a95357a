import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import { bodyText, readRecorded } from '../../wire/http/recorded.ts';

export function render({ content }: OpenedRecord): Rendering {
  return { mediaType: 'text/plain; charset=utf-8', text: content === null ? '' : bodyText(readRecorded(content)), attributes: {} };
}
