import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { OpenedRecord } from '../../domain/record.ts';
import { render } from './render.ts';

function record(seq: number, kind: string, content: Buffer): OpenedRecord {
  const meta = { channel: 1, ...(kind === 'response' ? { request: 0 } : {}) };
  return { session: '', seq, timeMs: 0, kind, record: `0/${seq}`, meta, channelFacts: null, governance: null, content, continues: false, withheld: null };
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

test('T4.18: a body is read in the charset that its Content-Type names', () => {
  const request = record(0, 'request', latin1('POST /a HTTP/1.1\r\ncontent-type: text/plain; charset="ISO-8859-1"\r\n\r\nstraße'));
  const answer = record(
    1,
    'response',
    Buffer.concat([latin1('HTTP/1.1 200 OK\r\nContent-Type: text/html;charset=Shift_JIS\r\n\r\n'), Buffer.from('955c8ea6', 'hex')]),
  );
  const piece = record(2, 'response', Buffer.from('93fa967b', 'hex'));
  const records = [request, answer, piece];
  const texts = records.map((each) => render(each, (seq) => records[seq] ?? null).text);
  assert.match(texts[0] ?? '', /\nstraße$/);
  assert.match(texts[1] ?? '', /\n表示$/);
  assert.equal(texts[2], '日本');
});

test('T4.18: of a charset that nobody knows, bytes that are no UTF-8 are no text', () => {
  const unknown = record(0, 'request', latin1('POST /a HTTP/1.1\r\ncontent-type: text/plain; charset=klingon\r\n\r\nstraße und weiter'));
  assert.match(render(unknown, () => null).text, /\(17 bytes that are not text\)$/);
});
