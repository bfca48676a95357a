import { strict as assert } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { GatewayError } from '../../domain/errors.ts';
import { Grant } from '../../domain/grant.ts';
import type { Upstream } from '../../domain/upstream.ts';
import type { AnswerPiece, RecordedTarget } from '../../domain/replay.ts';
import { replay } from './replay.ts';
import { clientMessages, targetMessages } from './testdata/shorthand.ts';

/** A request and its answer in pieces. `unasked ...` is a message that the target sent by itself, `... more` a piece that more follows. */
type Exchange = readonly [asked: string, ...pieces: string[]];

const connect = { action: 'postgres.connect', bytes: Buffer.from('connect') };
const welcome: Exchange = ['', 'raw:520000000800000000 / S:a:b / S:countersign.session:x / Z:I'];

/** As the index of a recording does it. */
function recordedTarget(exchanges: readonly Exchange[]): RecordedTarget & { readonly missed: string[] } {
  const keys = replay.keys();
  const waiting = [welcome, ...exchanges].map(([asked, ...pieces], i) => {
    const bytes = i === 0 ? connect.bytes : clientMessages(asked);
    const action = i === 0 ? connect.action : /^(?:d|c|f)\b/.test(asked) ? 'postgres.copy' : 'postgres.query';
    return { key: keys({ action, bytes })?.text, bytes, pieces: pieces.map(pieceOf) };
  });
  const missed: string[] = [];
  const miss = (reason: string): GatewayError => {
    missed.push(reason);
    return new GatewayError('not_recorded', reason);
  };
  return {
    missed,
    miss,
    isWaiting: ({ text }) => waiting.some(({ key }) => key === text),
    take: (key) => {
      const at = waiting.findIndex((one) => one.key === key.text);
      const [found] = at < 0 ? [] : waiting.splice(at, 1);
      if (found === undefined) {
        throw miss('not recorded');
      }
      return {
        bytes: async () => Promise.resolve(found.bytes),
        // oxlint-disable-next-line require-await -- as the real one, which reads a file
        answer: async function* () {
          yield* found.pieces;
        },
      };
    },
  };
}

function pieceOf(text: string): AnswerPiece {
  const words = text.replace(/^unasked | more$/g, '');
  return {
    content: words === '' ? Buffer.alloc(0) : targetMessages(words),
    attributes: {},
    isAnswer: !text.startsWith('unasked'),
    continues: text.endsWith(' more'),
  };
}

interface Said {
  readonly bytes: () => Buffer;
  readonly hasEnded: () => boolean;
}

async function logIn(target: RecordedTarget): Promise<{ readonly upstream: Upstream; readonly said: Said }> {
  const upstream = replay.connect(target, connect);
  assert.deepEqual(await upstream.read(1000), targetMessages('raw:520000000800000000 / S:a:b / Z:I'), 'without what is the gateway’s own');
  const pieces: Buffer[] = [];
  let hasEnded = false;
  upstream.flow({
    onBytes: (bytes) => pieces.push(bytes),
    onEnd: () => {
      hasEnded = true;
    },
    onDrain: () => undefined,
  });
  return { upstream, said: { bytes: () => Buffer.concat(pieces), hasEnded: () => hasEnded } };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await nextTurn();
  }
}

/** Returns the messages that a client gets if it sends these units. */
async function ask(
  exchanges: readonly Exchange[],
  ...units: readonly string[]
): Promise<{ readonly said: Buffer; readonly hasEnded: boolean; readonly missed: readonly string[] }> {
  const target = recordedTarget(exchanges);
  const { upstream, said } = await logIn(target);
  for (const unit of units) {
    upstream.forward(new Grant([unit.startsWith('hex ') ? Buffer.from(unit.slice(4), 'hex') : clientMessages(unit)]));
  }
  await settled();
  return { said: said.bytes(), hasEnded: said.hasEnded(), missed: target.missed };
}

async function assertSaid(exchanges: readonly Exchange[], units: readonly string[], words: string): Promise<void> {
  const { said, hasEnded, missed } = await ask(exchanges, ...units);
  assert.deepEqual([missed, hasEnded], [[], false]);
  assert.deepEqual(said, targetMessages(words));
}

test('whether a Sync comes with what it ends is a matter of timing, in the recording and now', async () => {
  const together: Exchange[] = [
    ['P::select 1 / B:::7 / E: / S', '1 / 2 / D:7 more', 'C:SELECT 1 / Z:I'],
    ['Q:select 2', 'C:SELECT 1 / Z:I'],
  ];
  const apart: Exchange[] = [
    ['P::select 1 / B:::7 / E:', '1 / 2 / D:7 / C:SELECT 1'],
    ['S', 'Z:I'],
    ['Q:select 2', 'C:SELECT 1 / Z:I'],
  ];
  const words = '1 / 2 / D:7 / C:SELECT 1 / Z:I / C:SELECT 1 / Z:I';
  for (const recorded of [together, apart]) {
    await assertSaid(recorded, ['P::select 1 / B:::7 / E: / S', 'Q:select 2'], words);
    await assertSaid(recorded, ['P::select 1 / B:::7 / E:', 'S', 'Q:select 2'], words);
    await assertSaid(recorded, ['P::select 1 / B:::7 / E: / H', 'S', 'Q:select 2'], words);
  }
});

