import { type OpenedRecord, plainRendering, type Rendering } from '../../domain/record.ts';
import type { Headers } from '../reading.ts';
import { frameText } from './recorded-frame.ts';
import { plainText, readRecordedRequest, readRecordedResponse } from './recorded-http.ts';
import { contentOf, pieceText, type Earlier } from './recorded-pieces.ts';

/** Makes a record readable: heads of messages as lines, bodies and frames as text if they are text. Never throws. */
export function renderMessages(record: OpenedRecord, earlier: Earlier): Rendering {
  const { text, attributes } = record.content === null ? { text: '', attributes: {} } : (frameText(record, earlier) ?? shown(record, earlier));
  return plainRendering(text, attributes);
}

function shown(record: OpenedRecord, earlier: Earlier): Pick<Rendering, 'text' | 'attributes'> {
  const content = contentOf(record);
  const request = record.kind === 'request' ? readRecordedRequest(content) : null;
  if (request !== null) {
    return message(`${request.head.method} ${request.head.path}`, request.head.headers, request.body);
  }
  const response = readRecordedResponse(content);
  if (response === null) {
    return pieceText(record, earlier);
  }
  return message(`HTTP ${response.head.status}`, response.head.headers, response.body);
}

function message(firstLine: string, headers: Headers, body: Buffer): Pick<Rendering, 'text' | 'attributes'> {
  const lines = [firstLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return { text: [...lines, ...(body.length === 0 ? [] : ['', plainText(body)])].join('\n'), attributes: {} };
}
