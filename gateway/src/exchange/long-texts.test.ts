import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountedWork, hostileText, mostUnits } from '../../../tests/support/counted-work.ts';
import { maskAll } from '../../../tests/support/every-cut.ts';
import { inTurns } from '../content/in-turns.ts';
import type { NestedClasses } from '../classes/class-sets.ts';
import { FollowedValues } from '../domain/followed-values.ts';
import type { Target } from '../domain/target.ts';
import { changeText, sliceUnits, type Slices, type TextChange } from '../domain/text-change.ts';
import { Inspection } from '../following/inspection.ts';
import { looking } from '../following/testdata/looking.ts';
import { findParts } from '../protocols/llm/streamed-texts.ts';
import { ChangedAnswer } from './answer/changed-answer.ts';
import { LookedAnswer } from './answer/looked-answer.ts';
import { ReceivedAnswer } from './answer/testdata/received-answer.ts';
import { changeRequest } from './changed-request.ts';

const begin = 'ada@example.com,';
const more = ', and so on and so forth';
const delta = (text: string): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
const bodies: readonly (readonly [type: string, body: string])[] = [
  ['text/plain', hostileText],
  ['application/json', JSON.stringify({ a: hostileText, b: [begin, hostileText] })],
  ['application/json', JSON.stringify(Array.from({ length: 20_000 }, (_, i) => `${begin} 4111 1111 ${i}`))],
  ['text/event-stream', delta(`${hostileText} bob@exam`) + delta('ple.com') + delta('.') + delta(more).repeat(1000)],
];

async function letThrough(answer: ChangedAnswer | LookedAnswer, type: string, body: string): Promise<void> {
  answer.onHead({ status: 200, statusText: 'OK', rawHeaders: ['Content-Type', type] });
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += sliceUnits) {
    answer.onBytes(bytes.subarray(at, at + sliceUnits));
    await new Promise(setImmediate);
  }
  answer.onEnd([]);
}

async function ended(received: ReceivedAnswer): Promise<void> {
  while (!received.isEnded) {
    await new Promise(setImmediate);
  }
}

for (const [type, body] of bodies) {
  test(`the long texts of ${type} are changed in slices, to the same, and what comes behind them waits`, async () => {
    const counting = new CountedWork();
    const received = new ReceivedAnswer();
    let waiting = 0;
    let waited = 0;
    const onWaiting = (bytes: number): void => {
      waiting += bytes;
      waited = Math.max(waited, waiting);
    };
    const answer = new ChangedAnswer({ changes: [counting.mask()], frameBytesMax: 10_000_000, findParts, onWaiting }, received);
    const most = await counting.mostWhile(letThrough(answer, type, body).then(async () => ended(received)));
    assert.ok(most <= mostUnits, `${most} in one turn`);
    assert.equal(waiting, 0);
    assert.equal(waited > 0, type === 'text/event-stream');
    const texts = type === 'text/event-stream' ? `${hostileText} bob@example.com.${more.repeat(1000)}` : body;
    const whole = changeText([maskAll()], texts);
    const said = received.body.replaceAll(/data: (.*)\n\n/g, (_, event: string) => JSON.parse(event).choices[0].delta.content);
    assert.equal(type === 'application/json' ? JSON.stringify(JSON.parse(said)) : said, whole);
    assert.ok(said.includes('[email]') && !said.includes('@'));
    if (type !== 'text/event-stream') {
      const asked = new CountedWork();
      const head = { method: 'POST', path: '/', headers: [['content-type', type]] as const };
      const request = inTurns(changeRequest({ head, body: Buffer.from(body) }, [asked.mask()], 1));
      assert.ok((await asked.mostWhile(request)) <= mostUnits);
      assert.equal((await request).body?.toString(), whole);
    }
  });

  test(`the long texts of ${type} are looked at in slices, and their end passes when that is done`, async () => {
    const counting = new CountedWork();
    const look = counting.looking();
    const received = new ReceivedAnswer();
    const answer = new LookedAnswer({ changes: [look], frameBytesMax: 10_000_000, findParts }, received);
    const passing = async (): Promise<void> => {
      await letThrough(answer, type, body);
      assert.ok(!received.isEnded);
      await ended(received);
      assert.equal(look.look?.seen()?.isInspected, true);
    };
    const most = await counting.mostWhile(passing());
    assert.ok(most <= 3 * mostUnits, `${most} in one turn`);
    assert.equal(received.body, body);
  });
}

test('an answer that is over before all of it was looked at was not inspected', async () => {
  const look = new CountedWork().looking();
  const answer = new LookedAnswer({ changes: [look], frameBytesMax: 10_000_000, findParts }, new ReceivedAnswer());
  await letThrough(answer, 'text/plain', hostileText);
  answer.breakOff();
  assert.equal(look.look?.seen()?.isInspected, false);
});

test('nothing more of an answer is changed once it is stopped', async () => {
  const received = new ReceivedAnswer();
  const acts: (() => void)[] = [];
  const run = (act: () => void): void => {
    acts.push(act);
  };
  const answer = new ChangedAnswer({ changes: [maskAll()], frameBytesMax: 10_000_000, findParts, run }, received);
  await letThrough(answer, 'text/plain', hostileText);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual([acts.length, received.body, received.isEnded], [1, '', false]);
});

test('a request is looked at in slices, and so are the members of its JSON', async () => {
  const counted = new CountedWork();
  const body = Buffer.from(JSON.stringify({ a: hostileText, b: Array.from({ length: 2_000 }, (_, i) => `4111 1111 ${i}`), c: 'ada@example.com' }));
  const head = { method: 'POST', path: '/', headers: [['content-type', 'application/json']] as const };
  const nestedClasses = (): NestedClasses => ({ set: counted, namesOf: (name) => (name === 'email' ? [name] : []) });
  const inspection = new Inspection({ ...looking, nestedClasses, classesOf: (_, source) => (source === '/c' || source === '/*' ? ['iban'] : []) });
  function* look(change: TextChange): Slices<boolean> {
    yield* changeRequest({ head, body }, [change], 1);
    return true;
  }
  const address = { scheme: 'http', host: '', port: 0, path: '' };
  const target: Target = { name: 'target', protocol: 'http', ...address, options: {}, user: '', durability: 'disk', inspect: ['iban', 'email'] };
  const asked = inspection.ask({ name: 'ask', attributes: {}, look }, [body], { target, followed: new FollowedValues(), partOf: undefined });
  assert.ok(asked instanceof Promise);
  const most = await counted.mostWhile(asked);
  assert.ok(most <= 2 * mostUnits, `${most} in one turn`);
  assert.deepEqual((await asked)?.attributes, { 'countersign.classes': ['email', 'iban'] });
});
