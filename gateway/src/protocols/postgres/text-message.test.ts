import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangedFrames } from '../../content/changed-frames.ts';
import { changedRow, textMessage } from './text-message.ts';
import { place } from './text-place.ts';

const stars = (text: string): string => text.replaceAll(/secret-\w+/g, '***');

/** Returns the changed form of messages, one after the other. */
function change(...messages: readonly Buffer[]): Buffer {
  const frames = new ChangedFrames([stars], 1000);
  const released = messages.flatMap((each) => frames.push(textMessage(each)));
  return Buffer.concat([...released, ...frames.end()]);
}

/** Returns the changed form of a row. */
function changeRow(frame: Buffer): Buffer {
  return changedRow(frame, (value) => {
    const { text, write } = place(value, (bytes) => bytes);
    return text === 'none' ? null : write(stars(text));
  });
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** A DataRow; null is NULL. */
function row(...values: readonly (Buffer | null)[]): Buffer {
  const columns = values.map((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value?.length ?? -1);
    return value === null ? length : Buffer.concat([length, value]);
  });
  const count = Buffer.alloc(2);
  count.writeInt16BE(values.length);
  return message('D', Buffer.concat([count, ...columns]));
}

test('the values of a row are changed whatever their encoding, NULL stays, and lengths are right', () => {
  const binary = Buffer.from([0xff, 0xfe, 0x00]);
  const latin = Buffer.from('\u{e9} secret-1', 'latin1');
  assert.deepEqual(
    changeRow(row(Buffer.from('a secret-1 b'), null, binary, latin, Buffer.from(''), Buffer.from('none'))),
    row(Buffer.from('a *** b'), null, binary, Buffer.from('\u{e9} ***', 'latin1'), Buffer.from(''), null),
  );
  const same = row(Buffer.from('a'), null);
  assert.equal(changeRow(same), same);
  const result = row(Buffer.from('secret-1')).subarray(7);
  assert.deepEqual(changeRow(message('V', result)), message('V', row(Buffer.from('***')).subarray(7)));
});

test('a row of COPY data is one text, in however many messages it comes', () => {
  const copy = (text: string): Buffer => message('d', Buffer.from(text));
  assert.deepEqual(change(copy('secret-1\tx\n'), copy('y\n')), Buffer.concat([copy('***\tx\n'), copy('y\n')]));
  assert.equal(
    change(copy('a sec'), copy('ret-1\tx\n'), copy('y\n'))
      .toString('latin1')
      .replaceAll(/d\0\0\0./g, ''),
    'a ***\tx\ny\n',
  );
});

test('what errors, notices and notifications say and name is changed, and so are names of columns and values of settings; codes are not', () => {
  const fields = (say: string): Buffer =>
    Buffer.from(`SERROR\0VERROR\0C22P02\0M${say}\0D${say}\0H${say}\0W${say}\0q${say}\0s${say}\0t${say}\0c${say}\0d${say}\0n${say}\0\0`);
  for (const type of ['E', 'N']) {
    assert.deepEqual(change(message(type, fields('it is secret-1'))), message(type, fields('it is ***')));
  }
  const notification = (payload: string): Buffer => message('A', Buffer.from(`\0\0\0\x07${payload}\0${payload}\0`));
  assert.deepEqual(change(notification('secret-1')), notification('***'));
  const columns = (name: string): Buffer => message('T', Buffer.from(`\0\x02${name}\0${'secret-table'.padEnd(18)}\0${'\0'.repeat(18)}`));
  assert.deepEqual(change(columns('a secret-1')), columns('a ***'));
  const setting = (value: string): Buffer => message('S', Buffer.from(`secret-setting\0${value}\0`));
  assert.deepEqual(change(setting('secret-1')), setting('***'));
  assert.deepEqual([change(columns('a')), change(setting('b'))], [columns('a'), setting('b')]);
});

test('a message whose texts do not fit into it is refused', () => {
  const short = row(Buffer.from('abc'));
  short.writeInt32BE(4, 7);
  for (const broken of [short, short.subarray(0, 9)]) {
    assert.throws(() => changeRow(broken), { code: 'malformed' });
  }
  for (const broken of [
    message('E', Buffer.from('Mno end')),
    message('A', Buffer.from('\0\0\0\x07channel\0no end')),
    message('T', Buffer.from('\0\x01no end')),
    message('S', Buffer.from('a\0no end')),
  ]) {
    assert.throws(() => change(broken), { code: 'malformed' });
  }
});
