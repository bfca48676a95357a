import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Verdict } from '../../domain/decision.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Output } from '../../wire/relay.ts';
import { PostgresRelay } from './relay.ts';
import { clientMessages, message, targetMessages } from './testdata/shorthand.ts';
import { testRelay } from './testdata/test-relay.ts';
import { play } from './testdata/transcript.ts';

const transcripts = join(import.meta.dirname, 'testdata');
const frameBytesMax = 64 * 1024;

function makeRelay(session = '5e55'): PostgresRelay {
  return testRelay({ session, frameBytesMax });
}

/** Executes outputs with arrays; requests get the verdicts in turn, then `allow`. */
class Harness {
  readonly relay = makeRelay();
  readonly requests: { readonly name: string; readonly seq: number; readonly bytes: Buffer; readonly verdict: Verdict }[] = [];
  readonly responses: { readonly request: number | undefined; readonly bytes: Buffer; readonly facts: string }[] = [];
  closed: string | null = null;
  readonly #verdicts: Verdict[];
  readonly #changes: readonly TextChange[];
  #seq = 0;

  constructor(verdicts: readonly Verdict[] = [], changes: readonly TextChange[] = []) {
    this.#verdicts = [...verdicts];
    this.#changes = changes;
  }

  client(bytes: Buffer): void {
    this.relay.clientBytes(bytes);
    this.pull();
  }

  target(bytes: Buffer): void {
    this.relay.upstreamBytes(bytes);
    this.pull();
  }

  pull(): void {
    for (let output = this.relay.next(); output !== null; output = this.relay.next()) {
      if (output.type !== 'pause') {
        this.#execute(output);
      }
    }
  }

