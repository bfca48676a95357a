import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountedWork, hostileText, mostUnits } from '../../../../tests/support/counted-work.ts';
import { maskAll } from '../../../../tests/support/every-cut.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { PostgresRelay } from './relay.ts';
import { clientMessages, int16s, int32s, message, targetMessages } from './testdata/shorthand.ts';
import { testRelay } from './testdata/test-relay.ts';

const frameBytesMax = 16 * 1024 * 1024;
const socketBytes = 64 * 1024;
const allowed = { verdict: 'allow', policies: [], policyVersion: '1', reason: '', obligations: [] } as const;

function row(...values: readonly string[]): Buffer {
  return message('D', int16s(values.length), ...values.flatMap((value) => [int32s(Buffer.byteLength(value)), Buffer.from(value)]));
}

function described(...types: readonly number[]): Buffer {
  return message('T', int16s(types.length), ...types.flatMap((type) => ['c', int32s(0), int16s(0), int32s(type), int16s(-1), int32s(-1), int16s(0)]));
}

const end = targetMessages('C:SELECT 1 / Z:I');
const json = JSON.stringify({ a: hostileText, b: ['ada@example.com', hostileText], c: Array.from({ length: 2_000 }, (_, i) => `4111 1111 ${i}`) });
const answers: readonly (readonly [name: string, answer: Buffer])[] = [
  ['a text', Buffer.concat([described(25, 25), row('bob@example.com', hostileText), row('eve@example.com', 'x'), end])],
  ['JSON', Buffer.concat([described(3802), row(json), end])],
  ['an array', Buffer.concat([described(1009), row(`{"${hostileText}",x,"bob@example.com"}`), end])],
  [
    'many columns',
    Buffer.concat([described(...Array.from({ length: 500 }, () => 25)), row(...Array.from({ length: 500 }, () => hostileText.slice(0, 2_000))), end]),
  ],
  ['many rows', Buffer.concat([described(25), ...Array.from({ length: 200 }, () => row(hostileText.slice(0, 2_000))), end])],
  ['a notice', Buffer.concat([targetMessages(`N:${hostileText}`), end])],
  ['COPY data', Buffer.concat([message('H', Buffer.from([0, 0, 0])), targetMessages(`d:1\t${hostileText}\tbob@example.com\n`), targetMessages('c'), end])],
];

/** A relay that is pulled as the loop does it, whose requests are allowed, with these changes of their answers. */
class Pulled {
  readonly relay = testRelay({ frameBytesMax });
  readonly #changes: readonly TextChange[];
  readonly #released: Uint8Array[] = [];
  closed: string | null = null;

  constructor(changes: readonly TextChange[]) {
    this.#changes = changes;
    this.relay.clientBytes(clientMessages('Q:select 1'));
    this.pull();
  }

