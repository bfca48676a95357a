import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../domain/errors.ts';
import { inTurns } from '../content/in-turns.ts';
import { changeRequest as changeInSlices, type ChangedRequest } from './changed-request.ts';
import type { Headers, RequestHead } from './reading.ts';

const stars = [(text: string): string => text.replaceAll(/secret-\w+/g, '***')];
const frameBytesMax = 4_000;
const changeRequest = async (...asked: Parameters<typeof changeInSlices>): Promise<ChangedRequest> => inTurns(changeInSlices(...asked));
const head = (...headers: Headers): RequestHead => ({ method: 'POST', path: '/x', headers });
const typed = (type: string): RequestHead => head(['content-type', type]);

/** Changes a body that was read whole. */
async function changed(type: string, body: string): Promise<string | undefined> {
  return (await changeRequest({ head: typed(type), body: Buffer.from(body) }, stars, frameBytesMax)).body?.toString();
}

/** Changes a body that comes in these pieces. */
async function changedPieces(type: string, pieces: readonly Buffer[]): Promise<string> {
  const { pieces: change } = await changeRequest({ head: typed(type), body: null }, stars, frameBytesMax);
  const released: Buffer[] = [];
  for await (const piece of change?.(of(pieces)) ?? assert.fail('it is not changed')) {
    assert.ok(piece.length > 0);
    released.push(piece);
  }
  return Buffer.concat(released).toString();
}

async function* of(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
  await Promise.resolve();
}

const form = (...parts: readonly string[]): string => `${parts.map((part) => `--limit\r\n${part}\r\n`).join('')}--limit--\r\n`;
const named = 'Content-Disposition: form-data; name="a"';
const field = 'Content-Disposition: form-data; name="say"\r\n\r\nsecret-1';
const file = 'Content-Disposition: form-data; name="file"; filename="of secret-2.json"\r\nContent-Type: application/json\r\n\r\n{"secret-3":"secret\\u002d4"}';

/** A body of each form, and what becomes of it. */
const bodies: readonly (readonly [type: string, body: string, changed: string])[] = [
  ['application/json', '{"say": ["secret-1"], "n": 1.0}', '{"say": ["***"], "n": 1.0}'],
  ['application/x-ndjson', '"secret-1"\n{"a":"secret-2"}\n{"b":"plain ö"}\n', '"***"\n{"a":"***"}\n{"b":"plain ö"}\n'],
  ['text/event-stream', 'event: e\ndata: {"a":"secret-1"}\n\n: secret-2\n\ndata: ö', 'event: e\ndata: {"a":"***"}\n\n: ***\n\ndata: ö'],
  ['text/plain', 'a secret-1, ö, a secret-2', 'a ***, ö, a ***'],
  [
    'application/x-www-form-urlencoded',
    'a=1+%2B&b=secret%2d1+%c3%b6&secret-2=&c=x=secret-3&d={"e":"secret\\u002d4"}&f',
    'a=1+%2B&b=***+%C3%B6&***=&c=x%3D***&d=%7B%22e%22%3A%22***%22%7D&f',
  ],
  [
    'multipart/form-data; boundary=limit',
    form(field, file),
    form(field.replace('secret-1', '***'), file.replace('secret-2', '***').replace('secret-3', '***').replace('secret\\u002d4', '***')),
  ],
];

for (const [type, body, expected] of bodies) {
  test(`however a body is cut, the changed bytes are the same: ${type}`, async () => {
    assert.equal(await changed(type, body), expected);
    const bytes = Buffer.from(body);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
        const places = [...new Set([0, ...cuts, bytes.length])].toSorted((a, b) => a - b);
        assert.equal(
          await changedPieces(
            type,
            places.slice(1).map((end, i) => bytes.subarray(places[i], end)),
          ),
          expected,
        );
      }),
    );
  });
}