  #execute(output: Output): void {
    if (output.type === 'close') {
      this.closed = output.reason;
      return;
    }
    const bytes = Buffer.concat(output.bytes);
    if (output.type === 'response') {
      this.responses.push({
        request: output.meta.request,
        bytes,
        facts: output.continues ? '' : JSON.stringify(output.meta.attributes ?? {}),
      });
      return;
    }
    this.#seq += 1;
    const verdict = output.byGateway === true ? 'allow' : (this.#verdicts.shift() ?? 'allow');
    this.requests.push({ name: output.action.name, seq: this.#seq, bytes, verdict });
    this.relay.decided({ verdict, policies: [], policyVersion: '1', reason: 'no', obligations: [] }, this.#seq, this.#changes);
  }

  get forwarded(): Buffer {
    return Buffer.concat(this.requests.filter(({ verdict }) => verdict === 'allow').map(({ bytes }) => bytes));
  }

  get released(): Buffer {
    return Buffer.concat(this.responses.map(({ bytes }) => bytes));
  }

  /** The answer to each request: its bytes, and the facts of its last part without the places where its parts were cut. */
  get answers(): string[] {
    const answers = new Map<number | undefined, { bytes: Buffer; facts: string }>();
    for (const { request, bytes, facts } of this.responses) {
      const before = answers.get(request)?.bytes ?? Buffer.alloc(0);
      answers.set(request, { bytes: Buffer.concat([before, bytes]), facts: facts.replace(/,?"countersign.(?:begun_bytes|part_rows)":\d+/g, '') });
    }
    return [...answers].map(([request, { bytes, facts }]) => `${request} ${bytes.toString('hex')} ${facts}`);
  }
}

/** Cuts bytes at random places. */
function chunks(bytes: Buffer): fc.Arbitrary<Buffer[]> {
  return fc.array(fc.nat(bytes.length), { maxLength: 12 }).map((cuts) => {
    const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
  });
}

describe('transcripts', () => {
  const files = readdirSync(transcripts).filter((file) => file.endsWith('.transcript'));
  assert.ok(files.length >= 15, 'the transcripts are there');
  for (const file of files) {
    test(file, () => {
      const golden = readFileSync(join(transcripts, file), 'utf8');
      assert.equal(play(golden), golden);
    });
  }
});

const conversation = [
  'Q:select 1',
  'P:s:select $1 / D:S:s / S',
  'B::s:1 / E: / S',
  'P::insert into t values (1) / B::: / E: / B::: / E: / S',
  'F:952',
  'C:S:s / H / S',
  'Q:copy t from stdin',
  'd:some data / d:more data, longer than a header / d: / c',
  'Q:last',
].map(clientMessages);

const answer = targetMessages(
  [
    'T:one / D:1 / N:a notice / C:SELECT 1 / Z:I',
    '1 / t:23 / T:v / Z:I',
    '2 / D:a value of some length / D:∅ / C:SELECT 2 / Z:I',
    '1 / 2 / C:INSERT 0 1 / 2 / E:23505:duplicate key value violates unique constraint / Z:I',
    'V:value / Z:I',
    '3 / Z:I',
    'G / C:COPY 3 / Z:I',
    'E:57014:canceling statement due to user request / Z:I / A:jobs:42',
  ].join(' / '),
);

/** The bytes by which the last request of a connection is known again. Client and target take turns; a client that pipelines says all at once. */
function known(session: string, ...turns: readonly (readonly [client: string, target: string])[]): string {
  const relay = makeRelay(session);
  let bytes = '';
  for (const [i, [client, target]] of turns.entries()) {
    relay.clientBytes(clientMessages(client));
    for (let output = relay.next(); output !== null; output = relay.next()) {
      if (output.type === 'request') {
        bytes = Buffer.concat([...(output.action.known?.() ?? output.bytes)]).toString('hex');
        relay.decided({ verdict: 'allow', policies: [], policyVersion: '1', reason: '', obligations: [] }, i + 1);
      }
    }
    if (target !== '') {
      relay.upstreamBytes(targetMessages(target));
    }
  }
  return bytes;
}

test('B20: a request is known again by what its names stand for, in another session too if that is sure', () => {
  const update = 'update t set a = $1';
  const prepared = [`P:s:${update} / D:S:s / S`, '1 / t:23 / n / Z:I'] as const;
  const runs = ['B::s:1 / E: / S', ''] as const;
  const first = known('one', prepared, runs);
  assert.equal(known('two', prepared, runs), first);
  assert.equal(known('two', [`P::${update} / B:::1 / E: / S`, '']), first, 'the Parse may come with it, and the name does not count');
  assert.equal(known('two', [`P:x:select 1 / S`, '1 / Z:I'], prepared, runs), first, 'what else was prepared does not count');
  const bound = ['B:p:s:1 / S', '2 / Z:T'] as const;
  const executed = known('one', prepared, bound, ['E:p / S', '']);
  assert.equal(known('two', prepared, bound, ['E:p / S', '']), executed);
  const types = message('P', 's', update, Buffer.from([0, 1, 0, 0, 0, 25])).toString('hex');
  const sqlPrepared = ['Q:prepare q as update t set a = 1', 'C:PREPARE / Z:I'] as const;
  const sql = known('one', sqlPrepared, ['Q:execute q', '']);
  assert.equal(known('two', sqlPrepared, ['Q:execute q', '']), sql);
  const others = [
    known('one', [`P:s:${update} where true / S`, '1 / Z:I'], runs),
    known('one', [`raw:${types} / S`, '1 / Z:I'], runs),
    known('one', prepared, ['B::s:2 / E: / S', '']),
    known('one', prepared, ['B:p:s:2 / S', '2 / Z:T'], ['E:p / S', '']),
    known('one', ['Q:prepare q as update t set a = 2', 'C:PREPARE / Z:I'], ['Q:execute q', '']),
    known('one', ['Q:execute q', '']),
    known('two', ['Q:execute q', '']),
    known('one', runs),
    known('two', runs),
    // While the target has not answered, the name may still stand for what it stood for before.
    known('one', [prepared[0], ''], runs),
    known('two', [prepared[0], ''], runs),
    known('one', prepared, ['P:s:delete from t / S', ''], runs),
    // SQL may have prepared another one under this name.
    known('three', prepared, ['Q:deallocate s; prepare s as select 1', 'C:DEALLOCATE / C:PREPARE / Z:I'], runs),
    known('four', prepared, ["Q:do $$ begin execute 'deallocate s'; end $$", 'C:DO / Z:I'], ['Q:prepare s as select 1', 'C:PREPARE / Z:I'], runs),
  ];
  assert.equal(new Set([first, executed, sql, ...others]).size, 3 + others.length);
});

test('any chunking of the client’s bytes forwards the same bytes, and no request is cut within a message', () => {
  const stream = Buffer.concat(conversation);
  fc.assert(
    fc.property(chunks(stream), (pieces) => {
      const harness = new Harness();
      for (const piece of pieces) {
        harness.client(Buffer.from(piece));
      }
      assert.deepEqual(harness.forwarded, stream);
      assert.equal(harness.closed, null);
      const statements = harness.requests.filter(({ name }) => name !== 'postgres.copy' && name !== 'postgres.prepare');
      assert.deepEqual(
        statements.map(({ name }) => name),
        ['postgres.query', 'postgres.execute', 'postgres.execute', 'postgres.execute', 'postgres.function_call', 'postgres.query', 'postgres.query'],
      );
    }),
  );
});

test('any chunking of the target’s bytes gives each request the same answer', () => {
  const whole = new Harness();
  whole.client(Buffer.concat(conversation));
  whole.target(answer);
  assert.equal(whole.answers.length, 11, 'ten answers, and what was said unasked');
  assert.deepEqual(whole.released, answer);
  fc.assert(
    fc.property(chunks(answer), (pieces) => {
      const harness = new Harness();
      harness.client(Buffer.concat(conversation));
      for (const piece of pieces) {
        harness.target(Buffer.from(piece));
      }
      assert.deepEqual(harness.answers, whole.answers);
    }),
  );
});

test('any chunking of the target’s bytes gives the same changed texts, also of a row of COPY data in several messages', () => {
  const words = /value of some|a notice|duplicate key|canceling|told/g;
  const stars = (text: string): string => text.replaceAll(words, '***');
  const copied = [
    message('H', Buffer.from([0, 0, 0])),
    targetMessages('d:a to / N:a notice / d:ld row'),
    message('d', Buffer.from('\n')),
    targetMessages('d:no told end / c / C:COPY 1 / Z:I'),
  ];
  const sent = Buffer.concat([answer, ...copied, targetMessages('A:jobs:told')]);
  const run = (pieces: readonly Buffer[]): Harness => {
    const harness = new Harness([], [stars]);
    harness.client(Buffer.concat([...conversation, clientMessages('Q:copy t to stdout')]));
    for (const piece of pieces) {
      harness.target(Buffer.from(piece));
    }
    return harness;
  };
  const whole = run([sent]);
  const released = whole.released.toString('latin1');
  assert.equal(released.match(words), null);
  assert.equal(released.match(/\*{3}/g)?.length, 8);
  assert.match(released, /no \*{3} endc\0/, 'a row without an end comes before the end of all rows');
  assert.match(released.replaceAll(/[dN]\0\0\0.(?:[SVC]\w+\0)*M?/gs, ''), /a \*\*\* row\n/);
  fc.assert(
    fc.property(chunks(sent), (pieces) => {
      assert.deepEqual(run(pieces).answers, whole.answers);
    }),
  );
});

test('a row of COPY data whose texts are changed is released when it ends, not later', () => {
  const harness = new Harness([], [(text) => text.replaceAll('told', '***')]);
  harness.client(clientMessages('Q:copy t to stdout'));
  harness.target(Buffer.concat([message('H', Buffer.from([0, 0, 0])), targetMessages('d:to')]));
  assert.doesNotMatch(harness.released.toString('latin1'), /to/);
  harness.target(message('d', Buffer.from('ld\n')));
  assert.match(harness.released.toString('latin1'), /\*{3}\n$/);
});

test('an error within a row of COPY data is told at once, behind what there is of the row', () => {
  const harness = new Harness([], [(text) => text.replaceAll('told', '***')]);
  harness.client(clientMessages('Q:copy t to stdout'));
  harness.target(Buffer.concat([message('H', Buffer.from([0, 0, 0])), targetMessages('d:a to / d:ld row')]));
  assert.equal(harness.released.includes('row'), false);
  harness.target(targetMessages('FATAL:57P01:it ends'));
  assert.match(harness.released.toString('latin1'), /\*\*\* row.*57P01/s);
  assert.match(harness.responses.at(-1)?.facts ?? '', /57P01/);
});

test('COPY in its binary format is refused where texts are changed, and so is a message that is too long to be held', () => {
  for (const [bytes, code] of [
    [message('H', Buffer.from([1, 0, 0])), '0A000'],
    [Buffer.from('44ffffff00', 'hex'), '08P01'],
    [Buffer.from('4400ffff00', 'hex'), '54000'],
  ] as const) {
    for (const pieces of [[bytes], Array.from(bytes, (byte) => Buffer.of(byte))]) {
      const harness = new Harness([], [(text) => text]);
      harness.client(clientMessages('Q:copy t to stdout'));
      for (const piece of pieces) {
        harness.target(piece);
      }
      assert.match(harness.released.toString('latin1'), new RegExp(code));
      assert.notEqual(harness.closed, null);
    }
  }
});

test('any chunking of an answer keeps the refusal in its place', () => {
  const stream = targetMessages(`C:BEGIN / Z:T / N:hm / E:42601:syntax error / Z:E / C:ROLLBACK / Z:I`);
  const run = (pieces: readonly Buffer[]): Harness => {
    const harness = new Harness(['allow', 'deny', 'allow']);
    harness.client(clientMessages('Q:begin / Q:drop table t / Q:rollback'));
    for (const piece of pieces) {
      harness.target(Buffer.from(piece));
    }
    return harness;
  };
  const whole = run([stream]);
  assert.ok(whole.released.includes('42501'));
  assert.ok(!whole.released.includes('42601'));
  assert.ok(!whole.forwarded.includes('drop table'));
  fc.assert(
    fc.property(chunks(stream), (pieces) => {
      assert.deepEqual(run(pieces).answers, whole.answers);
    }),
  );
});

test('random bytes from either side: nothing but a close comes of it', () => {
  const input = fc.record({
    isClient: fc.boolean(),
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(...conversation, answer),
      fc.tuple(fc.constantFrom(...'QPBDECSHXFdcfp12TtnDCZEGHWNASVRKs'.split('')), fc.uint8Array({ maxLength: 40 })).map(([type, body]) => message(type, body)),
    ),
  });
  fc.assert(
    fc.property(fc.array(input, { maxLength: 30 }), fc.array(fc.constantFrom<Verdict>('allow', 'deny'), { maxLength: 20 }), (inputs, verdicts) => {
      const harness = new Harness(verdicts);
      for (const { isClient, bytes } of inputs) {
        if (isClient) {
          harness.client(Buffer.from(bytes));
        } else {
          harness.target(Buffer.from(bytes));
        }
      }
      harness.relay.fail(new GatewayError('stopping', 'The gateway is stopping.'));
      harness.pull();
      assert.notEqual(harness.closed, null);
    }),
    { numRuns: 500 },
  );
});

describe('A1, D33: a declared length', () => {
  const lengths = [0, 1, 2, 3, 0x8000_0000, 0xffff_ffff, 0xffff_fffe];
  for (const type of ['Q', 'P', 'd']) {
    for (const length of lengths) {
      test(`${type} of ${length} from the client is refused`, () => {
        const harness = new Harness();
        const header = Buffer.alloc(9);
        header.write(type, 'latin1');
        header.writeUInt32BE(length, 1);
        harness.client(header);
        assert.equal(harness.closed, 'error');
        assert.ok(harness.released.includes('08P01'));
        assert.equal(harness.requests.length, 0);
      });
    }
  }
  for (const length of lengths) {
    test(`D of ${length} from the target is refused`, () => {
      const harness = new Harness();
      harness.client(clientMessages('Q:select 1'));
      const header = Buffer.alloc(9);
      header.write('D', 'latin1');
      header.writeUInt32BE(length, 1);
      harness.target(header);
      assert.equal(harness.closed, 'error');
    });
  }

  test('longer than the limit is refused before its bytes come', () => {
    const harness = new Harness();
    const header = Buffer.alloc(5);
    header.write('Q', 'latin1');
    header.writeUInt32BE(frameBytesMax + 1, 1);
    harness.client(header);
    assert.equal(harness.closed, 'error');
    assert.ok(harness.released.includes('54000'));
  });

  test('a query that ends before its message is refused, because readers stop at the zero byte', () => {
    const harness = new Harness();
    harness.client(message('Q', 'select 1', 'drop table t'));
    assert.equal(harness.closed, 'error');
    assert.equal(harness.requests.length, 0);
  });
});

test('a row of many MiB streams through without being held', () => {
  const harness = new Harness();
  harness.client(clientMessages('Q:select long'));
  const bytes = 200 * 1024 * 1024;
  const header = Buffer.alloc(11);
  header.write('D', 'latin1');
  header.writeUInt32BE(bytes + 10, 1);
  header.writeUInt16BE(1, 5);
  header.writeUInt32BE(bytes, 7);
  harness.target(header);
  const piece = Buffer.alloc(64 * 1024);
  for (let sent = 0; sent < bytes; sent += piece.length) {
    harness.relay.upstreamBytes(piece);
    const output = harness.relay.next();
    assert.equal(output?.type, 'response');
    assert.equal(output.bytes[0]?.buffer, piece.buffer, 'a view of the chunk, not a copy');
    assert.equal(harness.relay.next(), null);
  }
  harness.target(targetMessages('C:SELECT 1 / Z:I'));
  assert.match(harness.responses.at(-1)?.facts ?? '', /"db.response.returned_rows":1/);
});

test('a statement of the largest allowed size, byte by byte, is one request; its pieces are not kept one by one', () => {
  const harness = new Harness();
  const query = message('Q', 'x'.repeat(frameBytesMax - 5));
  for (const byte of query) {
    harness.client(Buffer.from([byte]));
  }
  assert.equal(harness.requests.length, 1);
  assert.deepEqual(harness.forwarded, query);
});

test('messages that execute nothing are grouped only up to a limit', () => {
  const harness = new Harness();
  const parse = clientMessages('P:s:select 1');
  for (let sent = 0; sent < 5000; sent += 1) {
    harness.client(parse);
  }
  assert.ok(harness.requests.length >= 4);
  assert.ok(harness.requests.every(({ name, bytes }) => name === 'postgres.prepare' && bytes.length <= 1001 * parse.length));
});

test('a client that pipelines without end waits for answers', () => {
  const harness = new Harness();
  const flood = clientMessages('Q:').toString('latin1').repeat(20_000);
  harness.client(Buffer.from(flood, 'latin1'));
  assert.equal(harness.requests.length, 10_000);
  assert.equal(harness.relay.isFull, true);
  harness.target(targetMessages('I / Z:I / I / Z:I'));
  assert.equal(harness.requests.length, 10_002);
  for (let answered = 2; answered < 20_000; answered += 1) {
    harness.target(targetMessages('I / Z:I'));
  }
  assert.equal(harness.requests.length, 20_000);
  assert.equal(harness.relay.isFull, false);
});

test('while a request is held nothing more of the client moves; the target’s bytes do', () => {
  const relay = makeRelay();
  relay.clientBytes(clientMessages('Q:listen jobs / Q:select 1'));
  assert.equal(relay.next()?.type, 'request');
  assert.equal(relay.next(), null);
  relay.upstreamBytes(targetMessages('A:jobs:1'));
  assert.equal(relay.next()?.type, 'response');
  assert.equal(relay.next(), null);
  relay.decided({ verdict: 'allow', policies: [], policyVersion: '1', reason: '', obligations: [] }, 7);
  assert.equal(relay.next()?.type, 'request');
});

test('the outstanding request is the one that a cancel is for', () => {
  const harness = new Harness();
  assert.equal(harness.relay.outstanding, null);
  harness.client(clientMessages('Q:select 1 / Q:select 2'));
  assert.equal(harness.relay.outstanding, 1);
  harness.target(targetMessages('C:SELECT 1 / Z:I'));
  assert.equal(harness.relay.outstanding, 2);
  harness.target(targetMessages('C:SELECT 1 / Z:I'));
  assert.equal(harness.relay.outstanding, null);
});

describe('last words', () => {
  test('are left unsaid within a row', () => {
    const harness = new Harness();
    harness.client(clientMessages('Q:select 1'));
    harness.target(message('D', Buffer.alloc(20)).subarray(0, 12));
    harness.relay.fail(new GatewayError('halted', 'Halted.'));
    harness.pull();
    assert.equal(harness.closed, 'halted');
    assert.equal(harness.released.length, 12);
  });

  test('are left unsaid when an unrecorded part may have ended a row', () => {
    const relay = makeRelay();
    relay.clientBytes(clientMessages('Q:select 1'));
    relay.next();
    relay.decided({ verdict: 'allow', policies: [], policyVersion: '1', reason: '', obligations: [] }, 1);
    const row = message('D', Buffer.alloc(20));
    relay.upstreamBytes(row.subarray(0, 12));
    assert.equal(relay.next()?.type, 'response');
    relay.upstreamBytes(Buffer.concat([row.subarray(12), targetMessages('C:SELECT 1 / Z:I')]));
    assert.equal(relay.next()?.type, 'response');
    // This one could not be recorded and was not released: the client still waits for the rest of the row.
    relay.fail(new GatewayError('cannot_record', 'The disk is full.'));
    assert.equal(relay.next()?.type, 'close');
  });
});
