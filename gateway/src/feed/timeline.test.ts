import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { processOutput, type OpenedRecord } from '../domain/record.ts';
import { Timeline } from './timeline.ts';

test('T4.43: no character breaks between two records of what a command prints, whatever its other output prints between', () => {
  const record = (seq: number, stream: string, content: Buffer): OpenedRecord => ({
    session: '0'.repeat(32),
    seq,
    timeMs: 0,
    kind: 'response',
    record: `0/${seq}`,
    meta: { channel: 0, action: processOutput, attributes: { 'log.iostream': stream } },
    channelFacts: null,
    governance: null,
    content,
    continues: true,
    withheld: null,
  });
  const bytes = Buffer.from('ein Wört 語');
  const cut = bytes.indexOf(0xc3) + 1;
  const timeline = new Timeline(() => undefined);
  const shown = [
    record(1, 'stdout', bytes.subarray(0, cut)),
    record(2, 'stderr', Buffer.from('äh')),
    record(3, 'stdout', bytes.subarray(cut, -1)),
    record(4, 'stdout', bytes.subarray(-1)),
  ].map((each) => timeline.show(each));
  assert.deepEqual(
    shown.map(({ content, attributes }) => [content?.text, attributes['countersign.begun_text']]),
    [
      ['ein W', undefined],
      ['äh', undefined],
      ['ört ', true],
      ['語', true],
    ],
  );
});

test('a record names the statement of its environment that came last before it and the opening of its channel; in a session of before there is none', () => {
  const at = (seq: number, meta: OpenedRecord['meta']): OpenedRecord => ({
    session: '0'.repeat(32),
    seq,
    timeMs: 0,
    kind: 'event',
    record: `0/${seq}`,
    meta,
    channelFacts: null,
    governance: null,
    content: null,
    continues: false,
    withheld: null,
  });
  const attributes = { 'countersign.configuration.sha256': 'ab' };
  const opens = { principal: 'bot', groups: [], clientAddress: '', target: 't', protocol: 'any' };
  const named = (records: readonly OpenedRecord[]): unknown => {
    const timeline = new Timeline(() => undefined);
    return records.map((each) => timeline.show(each).attributes).map((each) => [each['countersign.environment'], each['countersign.opening']]);
  };
  assert.deepEqual(
    named([
      at(0, null),
      at(1, { channel: 1, opens, attributes }),
      at(2, { channel: 2, opens }),
      at(3, { channel: 0, attributes }),
      at(4, { channel: 1 }),
      at(5, null),
    ]),
    [
      [undefined, undefined],
      [1, 1],
      [1, 2],
      [3, undefined],
      [3, 1],
      [3, undefined],
    ],
  );
  assert.deepEqual(named([at(1, { channel: 1, opens }), at(2, { channel: 1 })]), [
    [undefined, 1],
    [undefined, 1],
  ]);
});