test('a form as a client writes it is read by a server as it became', async () => {
  const said = new FormData();
  said.append('say', 'secret-1 & ö+ü');
  said.append("a 'name'", new File(['{"a":"secret-2"}'], 'of secret-3.json', { type: 'application/json' }));
  for (const written of [said, new URLSearchParams([['say', 'secret-1 & ö+ü']])]) {
    const sent = new Response(written);
    const type = sent.headers.get('content-type') ?? '';
    const body = (await changeRequest({ head: typed(type), body: Buffer.from(await sent.arrayBuffer()) }, stars, frameBytesMax)).body ?? assert.fail();
    const heard = await new Response(body, { headers: { 'content-type': type } }).formData();
    assert.equal(heard.get('say'), '*** & ö+ü');
    const upload = heard.get("a 'name'");
    if (upload !== null) {
      assert.ok(upload instanceof File);
      assert.deepEqual([upload.name, await upload.text()], ['of ***.json', '{"a":"***"}']);
    }
    assert.equal([...heard.keys()].length, written === said ? 2 : 1);
  }
});

test('a plain text that could be matched in very many ways is changed as any other', async () => {
  for (const body of ['\n'.repeat(100_000), '{}'.repeat(100_000) + ' '.repeat(100_000), `{}${'\n'.repeat(100_000)}`, ': a\n\n'.repeat(100_000)]) {
    assert.ok((await changed('text/plain', `${body}secret-1`)) === `${body}***`);
  }
});

test('any bytes are changed, or refused by our own error, and the same in pieces', async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(...'&=%2"{}\n;'.split(''), '--limit', '\r\n', '--', 'name=', 'secret-1', named).map((each) => Buffer.from(each)),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...bodies), fc.array(piece, { maxLength: 10 }), fc.nat(), async ([type, body], others, at) => {
      const place = at % (body.length + 1);
      const bytes = Buffer.concat([Buffer.from(body.slice(0, place)), ...others, Buffer.from(body.slice(place))]);
      const code = (error: unknown): string => (error instanceof GatewayError ? error.code : assert.fail(String(error)));
      const whole = await changeRequest({ head: typed(type), body: bytes }, stars, frameBytesMax).then(({ body: changedBody }) => String(changedBody), code);
      assert.equal(
        await changedPieces(
          type,
          [...bytes].map((byte) => Buffer.from([byte])),
        ).catch(code),
        whole,
      );
    }),
  );
});

test('lines and events go on as they come', async () => {
  const { pieces } = await changeRequest({ head: typed('application/x-ndjson'), body: null }, stars, frameBytesMax);
  const { promise: never } = Promise.withResolvers<Buffer>();
  const coming = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('"secret-1"\n"sec');
    yield await never;
  };
  const first = await pieces?.(coming())[Symbol.asyncIterator]().next();
  assert.equal(first?.value.toString(), '"***"\n');
});

test('the head of a changed request has the new length if it is known, and no digest of the old body', async () => {
  const asked = head(['content-type', 'application/json'], ['content-length', '20'], ['content-digest', 'sha-256=:x:']);
  assert.deepEqual((await changeRequest({ head: asked, body: Buffer.from('{"say": ["secret-1"]}') }, stars, frameBytesMax)).head.headers, [
    ['content-type', 'application/json'],
    ['content-length', '16'],
  ]);
  assert.deepEqual((await changeRequest({ head: asked, body: null }, stars, frameBytesMax)).head.headers, [['content-type', 'application/json']]);
  const body = Buffer.from('{"say": ["public-1"]}');
  const unchanged = await changeRequest({ head: asked, body }, stars, frameBytesMax);
  assert.deepEqual([unchanged.head, unchanged.body], [asked, body], 'they are true for a body that is not changed');
  for (const name of ['content-md5', 'digest', 'repr-digest', 'x-amz-content-sha256', 'x-amz-checksum-crc32', 'x-amz-sdk-checksum-algorithm', 'x-goog-hash']) {
    const { headers } = (await changeRequest({ head: head(['x-kept', '1'], [name, 'x']), body: Buffer.from('secret-1') }, stars, frameBytesMax)).head;
    assert.deepEqual(
      headers,
      [
        ['x-kept', '1'],
        ['content-length', '3'],
      ],
      name,
    );
  }
});

