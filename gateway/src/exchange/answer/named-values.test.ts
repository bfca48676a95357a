import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { builtInClasses } from '../../classes/catalogue.ts';
import { ClassSets } from '../../classes/class-sets.ts';
import type { FindParts } from '../../content/text-frame.ts';
import { maskChange } from '../../controls/masks/mask-change.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { looking } from '../../following/testdata/looking.ts';
import { textLook } from '../../following/text-look.ts';
import { findParts } from '../../protocols/llm/streamed-texts.ts';
import { ChangedAnswer } from './changed-answer.ts';
import { ReceivedAnswer } from './testdata/received-answer.ts';

const all = builtInClasses.map(({ name }) => name);
const sets = new ClassSets([]);
const key = createSecretKey(Buffer.alloc(32, 7));
const parts = { keys: { record: key, hash: key, pseudonym: key }, classSet: (names: readonly string[]) => sets.of(names), classesOf: () => [] };
const mask = (): TextChange => maskChange({ methods: new Map(all.map((name) => [name, 'redact'])), classes: all, policies: [] }, 'target', parts);

interface Options {
  readonly pieceBytes?: number;
  readonly find?: FindParts | null;
  readonly headers?: readonly string[];
}

/** Lets an answer through in pieces of so many bytes. Returns what is released. */
function release(change: TextChange, type: string, body: string, { pieceBytes = 1000, find = null, headers = [] }: Options = {}): ReceivedAnswer {
  const received = new ReceivedAnswer();
  const answer = new ChangedAnswer({ changes: [change], frameBytesMax: 10_000, findParts: find }, received);
  answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['Content-Type', type, ...headers] });
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    answer.onBytes(bytes.subarray(at, at + pieceBytes));
  }
  answer.onEnd([]);
  assert.deepEqual([received.error, received.isEnded], [null, true]);
  return received;
}

/** Masks an answer, and looks at it, however it is cut. Returns the masked body, and the classes that were seen. */
function found(type: string, body: string, find: FindParts | null = null): readonly [body: string, seen: readonly string[]] {
  const whole = release(mask(), type, body, { find }).body;
  const seen = [1, 2, 3, 7, 1000].map((pieceBytes) => {
    assert.equal(release(mask(), type, body, { pieceBytes, find }).body, whole, String(pieceBytes));
    const look = textLook(all, 'target', looking);
    assert.equal(release(look, type, body, { pieceBytes, find }).body, body);
    return look.look?.seen()?.classes ?? [];
  });
  seen.forEach((each) => assert.deepEqual(each, seen[0]));
  return [whole, seen[0] ?? []];
}

const [json, form, multipart] = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'];
const part = (name: string, text: string, type = ''): string =>
  `--x\r\nContent-Disposition: form-data; name="${name}"; filename="a.txt"${type === '' ? '' : `\r\nContent-Type: ${type}`}\r\n\r\n${text}\r\n--x--`;
const events = (...pieces: readonly string[]): string =>
  pieces
    .map((piece) => ({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: piece } }] } }] }))
    .map((event) => `data: ${JSON.stringify(event)}\n\n`)
    .join('');