  /** Returns true if the relay pauses. */
  pull(): boolean {
    for (let output = this.relay.next(); output !== null; output = this.relay.next()) {
      if (output.type === 'pause') {
        return true;
      }
      if (output.type === 'request') {
        this.relay.decided(allowed, 1, this.#changes);
      } else if (output.type === 'response') {
        this.#released.push(...output.bytes);
      } else {
        this.closed = output.reason;
      }
    }
    return false;
  }

  async pullAll(): Promise<void> {
    while (this.pull()) {
      await new Promise(setImmediate);
    }
  }

  get released(): Buffer {
    return Buffer.concat(this.#released);
  }
}

async function answered(changes: readonly TextChange[], answer: Buffer): Promise<Buffer> {
  const pulled = new Pulled(changes);
  for (let at = 0; at < answer.length; at += socketBytes) {
    pulled.relay.upstreamBytes(answer.subarray(at, at + socketBytes));
    await pulled.pullAll();
    await new Promise(setImmediate);
  }
  return pulled.released;
}

for (const [name, answer] of answers) {
  test(`the long texts of PostgreSQL are changed in slices, to the same: ${name}`, async () => {
    const counted = new CountedWork();
    const sliced = answered([counted.mask()], answer);
    const most = await counted.mostWhile(sliced);
    assert.ok(most <= mostUnits, `${most} in one turn`);
    const mask = maskAll();
    const whole = await answered([(text) => mask(text)], answer);
    assert.ok((await sliced).equals(whole));
    assert.ok(!whole.includes('@') && whole.includes('[email]'));
  });

  test(`the long texts of PostgreSQL are looked at in slices, and pass when that is done: ${name}`, async () => {
    const counted = new CountedWork();
    const look = counted.looking();
    const looked = answered([look], answer);
    const most = await counted.mostWhile(looked);
    assert.ok(most <= mostUnits, `${most} in one turn`);
    assert.ok((await looked).equals(answer));
    const seen = look.look?.seen();
    assert.ok(seen?.isInspected === true && seen.classes.includes('email'));
  });
}

test('a message that comes in many pieces is copied a bounded number of times', async (t) => {
  const concat = Buffer.concat.bind(Buffer);
  let copied = 0;
  t.mock.method(Buffer, 'concat', (list: readonly Uint8Array[]) => {
    copied += list.reduce((sum, { length }) => sum + length, 0);
    return concat(list);
  });
  const answer = Buffer.concat([row('x'.repeat(4 * 1024 * 1024)), end]);
  copied = 0;
  await answered([(text) => text], answer);
  assert.ok(copied <= 4 * answer.length, `${copied} bytes`);
});

for (const [name, request] of [
  ['a statement', clientMessages(`Q:select '${hostileText}', 'bob@example.com'`)],
  [
    'a value',
    Buffer.concat([message('B', '', '', int16s(0), int16s(1), int32s(hostileText.length), Buffer.from(hostileText), int16s(0)), clientMessages('E: / S')]),
  ],
] as const) {
  test(`long texts of a client are changed in slices: ${name}`, async () => {
    const counted = new CountedWork();
    const sent = async (change: TextChange): Promise<Buffer> => {
      const { relay } = new Pulled([]);
      relay.upstreamBytes(end);
      relay.clientBytes(request);
      for (let output = relay.next(); output !== null; output = relay.next()) {
        if (output.type === 'request') {
          const changed = output.change?.({ texts: [change], obligations: [] });
          return Buffer.concat(((await changed?.reading) ?? changed)?.bytes ?? []);
        }
      }
      return assert.fail('nothing is asked');
    };
    const sliced = sent(counted.mask());
    const most = await counted.mostWhile(sliced);
    assert.ok(most <= mostUnits, `${most} in one turn`);
    const mask = maskAll();
    assert.ok((await sliced).equals(await sent((text) => mask(text))));
    assert.ok((await sliced).includes('[email]') && !(await sliced).includes('@'));
  });
}

const long = Buffer.concat([row('bob@example.com', hostileText), end]);

test('bytes, and the end, that come while a long text is changed wait for it', async () => {
  const pulled = new Pulled([maskAll()]);
  const { relay } = pulled;
  relay.upstreamBytes(long);
  assert.ok(pulled.pull());
  relay.upstreamBytes(targetMessages('N:to eve@example.com'));
  relay.upstreamEnded();
  assert.ok(pulled.pull());
  assert.deepEqual([pulled.released.length, pulled.closed], [0, null]);
  await pulled.pullAll();
  assert.match(pulled.released.toString('latin1'), /^D.*SELECT 1.*to \[email\].*08006/s);
  assert.equal(pulled.closed, 'target');
});

for (const [name, act, words] of [
  ['fails', (relay: PostgresRelay) => relay.fail(new GatewayError('halted', 'An operator halted the session.')), /^E[^D]*57P01/s],
  ['loses its client', (relay: PostgresRelay) => relay.clientEnded(), /^$/],
] as const) {
  test(`a relay that ${name} while a long text is changed drops the text`, () => {
    const pulled = new Pulled([maskAll()]);
    pulled.relay.upstreamBytes(long);
    assert.ok(pulled.pull());
    act(pulled.relay);
    assert.equal(pulled.pull(), false);
    assert.match(pulled.released.toString('latin1'), words);
    assert.notEqual(pulled.closed, null);
  });
}
