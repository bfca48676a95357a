import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Difference } from '../../domain/replay.ts';
import { requestDifference, requestKeys, syncKey } from './request-keys.ts';
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

test('for a login the settings of the session count, but not their order, nor who asks', () => {
  const same = connection({ database: 'shop', application_name: 'a' });
  assert.equal(connection({ application_name: 'a', database: 'shop', user: 'another' }), same);
  assert.notEqual(connection({ database: 'shop/other', application_name: 'a' }), same);
  assert.notEqual(connection({ database: 'shop', application_name: 'a', DateStyle: 'ISO' }), same);
});

test('a request that the gateway made itself, or that asks nothing, has no key', () => {
  const keys = requestKeys();
  for (const action of ['postgres.refuse', 'postgres.cancel']) {
    assert.equal(keys({ action, bytes: clientMessages('Q:x') }), null);
  }
  assert.equal(query('H'), null);
});

test('T4.26: the difference between a statement and a recorded one has its place and both values', () => {
  const differ = (recorded: string, asked: string): Difference | null => requestDifference(query(recorded) ?? '', query(asked) ?? '');
  const [one, where, parameter] = [
    differ('Q:select 1', 'Q:select 2'),
    differ("Q:select 'é'", "Q:select 'ß'"),
    differ('P:s1:select $1 / B::s1:7 / E: / S', 'P:s2:select $1 / B::s2:8 / E: / S'),
  ];
  assert.deepEqual([one?.at, one?.recorded, one?.asked], ['messages[0].query', '"select 1"', '"select 2"']);
  assert.deepEqual([where?.recorded, where?.asked], ['"select \'é\'"', '"select \'ß\'"']);
  assert.deepEqual([parameter?.at, parameter?.recorded, parameter?.asked], ['messages[1].parameters[0]', '"7"', '"8"']);
  const kind = differ('Q:select 1', 'P::select 1 / B::: / E: / S');
  assert.deepEqual([kind?.at, kind?.recorded, kind?.asked], ['messages[0].query', '"select 1"', '(nothing)']);
  assert.ok((one?.nearness ?? 0) > (kind?.nearness ?? 0));
  const nearness = (recorded: string): number => differ(recorded, 'Q:select now()')?.nearness ?? 0;
  assert.ok(nearness('Q:select now(), random()') > nearness('Q:select 1'), 'what has more of it is nearer, however long it is');
  assert.ok(nearness('Q:/* 1 */ select now()') > nearness('Q:select 1'));
  assert.equal(differ('P:s1:select 1 / D:S:s1 / S', 'P:s2:select 1 / D:S:s2 / S'), null, 'names that drivers make up');
});

test('T4.26: a login is like other logins alone, and a Sync like nothing', () => {
  const recorded = connection({ database: 'shop', application_name: 'a' }) ?? '';
  const asked = connection({ database: 'shop', application_name: 'b' }) ?? '';
  const found = requestDifference(recorded, asked);
  assert.deepEqual([found?.at, found?.recorded, found?.asked], ['messages[0].connect.application_name', '"a"', '"b"']);
  assert.equal(requestDifference(recorded, query('Q:select 1') ?? ''), null);
  assert.equal(requestDifference(query('Q:select 1') ?? '', syncKey.text), null);
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
