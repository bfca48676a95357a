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
