import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { byKind } from './config-kinds.ts';

test('lines of a kind come together under its name; notes are apart, and what has a page of its own is left out', () => {
  const lines = [
    { what: 'sink', text: 'soc: webhook' },
    { what: 'target', text: 'shop: postgres' },
    { what: 'limits', text: 'idleMs 0' },
    { what: 'sink', text: 'mail: mail' },
    { what: 'later', text: 'a kind without a name here' },
    { what: 'NOTE', text: 'shop is granted to nobody' },
  ];
  assert.deepEqual(byKind(lines), {
    kinds: [
      { name: 'Sinks', lines: ['soc: webhook', 'mail: mail'] },
      { name: 'Limits', lines: ['idleMs 0'] },
      { name: 'later', lines: ['a kind without a name here'] },
    ],
    notes: ['shop is granted to nobody'],
  });
});
