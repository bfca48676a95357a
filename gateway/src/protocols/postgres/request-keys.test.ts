import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestKeys } from './request-keys.ts';
import { startup } from './testdata/client-side.ts';
import { clientMessages } from './testdata/shorthand.ts';

const query = (line: string): string | null => {
  const keys = requestKeys();
  keys({ action: 'postgres.connect', bytes: startup({}) });
  return keys({ action: 'postgres.query', bytes: clientMessages(line) })?.text ?? null;
};
const connection = (parameters: Readonly<Record<string, string>>): string | null =>
  requestKeys()({ action: 'postgres.connect', bytes: startup(parameters) })?.text ?? null;

test('SQL is the same when it is the same letter by letter: white space in it may mean something', () => {
  assert.equal(query("Q:select 'a'"), query("Q:select 'a'"));
  assert.notEqual(query("Q:select 'a  b'"), query("Q:select 'a b'"));
  assert.notEqual(query('Q:select 1'), query('P::select 1 / B::: / E: / S'));
});

test('T4.41: what a startup packet set is part of its login, and no request that a client repeats', () => {
  const keys = requestKeys();
  const set = { action: 'postgres.query', bytes: clientMessages('Q:SET jit TO off') };
  assert.equal(keys(set), null);
  keys({ action: 'postgres.connect', bytes: startup({ jit: 'off' }) });
  assert.notEqual(keys(set), null);
});

test('of a login counts what is asked of the session, not in which order, nor who asks', () => {
  const same = connection({ database: 'shop', application_name: 'a' });
  assert.equal(connection({ application_name: 'a', database: 'shop', user: 'another' }), same);
  assert.notEqual(connection({ database: 'shop/other', application_name: 'a' }), same);
  assert.notEqual(connection({ database: 'shop', application_name: 'a', DateStyle: 'ISO' }), same);
});

test('what the gateway made itself, and what asks nothing, has no key', () => {
  const keys = requestKeys();
  for (const action of ['postgres.refuse', 'postgres.cancel']) {
    assert.equal(keys({ action, bytes: clientMessages('Q:x') }), null);
  }
  assert.equal(query('H'), null);
});

test('any bytes have a key, the same each time', () => {
  const actions = fc.constantFrom('postgres.connect', 'postgres.query', 'postgres.execute', 'postgres.copy', '');
  const messages = fc.constantFrom('Q:a', 'P:s:b', 'B:p:s:1', 'D:S:s', 'C:P:p', 'E:p', 'S', 'd:x', 'c', 'f:no', 'F:1').map((line) => clientMessages(line));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some)),
    messages,
    fc.tuple(messages, fc.nat(12)).map(([one, cut]) => one.subarray(0, cut)),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ action: actions, bytes }), { maxLength: 8 }), (asked) => {
      const [first, second] = [requestKeys(), requestKeys()];
      assert.deepEqual(asked.map(first), asked.map(second));
    }),
  );
});
