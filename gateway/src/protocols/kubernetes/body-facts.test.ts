import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { step, type BodyFacts } from './body-facts.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';

function take(type: string, body: Uint8Array | string, coding = ''): BodyFacts {
  const headers = [['content-type', type] as const, ...(coding === '' ? [] : [['content-encoding', coding] as const])];
  const facts = step.take({ headers, body: Buffer.from(body) });
  assert.ok(!(facts instanceof Promise));
  return facts;
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.of(value) : Buffer.concat([Buffer.of((value % 0x80) | 0x80), varint(Math.floor(value / 0x80))]);
}

function field(number: number, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** An object as `kubectl create` sends it. */
function object(...parts: readonly Buffer[]): Buffer {
  const type = Buffer.concat([field(1, 'v1'), field(2, 'ConfigMap')]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, Buffer.concat(parts)), field(4, '')]);
}

const metadata = (name: string, namespace: string): Buffer => field(1, Buffer.concat([field(1, name), field(2, 'prefix-'), field(3, namespace)]));

test('name and namespace of an object are found in JSON and in Protocol Buffers', () => {
  const texts = fc.stringMatching(/^[a-z0-9.-]{0,300}$/);
  fc.assert(
    fc.property(texts, texts, fc.uint8Array({ maxLength: 300 }), (name, namespace, data) => {
      const said = { isReadable: true, name, namespace, isDryRun: false };
      assert.deepEqual(take('application/json', JSON.stringify({ data: Buffer.from(data).toString('hex'), metadata: { name, namespace } })), said);
      assert.deepEqual(take(protobuf, object(field(2, data), metadata(name, namespace), Buffer.of(0x18, 0xff, 0x01))), said);
    }),
  );
});

test('A1: any bytes are an object, or malformed', () => {
  const whole = object(metadata('notes', 'shop'));
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes])),
    fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => Buffer.concat([whole.subarray(0, at), Buffer.of(byte), whole.subarray(at + 1)])),
    fc.nat(whole.length).map((at) => whole.subarray(0, at)),
  );
  fc.assert(
    fc.property(hostile, fc.constantFrom(protobuf, 'application/json', 'application/yaml', 'application/json-patch+json', ''), (bytes, type) => {
      try {
        take(type, bytes);
      } catch (error) {
        assert.ok(error instanceof GatewayError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('what readers read differently is refused', () => {
  const [one, other] = [metadata('one', 'shop'), metadata('other', 'shop')];
  const key = (bytes: readonly number[]): Buffer => Buffer.concat([Buffer.from(bytes), other.subarray(1)]);
  for (const [why, body] of [
    ['metadata twice', object(one, other)],
    ['a name twice', object(field(1, Buffer.concat([field(1, 'one'), field(1, 'other')])))],
    // A reader that keeps 32 bits of the number of a field takes both for metadata, and so does one that keeps 64 bits of the key.
    ['a key of more than 32 bits', object(one, key([0x8a, 0x80, 0x80, 0x80, 0x80, 0x01]))],
    ['a number of more than 32 bits', object(one, key([0x8a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]))],
    ['a key of more than 64 bits', object(one, key([0x8a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02]))],
    ['a group', object(one, Buffer.of(0x1b, 0x1c))],
    ['a length beyond the end', object(one, Buffer.of(0x1a, 0x7f))],
    ['no object', Buffer.from('{"metadata":{"name":"one"}}')],
  ] as const) {
    assert.throws(() => take(protobuf, body), { code: 'malformed' }, why);
  }
  for (const body of ['{"metadata":{"name":"a"},"metadata":{"name":"b"}}', '[]', '"text"', '{"a":1}{"b":2}', '{"__proto__":1}']) {
    assert.throws(() => take('application/json', body), { code: 'malformed' }, body);
  }
  assert.throws(() => take('application/json-patch+json', '{}'), { code: 'malformed' });
});

test('a body in another form is not read, and says so', () => {
  const body = '{"metadata":{"name":"notes"}}';
  assert.equal(take('application/yaml', 'metadata:\n  name: notes\n').isReadable, false);
  assert.equal(take('application/cbor', body).isReadable, false);
  assert.equal(take('application/json', body, 'gzip').isReadable, false);
  assert.equal(take(protobuf, Buffer.concat([Buffer.from('k8s\0'), field(2, metadata('a', 'b')), field(3, 'gzip')])).isReadable, false);
  for (const type of ['', 'application/json', 'application/apply-patch+yaml', 'application/strategic-merge-patch+json']) {
    assert.equal(take(type, body).name, 'notes', type);
  }
});

test('a removal is a trial by its own options alone', () => {
  assert.equal(take('application/json', '{"dryRun":["All"]}').isDryRun, true);
  for (const body of ['{"dryRun":[]}', '{"dryRun":"All"}', '{"dryRun":["All","x"]}', '{"dryrun":["All"]}', '{}']) {
    assert.equal(take('application/json', body).isDryRun, false, body);
  }
});
