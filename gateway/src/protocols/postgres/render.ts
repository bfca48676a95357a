import type { OpenedRecord, Rendering } from '../../domain/record.ts';
import type { Earlier } from './render-request.ts';
import { renderRequest } from './render-request.ts';
import { renderResponse } from './render-response.ts';

/** Makes a record readable for people. Any bytes are acceptable; where they cannot be read, the text says so. */
export function render(record: OpenedRecord, earlier: Earlier): Rendering {
  const rendered =
    record.content === null ? { text: '', attributes: {} } : record.kind === 'request' ? renderRequest(record, earlier) : renderResponse(record, earlier);
  return { mediaType: 'text/plain; charset=utf-8', ...rendered };
}
