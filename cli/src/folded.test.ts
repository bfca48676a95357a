import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ShownRecord } from '@countersign/gateway/api';
import { folded, type Entry } from './folded.ts';
import { describeRecord } from './show.ts';
import { shownRecord } from './testdata/shown-record.ts';

const piece = (seq: number, request: number, text: string, attributes: ShownRecord['attributes'] = {}): ShownRecord =>
  shownRecord(text, {
    seq,
    time: new Date(Date.UTC(2026, 0, 2) + seq * 10).toISOString(),
    channel: 1,
    attributes: { 'countersign.request': request, ...attributes },
    record: `x/${seq}`,
  });
const goesOn = { 'countersign.continues': true };

async function fold(...records: readonly ShownRecord[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of folded(given(records))) {
    entries.push(entry);
  }
  return entries;
}

async function* given(records: readonly ShownRecord[]): AsyncGenerator<ShownRecord> {
  for (const record of records) {
    yield await Promise.resolve(record);
  }
}

test('T4.34: streamed tokens are one text with its time span, also of two answers at once', async () => {
  const messages = '[{"role":"assistant","parts":[{"type":"text","content":"It is there."}],"finish_reason":"stop"}]';
  const entries = await fold(
    piece(3, 1, 'It ', goesOn),
    piece(4, 2, 'a row', goesOn),
    piece(5, 1, 'is there', goesOn),
    piece(6, 2, 'another', { 'countersign.duration_ms': 7 }),
    piece(7, 1, '.', { 'gen_ai.usage.output_tokens': 9, 'gen_ai.output.messages': messages }),
    piece(8, 0, 'by itself'),
  );
  const said = entries.map((entry) => describeRecord(entry));
  assert.equal(said.length, 3);
  assert.match(said[0] ?? '', /00:00:00\.040Z … \+20 ms .*duration_ms=7 #4–#6 in 2 records.*\n {4}a row\n {4}another$/);
  assert.match(said[1] ?? '', /00:00:00\.030Z … \+40 ms .*tokens_out=9 #3–#7 in 3 records.*\n {4}It is there\.\n {4}finished: stop$/);
  assert.match(said[2] ?? '', /#8\D.*by itself$/s);
});

test('T4.34: where a part of an answer has a summary, the answer has one with the other parts', async () => {
  const [entry] = await fold(piece(3, 1, 'careful', goesOn), piece(4, 1, 'a = 1\nb = 2', { 'countersign.summary': '2 parameters' }));
  assert.deepEqual([entry?.content?.text, entry?.attributes['countersign.summary']], ['careful\na = 1\nb = 2', 'careful\n2 parameters']);
});

test('an answer has the classes that were seen or masked in any of its records, and says if one was not inspected', async () => {
  const [entry] = await fold(
    piece(3, 1, 'a', goesOn),
    piece(4, 1, 'b', { ...goesOn, 'countersign.classes': ['card', 'email'], 'countersign.masked': ['card=1'] }),
    piece(5, 1, 'c', { ...goesOn, 'countersign.classes': ['card'], 'countersign.masked': ['card=2'], 'countersign.inspected': false }),
    piece(6, 1, 'd'),
  );
  assert.match(describeRecord(entry ?? assert.fail()), / masked=card=3 saw email not inspected #3–#6 in 4 records/);
});

test('T4.34: an answer that does not end is given as far as it came, in front of what says why', async () => {
  const entries: Entry[] = [];
  const broken = async function* (): AsyncGenerator<ShownRecord> {
    yield* given([piece(3, 1, 'a', goesOn), piece(4, 1, 'b', goesOn)]);
    throw new Error('damaged');
  };
  await assert.rejects(async () => {
    for await (const entry of folded(broken())) {
      entries.push(entry);
    }
  }, /damaged/);
  assert.deepEqual(
    entries.map(({ content, folded: last }) => [content?.text, last?.seq]),
    [['a\nb', 4]],
  );
});

test('T4.34: held answers are bounded: the oldest is given in parts, and nothing is lost', async () => {
  const long = 'x'.repeat(9 * 1024 * 1024);
  const entries = await fold(piece(3, 1, long, goesOn), piece(4, 2, long, goesOn), piece(5, 1, 'end'), piece(6, 2, 'end'));
  assert.deepEqual(
    entries.map(({ seq, folded: last }) => [seq, last?.seq]),
    [
      [3, undefined],
      [5, undefined],
      [4, 6],
    ],
  );
});

test('T4.34: the answer that opens a WebSocket is given before what came over it', async () => {
  const opened = { ...goesOn, 'http.response.status_code': 101 };
  const message = { 'countersign.websocket.opcode': 'text', 'countersign.websocket.final': true };
  const entries = await fold(piece(4, 3, '', opened), piece(5, 3, 'hello', message), piece(6, 3, 'again', message));
  assert.deepEqual(
    entries.map(({ seq }) => seq),
    [4, 5, 6],
  );
});
