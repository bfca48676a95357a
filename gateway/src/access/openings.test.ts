import assert from 'node:assert/strict';
import { test } from 'node:test';
import { both, everything, type Query } from '../query/query.ts';
import type { Attributes } from '../domain/action.ts';
import { Openings, openingActions, recordedOpening, type OpeningRecord } from './openings.ts';

function open(): Openings {
  return new Openings({ newId: () => 'op', now: () => 0 });
}

const person = (id: string, onBehalfOf: string | null = null) => ({ id, onBehalfOf });
const field = (name: string, value: string): Query => ({ is: 'term', field: name, test: { by: 'equal', value } });

test('B20: one person opens nothing alone, neither through an agent of hers nor as one of two who act for her', () => {
  const openings = open();
  openings.keep(openings.ask('s', person('bot', 'ann'), 'ticket 1'));
  for (const same of [person('bot'), person('ann'), person('ben', 'ann'), person('ben', 'bot')]) {
    assert.throws(() => openings.grant('op', same, everything), { code: 'refused' }, JSON.stringify(same));
  }
  assert.equal(openings.grant('op', person('carl'), everything).grantedBy, 'carl');
});

test('one person does not take the places of others, and has places again when openings have ended', () => {
  let [count, nowMs] = [0, 0];
  const openings = new Openings({ newId: () => `op_${(count += 1)}`, now: () => nowMs });
  const ask = (id: string): void => {
    openings.keep(openings.ask('s', person(id), 'ticket 1'));
  };
  for (let i = 0; i < 100; i += 1) {
    ask('ann');
  }
  assert.throws(() => openings.ask('s', person('ann'), 'ticket 1'), { code: 'limit_exceeded' });
  ask('bea');
  nowMs = 86_400_001;
  ask('ann');
});

test('a second person opens what that person may read, and nothing else of the session', () => {
  const openings = open();
  openings.keep(openings.ask('s', person('ann'), 'ticket 1'));
  const content = field('target', 'orders');
  openings.keep(openings.grant('op', person('carl'), content));
  assert.deepEqual([openings.openFor('ann'), openings.openFor('carl')], [[both([field('session', 's'), content])], []]);
});

test('what waits and what is open is taken up from its records, and a grant without what was asked for opens nothing', () => {
  const openings = open();
  const content = field('target', 'orders');
  const record = (action: string, by: string, attributes: Attributes): OpeningRecord => ({
    action,
    time: new Date(0).toISOString(),
    attributes: { 'user.id': by, 'countersign.reason': 'ticket 1', ...attributes },
  });
  const asked = openings.ask('s', person('bot', 'ann'), 'ticket 1');
  openings.keep(asked);
  const granted = openings.grant('op', person('carl'), content);
  const ofAsked = record(openingActions.ask, 'bot', recordedOpening(asked));
  const ofGranted = record(openingActions.grant, 'carl', recordedOpening(granted));
  for (const [records, left] of [
    [[ofAsked], [asked]],
    [[ofGranted, ofAsked], [granted]],
    [[ofGranted], []],
    [[record(openingActions.grant, 'carl', recordedOpening(asked)), ofAsked], [asked]],
  ] as const) {
    const later = open();
    later.takeUp(records);
    assert.deepEqual(later.list(), left);
  }
});