test('a message that its client signed is refused where a text of it would be changed, or could be', async () => {
  for (const header of [
    ['signature-input', 'sig=("content-digest");keyid="k"'],
    ['signature', 'sig=:x:'],
    ['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
    ['x-amz-content-sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'],
  ] as const) {
    const signed = head(['content-type', 'text/plain'], header);
    for (const body of [Buffer.from('secret-1'), null]) {
      await assert.rejects(changeRequest({ head: signed, body }, stars, frameBytesMax), { code: 'unsupported', message: /has signed/ });
    }
    assert.equal((await changeRequest({ head: signed, body: Buffer.from('public') }, stars, frameBytesMax)).head, signed);
  }
});

test('a request without a body goes on as it is', async () => {
  const asked = { head: typed('image/png'), body: Buffer.alloc(0) };
  assert.equal((await changeRequest(asked, stars, frameBytesMax)).head, asked.head);
});

test('what has no texts that can be found is refused, whether it came whole or comes in pieces', async () => {
  const part = (...lines: readonly string[]): string => form(lines.join('\r\n'));
  const isForm = 'multipart/form-data; boundary=limit';
  for (const [type, body] of [
    ['image/png', 'secret-1'],
    ['application/octet-stream', 'secret-1'],
    ['text/plain', 'secret\0'],
    ['text/plain; charset=utf-16', 'secret-1'],
    ['application/x-www-form-urlencoded', '{"a":"secret-1"}'],
    ['application/x-www-form-urlencoded', 'a=%ff'],
    ['multipart/form-data', form(field)],
    ['multipart/form-data; boundary=limit; boundary=other', form(field)],
    ['multipart/mixed; boundary=limit', form(field)],
    [isForm, `secret-1\r\n${form(field)}`],
    [isForm, form(field).replace('--limit\r\n', '-secret-1')],
    [isForm, `${form(field)}secret-1`],
    [isForm, form(field).slice(0, -6)],
    [isForm, part(named, 'Content-Type: image/png', '', 'secret-1')],
    [isForm, part(named, 'Content-Type: multipart/form-data; boundary=x', '', form(field).replaceAll('limit', 'x'))],
    [isForm, part(named, 'Content-Transfer-Encoding: base64', '', 'c2VjcmV0LTE=')],
    [isForm, part(named, 'Content-Type: text/plain', 'Content-Type: text/html', '', 'secret-1')],
    [isForm, part("Content-Disposition: form-data; name=a; filename*=UTF-8''secret%2d1", '', 'x')],
    [isForm, part(named, '', 'a\n--limit\nb')],
    [isForm, part(`Content-Disposition: form-data${'; name=a '.repeat(300)}%`, '', 'a head that could be matched in very many ways')],
  ] as const) {
    await assert.rejects(changed(type, body), { code: 'unsupported' }, `${type} ${body}`);
    await assert.rejects(async () => changedPieces(type, [Buffer.from(body)]), { code: 'unsupported' });
  }
  for (const header of [['content-encoding', 'gzip'] as const, ['content-range', 'bytes 0-7/20'] as const]) {
    await assert.rejects(changeRequest({ head: head(['content-type', 'text/plain'], header), body: null }, stars, frameBytesMax), { code: 'unsupported' });
  }
});

test('a change that makes a boundary of the form is refused', async () => {
  const removed = [(text: string): string => text.replaceAll('secret', '')];
  const body = Buffer.from(form('Content-Disposition: form-data; name="a"\r\n\r\nx\r\n--lisecretmit\r\n'));
  await assert.rejects(changeRequest({ head: typed('multipart/form-data; boundary=limit'), body }, removed, frameBytesMax), { code: 'unsupported' });
});

test('a frame that is too long, and a form with too many fields, are refused', async () => {
  const tooLong = { code: 'limit_exceeded' };
  await assert.rejects(async () => changedPieces('text/plain', [Buffer.from('x'.repeat(frameBytesMax)), Buffer.from('x')]), tooLong);
  await assert.rejects(async () => changedPieces('application/x-ndjson', [Buffer.from(`"${'x'.repeat(frameBytesMax)}"\n`)]), tooLong);
  const long = Buffer.from('"x"\n'.repeat(frameBytesMax));
  assert.equal(await changedPieces('application/x-ndjson', [long, long]), Buffer.concat([long, long]).toString(), 'the body may be longer than a frame');
  await assert.rejects(changed('application/x-www-form-urlencoded', '&'.repeat(10_000)), tooLong);
});
