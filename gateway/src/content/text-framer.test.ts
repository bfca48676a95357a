import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { composeAwsMessage } from './aws-event-stream.ts';
import type { TextFrame } from './text-frame.ts';
import { framerOf } from './text-framer.ts';

const options = { frameBytesMax: 64 * 1024 * 1024, findParts: null };

function framesOf(contentType: string, body: string | Buffer): readonly TextFrame[] {
  const framer = framerOf(contentType, options) ?? assert.fail(contentType);
  return [...framer.push(Buffer.from(body)), ...framer.end()];
}

function textsOf(frames: readonly TextFrame[]): readonly string[] {
  return frames.flatMap(({ texts }) => texts.map(({ text }) => text));
}

describe('bodies whose texts are changed', () => {
  test('A1: a message of an AWS event stream without its end is refused', () => {
    const message = composeAwsMessage({ ':event-type': 'chunk' }, Buffer.from('{"text":"secret"}'));
    const type = 'application/vnd.amazon.eventstream';
    assert.deepEqual(textsOf(framesOf(type, Buffer.concat([message, message]))), ['text', 'secret', 'text', 'secret']);
    for (const bytes of [1, 11, 12, message.length - 1]) {
      assert.throws(() => framesOf(type, Buffer.concat([message, message.subarray(0, bytes)])), { code: 'malformed' });
    }
  });

  test('D34: a body of many millions of lines is looked through for an event stream', () => {
    const lines = ':\n'.repeat(8_000_000);
    assert.equal(framesOf('text/plain', `\u{feff}\r\nid: 1\n\n:\ndata: ["a"]\n\n`).length > 1, true);
    assert.equal(framesOf('text/plain', lines).length, 1);
    assert.deepEqual(textsOf(framesOf('text/plain', `:\ndata: secret\n`)), [':\ndata: secret\n']);
  });

  test('D39: JSON that is not read may have any member, and so may a text that is nested too deeply', () => {
    const [plain, json, lines] = ['text/plain', 'application/problem+json; charset=utf-8', 'application/x-ndjson'];
    for (const [type, body, ...texts] of [
      [json, '{"salary": 1} ok', '{"salary": 1} ok'],
      [json, `)]}',\n{"salary": 1}`, `)]}',\n{"salary": 1}`],
      [json, 'not a member', 'not a member'],
      ['text/javascript', 'call({"salary": 1});\n', 'call({"salary": 1});'],
      [plain, `\n{'salary': 1}`, `{'salary': 1}`],
      [plain, 'all of {"salary": 1}'],
      [plain, '[12:30] said'],
      [json, '4200'],
      [lines, '{"a": 1}\n\n{"salary": +1}\n', '{"salary": +1}'],
      ['text/event-stream', 'data: {"salary": 1} ok\n\ndata: [DONE]\n\n', '{"salary": 1} ok'],
      [json, `${'{"a":'.repeat(12)}{"b":1}${'}'.repeat(12)}`, '1'],
      [json, `${'{"a":'.repeat(11)}{"b":1}${'}'.repeat(11)}`],
    ] as const) {
      const frames = framesOf(type, body);
      const any = frames.flatMap((frame) => frame.texts.filter(({ sources }) => sources?.includes('/*')).map(({ text }) => text));
      assert.deepEqual(any, texts, body);
      assert.equal(frames.map((frame) => frame.compose(frame.texts.map(({ text }) => text)).toString()).join(''), body);
    }
  });

  test('D34: the head of a part of a form has a limit', () => {
    const form = (head: string): string => `--x\r\nContent-Disposition: form-data; ${head}\r\n\r\nsecret\r\n--x--`;
    const type = 'multipart/form-data; boundary=x';
    const many = (count: number): string => Array.from({ length: count }, () => 'name=a').join('; ');
    const [frame] = framesOf(type, form(many(1_000)));
    const texts = frame?.texts.map(({ text }) => `${text}b`) ?? [];
    assert.equal(frame?.compose(texts).toString(), form(many(1_000).replaceAll('name=a', 'name="ab"')).replace('secret', 'secretb'));
    assert.throws(() => framesOf(type, form(many(100_000))), { code: 'limit_exceeded' });
  });

  test('D39: a line feed in the head of a part, which some readers take for the end of a line, is refused', () => {
    for (const end of ['\n', '\r']) {
      const form = `--x\r\nContent-Disposition: form-data; name=a${end}Content-Transfer-Encoding: base64\r\n\r\nc2VjcmV0\r\n--x--`;
      assert.throws(() => framesOf('multipart/form-data; boundary=x', form), { code: 'unsupported' });
    }
  });

  test('the fields of a form are read as others read them, and what is no UTF-8 is refused', () => {
    const written = fc
      .array(fc.constantFrom('%aa', '%41', '%c3%a9', '%', '%4', '%4g', '%%41', '+', 'a', '%2b', '%25'), { maxLength: 8 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(written, (value) => {
        const read = new URLSearchParams(`a=${value}`).get('a') ?? '';
        if (read.includes('\uFFFD')) {
          assert.throws(() => framesOf('application/x-www-form-urlencoded', `a=${value}`), { code: 'unsupported' });
          return;
        }
        const [frame] = framesOf('application/x-www-form-urlencoded', `a=${value}`);
        assert.deepEqual(textsOf(frame === undefined ? [] : [frame]), ['a', read]);
        assert.equal(frame?.compose(frame.texts.map(({ text }) => text)).toString(), `a=${value}`);
      }),
    );
  });
});
