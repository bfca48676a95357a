import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import type { FeedRecord } from './feed-record.ts';
import { RefusedRecords, type Receiver } from './receiver.ts';
import { RecordTail } from './record-tail.ts';
import { SinkStream, troubleActions, type SinkNews } from './sink-stream.ts';
import { recordOf } from './testdata/record.ts';

const record = (index: number): FeedRecord => ({ ...recordOf({ record: `log/${index}` }), index });

/** A receiver that does with each request what its script says, and takes all once the script is over. */
class Scripted implements Receiver {
  readonly batchMax: number;
  readonly collectMs = 0;
  readonly settleMs: number;
  readonly taken: number[] = [];
  readonly #script: ('take' | 'fail' | 'lose')[];
  readonly #poison: ReadonlySet<number>;

  constructor(script: readonly ('take' | 'fail' | 'lose')[], poison: Iterable<number> = [], { batchMax = 4, settleMs = 0 } = {}) {
    this.#script = [...script];
    this.#poison = new Set(poison);
    this.batchMax = batchMax;
    this.settleMs = settleMs;
  }

  readonly send = async (records: readonly FeedRecord[]): Promise<void> => {
    const step = this.#script.shift() ?? 'take';
    if (step === 'fail') {
      throw new Error('the receiver is away');
    }
    if (records.some(({ index }) => this.#poison.has(index))) {
      throw new RefusedRecords('no');
    }
    this.taken.push(...records.map(({ index }) => index));
    if (step === 'lose') {
      throw new Error('the answer was lost');
    }
    return Promise.resolve();
  };

  async [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function open(receiver: Receiver, tail: RecordTail, news: SinkNews[], next = 0): SinkStream {
  return new SinkStream(next, { name: 'siem', receiver, tail, isWanted: () => true, tell: (each) => news.push(each), pausesMs: [1] });
}

/** Leaves out what came again: of each record the first time counts. */
function firsts(taken: readonly number[]): readonly number[] {
  return [...new Set(taken)];
}

test('each record is taken at least once and in order, whatever fails, and what is refused for ever is named', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('take', 'fail', 'lose'), { maxLength: 12 }),
      fc.uniqueArray(fc.nat(29), { maxLength: 3 }),
      fc.integer({ min: 1, max: 7 }),
      async (script, poison, batchMax) => {
        const news: SinkNews[] = [];
        const tail = new RecordTail(async (first, end) => Promise.resolve(Array.from({ length: end - first }, (_, i) => record(first + i))));
        // The first ten are behind what is kept, so that they are opened.
        for (let index = 10; index < 30; index++) {
          tail.add(record(index));
        }
        const receiver = new Scripted(script, poison, { batchMax });
        await using stream = open(receiver, tail, news);
        await waitUntil(() => stream.taken === 30);
        assert.deepEqual(
          firsts(receiver.taken),
          Array.from({ length: 30 }, (_, index) => index).filter((index) => !poison.includes(index)),
        );
        const dropped = news.flatMap((each) => (each.what === 'dropped' ? each.records : []));
        assert.deepEqual([...new Set(dropped)].toSorted(), poison.map((index) => `log/${index}`).toSorted());
        const failing = news.filter(({ what }) => what === 'failing' || what === 'recovered').map(({ what }) => what);
        assert.ok(
          failing.every((what, i) => what === (i % 2 === 0 ? 'failing' : 'recovered')),
          'a failure is told once, and so is its end',
        );
      },
    ),
    { numRuns: 30 },
  );
});

test('a receiver that refuses everything fails, and gets everything later', async () => {
  const news: SinkNews[] = [];
  const tail = new RecordTail(async () => Promise.resolve([]));
  const refused = new Set(Array.from({ length: 40 }, (_, index) => index));
  const receiver = new Scripted([], [], { batchMax: 8 });
  const strict: Receiver = {
    batchMax: 8,
    collectMs: 0,
    settleMs: 0,
    send: async (records) => (refused.size > 0 ? Promise.reject(new RefusedRecords('wrong path')) : receiver.send(records)),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
  for (let index = 0; index < 40; index++) {
    tail.add(record(index));
  }
  await using stream = open(strict, tail, news);
  await waitUntil(() => stream.isFailing);
  assert.ok(news.filter(({ what }) => what === 'dropped').length <= 10);
  refused.clear();
  await waitUntil(() => stream.taken === 40);
  assert.deepEqual(
    firsts(receiver.taken).slice(-24),
    Array.from({ length: 24 }, (_, i) => 16 + i),
  );
});

for (const [does, error, told] of [
  ['refuses', new RefusedRecords('no'), ['dropped']],
  ['fails once at', new Error('the receiver is away'), ['failing', 'recovered', 'failing']],
] as const) {
  test(`a receiver that ${does} records of what it did causes no further ones`, async () => {
    const news: SinkNews[] = [];
    const tail = new RecordTail(async () => Promise.resolve([]));
    const isRefused = error instanceof RefusedRecords;
    const failed = new Set<number>();
    const send = async (records: readonly FeedRecord[]): Promise<void> => {
      const poison = records.filter(({ index: at, shown }) => (at === 0 || shown.attributes['countersign.sink'] === 'siem') && (isRefused || !failed.has(at)));
      for (const { index: at } of poison) {
        failed.add(at);
      }
      return poison.length > 0 ? Promise.reject(error) : Promise.resolve();
    };
    const receiver: Receiver = { batchMax: 8, collectMs: 0, settleMs: 0, send, [Symbol.asyncDispose]: async () => Promise.resolve() };
    let index = 0;
    const add = (action: string, sink: string): void => {
      tail.add({ ...recordOf({ action, attributes: { 'countersign.sink': sink } }), index });
      index += 1;
    };
    add('http.request', '');
    await using stream = new SinkStream(0, {
      name: 'siem',
      receiver,
      tail,
      isWanted: () => true,
      tell: (each) => {
        news.push(each);
        // As in a gateway, it is on record. Where one record alone is refused, those after it are taken.
        if (index < 30) {
          add({ dropped: troubleActions.dropped, failing: troubleActions.delayed, recovered: troubleActions.resumed, began: '' }[each.what], 'siem');
          if (isRefused) {
            add(troubleActions.dropped, 'another');
          }
        }
      },
      pausesMs: [1],
    });
    await waitUntil(() => stream.taken === index);
    assert.deepEqual(
      news.map(({ what }) => what),
      told,
    );
  });
}

test('without an answer, what was sent counts as taken only after a while, and is sent again if the connection is lost', async () => {
  const tail = new RecordTail(async () => Promise.resolve([]));
  const receiver = new Scripted(['take', 'fail'], [], { batchMax: 1, settleMs: 86_400_000 });
  tail.add(record(0));
  tail.add(record(1));
  await using stream = open(receiver, tail, []);
  await waitUntil(() => receiver.taken.length === 3);
  assert.deepEqual([receiver.taken, stream.taken], [[0, 0, 1], 0]);
});

test('while the index is made again the receiver is not said to fail, and what comes then is complete', async () => {
  const news: SinkNews[] = [];
  let isThere = false;
  const tail = new RecordTail(async (first, end) =>
    isThere ? Array.from({ length: end - first }, (_, i) => record(first + i)) : Promise.reject(new Error('not in the index of records yet')),
  );
  tail.add(record(9));
  const receiver = new Scripted([]);
  await using stream = open(receiver, tail, news);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  isThere = true;
  await waitUntil(() => stream.taken === 10);
  assert.deepEqual([receiver.taken.length, news], [10, []]);
});
