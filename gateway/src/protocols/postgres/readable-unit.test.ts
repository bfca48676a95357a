import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientUnits } from './client-units.ts';
import { readableUnit } from './readable-unit.ts';
import { int16, int32, message } from './testdata/talk.ts';

function unitOf(...messages: readonly Buffer[]) {
  const units = new ClientUnits(1024);
  units.push(Buffer.concat(messages));
  return units.next() ?? assert.fail('no unit');
}

function bind(...values: readonly Buffer[]): Buffer {
  const written = values.flatMap((value) => [int32(value.length), value]);
  return message('B', Buffer.from('\0\0'), int16(1), int16(1), int16(values.length), ...written, int16(0));
}

const execute = message('E', Buffer.from('\0'), int32(0));
const sync = message('S');

test('numbers in binary format are read as they would be written, whatever their type', () => {
  const bigint = Buffer.alloc(8);
  bigint.writeBigInt64BE(4_111_111_111_111_111n);
  const numeric = Buffer.concat([2, 1, 0, 0, 4711, 815].map(int16));
  const text = readableUnit(unitOf(bind(bigint, int32(536_901_234), numeric, Buffer.from('ada@example.com')), execute, sync), 'UTF8')?.toString() ?? '';
  for (const said of ['\n4111111111111111\n', '\n536901234\n', '\n47110815', 'ada@example.com']) {
    assert.ok(text.includes(said), text);
  }
});

test('escapes of SQL are undone in statements, values and rows', () => {
  const value = Buffer.from(String.raw`{"ada\100example.com"}`);
  const bound = message('B', Buffer.from('\0\0'), int16(0), int16(1), int32(value.length), value, int16(0));
  for (const unit of [
    unitOf(message('Q', Buffer.from("select E'ada\\100example.com'\0"))),
    unitOf(message('P', Buffer.from("\0select U&'ada\\0040example.com'\0"), int16(0)), bound, execute, sync),
    unitOf(bound, execute, sync),
    unitOf(message('d', Buffer.from('1\tada\\x40example.com\n'))),
  ]) {
    assert.ok(readableUnit(unit, 'UTF8')?.includes('ada@example.com'), Buffer.concat(unit.bytes).toString());
  }
});

test('a message that is not as long as it says is left to the target', () => {
  const cut = message('B', Buffer.from('\0\0'), int16(1), int16(1), int16(2), int32(400), Buffer.from('ada'));
  assert.ok(readableUnit(unitOf(cut, execute, sync), 'UTF8')?.includes('ada'));
});

test('COPY data are read without the messages that cut them, and in the encoding of the client', () => {
  const unit = unitOf(
    message('d', Buffer.from('Zo\xeb ', 'latin1')),
    message('d', Buffer.from('ada@exam')),
    message('d', Buffer.from('ple.com\n')),
    message('c'),
  );
  assert.equal(readableUnit(unit, 'LATIN1')?.toString(), 'Zoë ada@example.com\n');
  assert.equal(readableUnit({ ...unit, bytes: [Buffer.from('rest'), message('d', Buffer.from(' of it'))], begunBytes: 4 }, 'UTF8')?.toString(), 'rest of it');
});
