import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { ShownRecord } from '@countersign/gateway/api';
import { folded, type Entry } from './folded.ts';
import { narrow, type Narrowing } from './narrow.ts';
import { shownRecord } from './testdata/shown-record.ts';

const record = shownRecord('select\u001B[2J Wörter from (a.b)*', {
  target: 'orders',
  kind: 'request',
  action: 'any.query',
  verdict: 'allow',
  attributes: { 'countersign.reason': 'Granted', 'not.shown': 'hidden' },
});
const passes = (narrowing: Partial<Narrowing>, of: ShownRecord = record): boolean => narrow({ channel: [], kind: [], ...narrowing })(of);

test('all given options must match; of an option that is given twice, any value', () => {
  assert.ok(passes({}));
  assert.ok(passes({ channel: [1, 2], kind: ['response', 'request'], grep: 'select' }));
  assert.ok(!passes({ channel: [1, 3] }));
  assert.ok(!passes({ channel: [2], kind: ['response'] }));
  assert.ok(!passes({ channel: [2], kind: ['request'], grep: 'insert' }));
});

test('what belongs to no channel is on none', () => {
  assert.ok(passes({}, { ...record, channel: null }));
  assert.ok(!passes({ channel: [0] }, { ...record, channel: null }));
});

test('T4.34, E55: grep finds what a person reads, as it is printed, and what --json has', () => {
  for (const grep of [
    'WÖRTER',
    '(a.b)*',
    'any.QUERY orders',
    'reason=granted',
    String.raw`select\x1b[2j`,
    '2026-01-02 03:04:05',
    'hidden',
    'not.shown',
    'bot',
    'select\u001B',
  ]) {
    assert.ok(passes({ grep }), grep);
  }
  for (const grep of ['.*', 'nothing such']) {
    assert.ok(!passes({ grep }), grep);
  }
});

describe('what lies across records', () => {
  const part = (text: string, more: Partial<ShownRecord> & { readonly begun?: boolean; readonly ends?: boolean } = {}): ShownRecord => {
    const { begun = true, ends = false, ...rest } = more;
    const attributes = { 'countersign.request': 3, ...(begun ? { 'countersign.begun_text': true } : {}), ...(ends ? {} : { 'countersign.continues': true }) };
    return { ...record, kind: 'response', attributes, content: { mediaType: 'text/plain', text, bytes: text.length }, ...rest };
  };
  const wanted = (grep: string, records: readonly ShownRecord[]): number[] => {
    const isWanted = narrow({ channel: [], kind: [], grep });
    return records.flatMap((each, i) => (isWanted(each) ? [i] : []));
  };

  test('T4.43: grep finds what begins in one record and ends in another, whatever lies between, and however short they are', () => {
    const other = part('beside', { channel: 9 });
    assert.deepEqual(wanted('NEEDLE', [part('xxnee', { begun: false }), other, part('dlexx')]), [2]);
    assert.deepEqual(wanted('needle', [part('xxn', { begun: false }), part('ee'), other, part(''), part('d'), part('le', { ends: true })]), [5]);
    assert.deepEqual(wanted(String.raw`a\x1bb`, [part('a\u001B', { begun: false }), part('b')]), [1]);
    assert.deepEqual(wanted('needle', [part('needle', { begun: false }), part('needle')]), [0, 1]);
  });

  test('T4.43: grep joins nothing that does not go on', () => {
    assert.deepEqual(wanted('needle', [part('nee', { begun: false }), part('dle', { begun: false })]), []);
    assert.deepEqual(wanted('needle', [part('nee', { begun: false, ends: true }), part('dle')]), []);
    assert.deepEqual(wanted('needle', [part('nee', { begun: false }), part('dle', { channel: 9 })]), []);
    assert.deepEqual(wanted('needle', [part('nee', { begun: false }), part('dle', { kind: 'request' })]), []);
  });

  test('T4.43: an answer that is printed as one text has no line end between its parts', async () => {
    const records = [part('one, tw', { begun: false }), part('o, thr'), part('ee', { begun: true }), part('four', { begun: false, ends: true })];
    const entries: Entry[] = [];
    for await (const entry of folded(ReadableStream.from(records))) {
      entries.push(entry);
    }
    assert.deepEqual(
      entries.map(({ content }) => content?.text),
      ['one, two, three\nfour'],
    );
  });
});
