import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { ClassSets } from '../../classes/class-sets.ts';
import { maskChange } from './mask-change.ts';

const classes = new ClassSets([]);
const key = createSecretKey(Buffer.alloc(32, 7));
const parts = { keys: { record: key, hash: key, pseudonym: key }, classSet: (names: readonly string[]) => classes.of(names), classesOf: () => [] };

test('the record tells where each value was masked and by which policies, and a member that is named by a value is not told', () => {
  const change = maskChange({ methods: new Map([['email', 'redact']]), policies: ['one', 'two'] }, 'target', parts);
  assert.equal(change('to ada@example.com', ['/people/ada@example.com/mail']), 'to [email]');
  const piece = change.begin?.(['/said']);
  assert.equal(`${piece?.push('to bob@exam')}${piece?.push('ple.com')}${piece?.end()}`, 'to [email]');
  assert.equal(change('to eve@example.com'), 'to [email]');
  const report = change.report?.() ?? null;
  assert.deepEqual(
    report?.values.map(({ name, method, place }) => [name, method, place]),
    [
      ['email', 'redact', '/people/*/mail'],
      ['email', 'redact', '/said'],
      ['email', 'redact', null],
    ],
  );
  assert.deepEqual(report.policies, ['one', 'two']);
});
