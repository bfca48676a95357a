import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { OpenedRecord } from '../domain/record.ts';
import { Timeline } from './timeline.ts';

function shown(kind: string, governance: OpenedRecord['governance'], sealed: unknown): string | undefined {
  const content = sealed === undefined ? null : Buffer.from(typeof sealed === 'string' ? sealed : JSON.stringify(sealed));
  const record: OpenedRecord = {
    session: '0'.repeat(32),
    seq: 1,
    timeMs: 0,
    kind,
    record: '0123456789abcdef/1',
    meta: null,
    channelFacts: null,
    governance,
    content,
    continues: false,
    withheld: null,
  };
  return new Timeline(() => undefined).show(record).content?.text;
}

const erased = { phase: 'intent', cause: 'erased', keys: [], secrets: [[7, 2]], copies: ['the escrow'] };
const cases: readonly (readonly [kind: string, governance: NonNullable<OpenedRecord['governance']>, sealed: unknown, says: string])[] = [
  ['keep', { class: 1, content: 400, facts: null, floor: null }, undefined, 'Class 1: contents are kept for 400d, facts forever.'],
  [
    'keep',
    { class: 2, content: 30, facts: 365, floor: 10 },
    { query: 'target:shop' },
    'Class 2: contents are kept for 30d, facts for 1y; nobody erases them before 10d.\nquery: target:shop',
  ],
  ['hold', { what: 'create', class: 32_768 }, undefined, 'Hold 32768 is set.'],
  [
    'hold',
    { what: 'release', class: 32_768 },
    { by: 'carol', matter: '2026-117', reason: 'settled\nby: bob', onBehalfOf: null, address: '10.0.0.7' },
    'Hold 32768 is released.\nby: carol\nmatter: 2026-117\nreason: settled by: bob\nfrom: 10.0.0.7',
  ],
  [
    'erasure',
    erased,
    { by: ['ann', 'bob'], addresses: ['10.0.0.7', '10.0.0.8'], query: 'target:wiki', reason: 'asked', facts: false },
    'To be destroyed (erased): 1 secret of a session. Copies of the keys may be in: the escrow.\nby: ann, bob\nfrom: 10.0.0.7, 10.0.0.8\nquery: target:wiki\nreason: asked\nfacts: false',
  ],
  [
    'erasure',
    { phase: 'intent', cause: 'expired', keys: [[2, 20_000, 'aa']], secrets: [], copies: [] },
    undefined,
    'To be destroyed (expired): the key of class 2 until 2024-10-04.',
  ],
  [
    'erasure',
    { phase: 'intent', cause: 'released', keys: [[32_768, 65_535, 'aa']], secrets: [], copies: [] },
    { by: 'carol', onBehalfOf: null, address: '10.0.0.7', reason: 'settled' },
    'To be destroyed (released): the key of hold 32768.\nby: carol\nfrom: 10.0.0.7\nreason: settled',
  ],
  ['erasure', { phase: 'complete', intent: 54, kept: [] }, undefined, 'Destroyed: what record 0123456789abcdef/54 names.'],
  ['hold', { what: 'create', class: 32_768 }, 'no JSON', 'Hold 32768 is set.'],
];

for (const [kind, governance, sealed, says] of cases) {
  test(`a record of kind ${kind} says in words what it states, and who asked and why where that can be read: ${says.split('\n').join(' · ')}`, () => {
    assert.equal(shown(kind, governance, sealed), says);
  });
}
