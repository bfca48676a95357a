import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientUnits, type Unit } from './client-units.ts';
import { Names } from './names.ts';
import { clientMessages, int16s, int32s, message } from './testdata/shorthand.ts';
import { columnsIn, UnitResults } from './unit-results.ts';

let seq = 0;

/** Sends messages that are one unit. */
function sent(names: Names, ...messages: readonly (Buffer | string)[]): UnitResults {
  const units = new ClientUnits(10_000);
  units.push(Buffer.concat(messages.map((each) => (typeof each === 'string' ? clientMessages(each) : each))));
  const unit: Unit | null = units.next();
  assert.ok(unit !== null);
  seq += 1;
  names.apply(unit, seq);
  return new UnitResults(unit, names, null);
}

/** A Bind that asks for results in these formats. */
function bind(portal: string, statement: string, ...formats: readonly number[]): Buffer {
  return message('B', portal, statement, int16s(0), int16s(0), int16s(formats.length, ...formats));
}

/** A RowDescription of columns of these types, in a format. */
function description(format: number, ...types: readonly number[]): Buffer {
  const columns = types.flatMap((type) => ['c', int32s(0), int16s(0), int32s(type), int16s(-1), int32s(-1), int16s(format)]);
  return message('T', int16s(types.length), ...columns);
}

function forms(results: UnitResults, count: number): readonly (readonly [type: number, format: number | null])[] {
  return results.columns(count).map(({ type, format }) => [type, format]);
}

test('a result has the columns of its statement, described before, and the formats of its Bind', () => {
  const names = new Names();
  sent(names, 'P:s:select / D:S:s / S').described(columnsIn(description(0, 25, 23)), 1);
  assert.deepEqual(forms(sent(names, bind('', 's', 1), 'E: / S'), 2), [
    [25, 1],
    [23, 1],
  ]);
  assert.deepEqual(forms(sent(names, bind('', 's', 0, 1), 'E: / S'), 2), [
    [25, 0],
    [23, 1],
  ]);
  // A row of another length is of another statement.
  assert.deepEqual(forms(sent(names, bind('', 's', 1), 'E: / S'), 1), [[0, 1]]);
});

test('a portal that is executed in parts keeps its columns and formats', () => {
  const names = new Names();
  const first = sent(names, 'P:s:select', bind('p', 's', 1), 'D:P:p / E:p / H');
  first.described(columnsIn(description(1, 17)), 2);
  assert.deepEqual(forms(first, 1), [[17, 1]]);
  assert.deepEqual(forms(sent(names, 'E:p / S'), 1), [[17, 1]]);
});

test('what a name stood for before, or may not stand for any more, says nothing', () => {
  for (const forget of [
    (names: Names) => sent(names, 'P:s:other / S'),
    (names: Names) => sent(names, 'C:S:s / P:s:other / S'),
    (names: Names) => names.commandCompleted('DISCARD ALL', null),
    (names: Names) => names.doubt(1),
  ]) {
    const names = new Names();
    sent(names, 'P:s:select / D:S:s / S').described(columnsIn(description(0, 25)), 1);
    forget(names);
    assert.deepEqual(forms(sent(names, bind('', 's', 1), 'E: / S'), 1), [[0, 1]]);
  }
  const names = new Names();
  const described = sent(names, 'P:s:select / D:S:s / P:s:other / S');
  described.described(columnsIn(description(0, 25)), 1);
  assert.deepEqual(forms(sent(names, bind('', 's', 1), 'E: / S'), 1), [[0, 1]]);
  const late = sent(names, 'D:S:s / S');
  names.doubt(1);
  late.described(columnsIn(description(0, 25)), 0);
  assert.deepEqual(forms(sent(names, bind('', 's', 1), 'E: / S'), 1), [[0, 1]]);
  assert.deepEqual(forms(sent(names, 'E:cursor / S'), 1), [[0, null]]);
});
