import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { OpenedRecord } from '../../domain/record.ts';
import { renderMessages as render } from './render-messages.ts';

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

test('T4.18: in an unknown charset, bytes that are not UTF-8 are not shown as text', () => {
  const unknown = record(0, 'request', latin1('POST /a HTTP/1.1\r\ncontent-type: text/plain; charset=klingon\r\n\r\nstraße und weiter'));
  assert.match(render(unknown, () => null).text, /\(17 bytes that are not text\)$/);
});

/** The texts of a body that came in parts, put together where they go on; and what is before the body. */
function inParts(kind: string, head: Buffer, body: Buffer, size: number): string {
  const contents = [head, ...Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size))];
  const asked = { ...record(0, 'request', latin1('GET /a HTTP/1.1\r\n\r\n')) };
  const parts = contents.map((content, i) => ({
    ...record(i + 1, kind, content),
    meta: { channel: 1, ...(kind === 'response' ? { request: 0 } : i === 0 ? {} : { request: 1 }) },
  }));
  const records = [asked, ...parts];
  const shown = parts.map((each) => render(each, (seq) => (seq < each.seq ? (records[seq] ?? null) : null)));
  assert.deepEqual(
    shown.map(({ attributes }) => attributes['countersign.begun_text']),
    [undefined, undefined, ...parts.slice(2).map(() => true)],
  );
  return shown
    .slice(1)
    .map(({ text }) => text)
    .join('');
}

test('T4.43: no character breaks between two records of a body, whatever its charset or its content coding', () => {
  const text = 'straße 語 𠮷 '.repeat(20_000);
  const sjis = Buffer.from('955c8ea62041'.repeat(20_000), 'hex');
  for (const size of [65_537, 10_001]) {
    for (const type of ['text/plain', 'text/plain; charset=utf-8']) {
      assert.ok(inParts('response', latin1(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n\r\n`), Buffer.from(text), size) === text);
    }
    assert.ok(inParts('request', latin1('POST /a HTTP/1.1\r\n\r\n'), Buffer.from(text), size) === text);
    assert.ok(inParts('response', latin1('HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=Shift_JIS\r\n\r\n'), sjis, size) === '表示 A'.repeat(20_000));
  }
  const zipped = gzipSync(Buffer.from(text), { level: 0 });
  assert.ok(inParts('response', latin1('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n'), zipped, 65_537) === text);
});

test('T4.45, D31: what swells when it is decoded is not decoded for each piece, and said to be what it is', () => {
  const zipped = gzipSync(Buffer.alloc(80 * 1024 * 1024));
  const middle = zipped.length / 8;
  const head = latin1('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n');
  const answer = [Buffer.concat([head, zipped.subarray(0, middle)]), zipped.subarray(middle)].map((content, i) => record(i + 1, 'response', content));
  const records = [record(0, 'request', latin1('GET /a HTTP/1.1\r\n\r\n')), ...answer];
  const shown = records.map((each) => render(each, (seq) => records[seq] ?? null).text);
  assert.equal(shown[2], `(${zipped.length - Math.floor(middle)} bytes that are not text)`);
});