describe('the name of a value is as a word before it, for masks and for looks, however the answer is cut', () => {
  for (const [type, body, masked, ...classes] of [
    [json, '{"passport": "C01X00T47"}', '{"passport": "[passport]"}', 'passport'],
    [json, '{"passports": ["C01X00T47", "C01X00T48"], "id": "C01X00T49"}', '{"passports": ["[passport]", "[passport]"], "id": "C01X00T49"}', 'passport'],
    [json, '{"passport": {"number": "C01X00T47"}}', '{"passport": {"number": "[passport]"}}', 'passport'],
    [json, '{"driverLicense": "D1234567"}', '{"driverLicense": "[driving-licence]"}', 'driving-licence'],
    [json, '{"dateOfBirth": "1980-05-17", "created": "1980-05-17"}', '{"dateOfBirth": "[birth-date]", "created": "1980-05-17"}', 'birth-date'],
    [json, '{"bank": {"bic": "DEUTDEFF"}, "type": "MAINBANK"}', '{"bank": {"bic": "[bic]"}, "type": "MAINBANK"}', 'bic'],
    [json, '{"diagnosis": {"code": "E11.9"}}', '{"diagnosis": {"code": "[icd10]"}}', 'icd10'],
    [json, '{"ssn": 536228726}', '{"ssn": null}', 'us-ssn'],
    [json, '{"passport": "\\u00430\\u0031X00T47"}', '{"passport": "[passport]"}', 'passport'],
    [json, '{"passport": "ref C01X00T47"}', '{"passport": "ref C01X00T47"}'],
    ['application/x-ndjson', '{"passport":"C01X00T47"}\n{"id":"C01X00T47"}\n', '{"passport":"[passport]"}\n{"id":"C01X00T47"}\n', 'passport'],
    ['text/event-stream', 'data: {"passport":"C01X00T47"}\n\n', 'data: {"passport":"[passport]"}\n\n', 'passport'],
    [json, '{"result":{"structuredContent":{"passport":"C01X00T47"}}}', '{"result":{"structuredContent":{"passport":"[passport]"}}}', 'passport'],
    [json, '{"arguments":"{\\"passport\\":\\"C01X00T47\\"}"}', '{"arguments":"{\\"passport\\":\\"[passport]\\"}"}', 'passport'],
    [form, 'id=C01X00T47&passport=C01X00T47', 'id=C01X00T47&passport=%5Bpassport%5D', 'passport'],
    [form, 'p%61ssport=C01X00T47&passport={"number":"C01X00T47"}', 'p%61ssport=%5Bpassport%5D&passport=%7B%22number%22%3A%22%5Bpassport%5D%22%7D', 'passport'],
    [multipart, part('passport', 'C01X00T47'), part('passport', '[passport]'), 'passport'],
    [multipart, part('passport', '["C01X00T47"]', json), part('passport', '["[passport]"]', json), 'passport'],
    [multipart, part('of', 'C01X00T47'), part('of', 'C01X00T47')],
  ] as const) {
    test(`${type}: ${body}`, () => {
      assert.deepEqual(found(type, body), [masked, classes]);
    });
  }

  test('arguments of a tool in the stream of a model', () => {
    const whole = '{"passport":"C01X00T47","id":"x"}';
    for (let at = 1; at < whole.length; at += 1) {
      const [text, seen] = found('text/event-stream', events(whole.slice(0, at), whole.slice(at)), findParts);
      const said = [...text.matchAll(/"arguments":("(?:[^"\\]|\\.)*")/g)].map(([, piece = '']) => String(JSON.parse(piece))).join('');
      assert.deepEqual([said, seen], [whole.replace('C01X00T47', '[passport]'), ['passport']], String(at));
    }
  });

  test('a header', () => {
    const headers = ['x-passport', 'C01X00T47', 'x-id', 'C01X00T47'];
    assert.deepEqual(release(mask(), json, '{}', { headers }).headers.slice(2), ['x-passport', '[passport]', 'x-id', 'C01X00T47']);
    const look = textLook(all, 'target', looking);
    release(look, json, '{}', { headers });
    assert.deepEqual(look.look?.seen()?.classes, ['passport']);
  });
});

test('a name does not make a value of a number that is something else', () => {
  for (const honest of [
    { driver: { id: 1234567, name: 'Ada' }, driver_id: 1234567, assignedDriverId: 'D1234567', drivers: [1234567, 7654321] },
    { passport: { issued: 'A1234567', pages: 32, expires: '2031-05-17' }, passport_ref: 'A1234567' },
    { run_id: 123456785, workflow: { run_id: 12345678901 }, insurance_id: 46454286, social_id: 536228726 },
    { order: '536228726', invoice: { number: 9434765919 }, tracking: ['1Z999AA10123456784'], version: '1.22.33.44' },
    { license: 'Apache-2.0', licence_key: 'LIC-2024-0001', swift: '5.10.1', bic: 'MAINBANKS', device: 'A1234567' },
    { born: 'in 1980 in Bern', diagnosis: 'see page 12', phone: 'B12', card: { id: 'card_1234', last4: '4242' } },
    { passports: 'issued to those who asked for it between the years of 1980 and 1999, and then no more; see also the law of A1234567' },
  ]) {
    const body = JSON.stringify(honest);
    assert.deepEqual(found(json, body), [body, []]);
  }
});
