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
  [
    'reconcile',
    { what: 'base line', counted: null, recorded: null },
    { by: 'ann', address: '10.0.0.7', target: 'orders', since: null, comparison: null },
    'Compared with what the target counts itself: base line.\nby: ann\nfrom: 10.0.0.7\ntarget: orders',
  ],
  [
    'reconcile',
    { what: 'differs', counted: 5, recorded: 3 },
    {
      by: 'ann',
      address: '10.0.0.7',
      target: 'orders',
      since: 1_700_000_000_000,
      comparison: {
        counted: 5,
        recorded: 3,
        maybe: 1,
        unnamed: 2,
        more: 4,
        differences: [
          { name: 'q1', text: 'select 1\n-- by: bob', counted: 3, recorded: 1, maybe: 0 },
          { name: 'q2', text: '', counted: 2, recorded: 2, maybe: 1 },
        ],
      },
    },
    [
      'Compared with what the target counts itself: differs; 5 counted, 3 recorded.',
      'by: ann',
      'from: 10.0.0.7',
      'target: orders',
      'since: 2023-11-14T22:13:20.000Z',
      'failed or had no answer yet: 1, not known by name: 2',
      '3 counted, 1 recorded, 0 maybe: select 1 -- by: bob',
      '2 counted, 2 recorded, 1 maybe: q2',
      'and 4 more differences',
    ].join('\n'),
  ],
  [
    'reconcile',
    { what: 'agrees', counted: 5, recorded: 5 },
    { since: 1e300, comparison: 'odd' },
    'Compared with what the target counts itself: agrees; 5 counted, 5 recorded.\nsince: a time that is not known',
  ],
  ['signer', {}, undefined, 'A new signing key is announced, for checkpoints of 2 records or more: '],
  ['signer', { vkey: 'log+1+AA' }, undefined, 'A new signing key is announced, for checkpoints of 2 records or more: log+1+AA'],
  ['pause', { from: 0, to: 60_000, monotonic: 60_000 }, undefined, 'Nothing was recorded between 1970-01-01T00:00:00.000Z and 1970-01-01T00:01:00.000Z.'],
];

for (const [kind, governance, sealed, says] of cases) {
  test(`a record of kind ${kind} says in words what it states, and who asked and why where that can be read: ${says.split('\n').join(' · ')}`, () => {
    assert.equal(shown(kind, governance, sealed), says);
  });
}