test('names of statements and portals are what they stand for', async () => {
  const recorded: Exchange[] = [
    ['P:s1:select 1 / D:S:s1 / S', '1 / t:23 / n / Z:I'],
    ['B:p:s1:7 / E:p / S', '2 / C:SELECT 1 / Z:I'],
    ['P:s2:select 2 / B::s2:7 / E: / S', '1 / 2 / C:SELECT 2 / Z:I'],
    ['B::s1:7 / E: / S', '2 / C:SELECT 3 / Z:I'],
  ];
  await assertSaid(
    recorded,
    ['P:x9:select 1 / D:S:x9 / S', 'P:x8:select 2 / B::x8:7 / E: / S', 'B:y:x9:7 / E:y / S', 'B::x9:7 / E: / S'],
    '1 / t:23 / n / Z:I / 1 / 2 / C:SELECT 2 / Z:I / 2 / C:SELECT 1 / Z:I / 2 / C:SELECT 3 / Z:I',
  );
  const { missed } = await ask(recorded, 'P:x9:select 1 / D:S:x9 / S', 'B::x9:8 / E: / S');
  assert.deepEqual(missed, ['not recorded'], 'another parameter');
});

test('the trace in a statement’s comment differs in each run and does not count', async () => {
  const traced = (digit: string): string => `Q:select 1 /*traceparent='00-${digit.repeat(32)}-${digit.repeat(16)}-01'*/`;
  await assertSaid([[traced('a'), 'C:SELECT 1 / Z:I']], [traced('b')], 'C:SELECT 1 / Z:I');
  assert.deepEqual((await ask([[traced('a'), 'C:SELECT 1 / Z:I']], 'Q:select 1 /*b*/')).missed, ['not recorded']);
});

test('COPY data are the same however they are cut; a Sync among them is overlooked', async () => {
  const simple: Exchange[] = [
    ['Q:copy t from stdin', 'G more'],
    ['d:ab / d:cd / c', 'C:COPY 1 / Z:I'],
  ];
  const words = 'G / C:COPY 1 / Z:I';
  await assertSaid(simple, ['Q:copy t from stdin', 'd:a', 'd:bcd / c'], words);
  const whole = clientMessages('d:abcd / c').toString('hex');
  await assertSaid(simple, ['Q:copy t from stdin', `hex ${whole.slice(0, 14)}`, `hex ${whole.slice(14, 16)}`, `hex ${whole.slice(16)}`], words);
  const extended: Exchange[] = [
    ['P::copy t from stdin / B::: / E: / S', '1 / 2 / G more'],
    ['d:abcd / c', 'C:COPY 1'],
    ['S', 'Z:I'],
  ];
  await assertSaid(extended, ['P::copy t from stdin / B::: / E: / S', 'd:abcd / c', 'S'], '1 / 2 / G / C:COPY 1 / Z:I');
  const pipelined: Exchange[] = [['Q:copy t from stdin'], ['d:abcd / c', 'G more', 'C:COPY 1 / Z:I']];
  await assertSaid(pipelined, ['Q:copy t from stdin', 'd:abcd / c'], words);
  assert.deepEqual((await ask(simple, 'Q:copy t from stdin', 'd:other / c')).missed, ['not recorded']);
});

test('a request that was not recorded, not to its end, or not as often, ends the connection with an error', async () => {
  const recorded: Exchange[] = [['Q:select 1', 'C:SELECT 1 / Z:I'], ['Q:select 2', 'T:a more'], ['Q:select 3']];
  for (const [asked, reason] of [
    ['Q:select 4', 'not recorded'],
    ['Q:select 1 / Q:select 1', 'not recorded'],
    ['Q:select 2', 'its answer is not on record to its end'],
    ['Q:select 3', 'its answer is not on record to its end'],
    ['S', 'not recorded'],
  ] as const) {
    const { said, hasEnded, missed } = await ask(recorded, ...asked.split(' / '));
    assert.deepEqual([missed, hasEnded], [[reason], true]);
    assert.match(said.toString(), /VFATAL\0CP0002\0Mcountersign: /);
  }
});

test('the recorded end of a connection comes after the request that it followed', async () => {
  const recorded: Exchange[] = [
    ['Q:select 1', 'C:SELECT 1 / Z:I', 'unasked A:channel:payload', 'unasked FATAL:57P01:over'],
    ['Q:select 2', 'FATAL:57P01:over'],
  ];
  const { said, hasEnded } = await ask(recorded, 'Q:select 1', 'Q:select 2', 'Q:select 1');
  assert.deepEqual(said, targetMessages('C:SELECT 1 / Z:I / A:channel:payload / FATAL:57P01:over'));
  assert.ok(hasEnded);
});

test('a client that asks more than the recorded connection did gets the recorded end of the connection', async () => {
  const recorded: Exchange[] = [['Q:select 1', 'C:SELECT 1 / Z:I', 'unasked FATAL:42501:taken']];
  const { said, hasEnded, missed } = await ask(recorded, 'Q:select 1', 'Q:select 1');
  assert.deepEqual(said, targetMessages('C:SELECT 1 / Z:I / FATAL:42501:taken'));
  assert.deepEqual([missed, hasEnded], [[], true]);
});

test('nothing is sent to a client that does not read', async () => {
  const { upstream, said } = await logIn(recordedTarget([['Q:select 1', 'T:a more', 'C:SELECT 1 / Z:I']]));
  upstream.pause();
  upstream.forward(new Grant([clientMessages('Q:select 1')]));
  await settled();
  assert.equal(said.bytes().length, 0);
  upstream.resume();
  await settled();
  assert.deepEqual(said.bytes(), targetMessages('T:a / C:SELECT 1 / Z:I'));
});
