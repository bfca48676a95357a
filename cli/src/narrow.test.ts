import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ShownRecord } from '@countersign/gateway/domain/shown-record.ts';
import { narrow, type Narrowing } from './narrow.ts';

const record: ShownRecord = {
  session: '0'.repeat(32),
  seq: 4,
  time: '2026-01-02T03:04:05.678Z',
  channel: 2,
  target: 'orders',
  protocol: 'any',
  kind: 'request',
  action: 'any.query',
  principal: 'bot',
  verdict: 'allow',
  policies: [],
  attributes: { 'countersign.reason': 'Granted', 'not.shown': 'hidden' },
  content: { mediaType: 'text/plain', text: 'select\u001B[2J Wörter from (a.b)*', bytes: 30 },
  record: 'x/1',
};
const passes = (narrowing: Partial<Narrowing>, of: ShownRecord = record): boolean => narrow({ channel: [], kind: [], ...narrowing })(of);

test('all that is given must hold, any of what is given twice', () => {
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
