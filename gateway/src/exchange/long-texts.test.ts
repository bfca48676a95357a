import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { builtInClasses } from '../classes/catalogue.ts';
import { ClassSet } from '../classes/class-set.ts';
import { hostileTexts } from '../classes/testdata/hostile-texts.ts';
import { maskChange } from '../controls/masks/mask-change.ts';
import { inTurns } from '../content/in-turns.ts';
import { changeText, sliceUnits, type TextChange } from '../domain/text-change.ts';
import { looking } from '../following/testdata/looking.ts';
import { textLook } from '../following/text-look.ts';
import { findParts } from '../protocols/llm/streamed-texts.ts';
import { ChangedAnswer } from './answer/changed-answer.ts';
import { LookedAnswer } from './answer/looked-answer.ts';
import { ReceivedAnswer } from './answer/testdata/received-answer.ts';
import { changeRequest } from './changed-request.ts';

const names = builtInClasses.map(({ name }) => name);
const key = createSecretKey(Buffer.alloc(32, 7));

/** Counts the characters in which values are looked for, in each turn of the event loop. */
class Counting extends ClassSet {
  #units = 0;
  #most = 0;

  override look(...[view]: Parameters<ClassSet['look']>): ReturnType<ClassSet['look']> {
    this.#units += view.text.length;
    this.#most = Math.max(this.#most, this.#units);
    return super.look(view);
  }

  /** Returns the most in one turn until all is done. */
  async mostWhile(all: Promise<unknown>): Promise<number> {
    let isDone = false;
    const turn = (): void => {
      this.#units = 0;
      if (!isDone) {
        setImmediate(turn);
      }
    };
    setImmediate(turn);
    await all.finally(() => {
      isDone = true;
    });
    return this.#most;
  }
}

/** Each character is looked at up to three times, for the parts of a long text overlap, and what was held back of the slice before is looked at too. */
const mostUnits = 5 * sliceUnits;

function masking(classes: ClassSet): TextChange {
  const methods = new Map(names.map((name) => [name, 'redact'] as const));
  const parts = { keys: { record: key, hash: key, pseudonym: key }, classSet: () => classes, classesOf: () => [] };
  return maskChange({ methods, classes: names, policies: [] }, 'target', parts);
}

const begin = 'ada@example.com,';
const hostile = begin + (hostileTexts['groups of numbers'] ?? '').repeat(60_000);
const more = ', and so on and so forth';
const delta = (text: string): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
const bodies: readonly (readonly [type: string, body: string])[] = [
  ['text/plain', hostile],
  ['application/json', JSON.stringify({ a: hostile, b: [begin, hostile] })],
  ['application/json', JSON.stringify(Array.from({ length: 20_000 }, (_, i) => `${begin} 4111 1111 ${i}`))],
  ['text/event-stream', delta(`${hostile} bob@exam`) + delta('ple.com') + delta('.') + delta(more).repeat(1000)],
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
    const counting = new Counting(names);
    const received = new ReceivedAnswer();
    let waiting = 0;
    let waited = 0;
    const onWaiting = (bytes: number): void => {
      waiting += bytes;
      waited = Math.max(waited, waiting);
    };
    const answer = new ChangedAnswer({ changes: [masking(counting)], frameBytesMax: 10_000_000, findParts, onWaiting }, received);
    const most = await counting.mostWhile(letThrough(answer, type, body).then(async () => ended(received)));
    assert.ok(most <= mostUnits, `${most} in one turn`);
    assert.equal(waiting, 0);
    assert.equal(waited > 0, type === 'text/event-stream');
    const texts = type === 'text/event-stream' ? `${hostile} bob@example.com.${more.repeat(1000)}` : body;
    const whole = changeText([masking(new ClassSet(names))], texts);
    const said = received.body.replaceAll(/data: (.*)\n\n/g, (_, event: string) => JSON.parse(event).choices[0].delta.content);
    assert.equal(type === 'application/json' ? JSON.stringify(JSON.parse(said)) : said, whole);
    assert.ok(said.includes('[email]') && !said.includes('@'));
    if (type !== 'text/event-stream') {
      const asked = new Counting(names);
      const head = { method: 'POST', path: '/', headers: [['content-type', type]] as const };
      const request = inTurns(changeRequest({ head, body: Buffer.from(body) }, [masking(asked)], 1));
      assert.ok((await asked.mostWhile(request)) <= mostUnits);
      assert.equal((await request).body?.toString(), whole);
    }
  });

  test(`the long texts of ${type} are looked at in slices, and their end passes when that is done`, async () => {
    const counting = new Counting(names);
    const look = textLook(names, 'target', { ...looking, nestedClasses: () => ({ set: counting, namesOf: (name) => [name] }) });
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
  const look = textLook(names, 'target', looking);
  const answer = new LookedAnswer({ changes: [look], frameBytesMax: 10_000_000, findParts }, new ReceivedAnswer());
  await letThrough(answer, 'text/plain', hostile);
  answer.breakOff();
  assert.equal(look.look?.seen()?.isInspected, false);
});

test('nothing more of an answer is changed once it is stopped', async () => {
  const received = new ReceivedAnswer();
  const acts: (() => void)[] = [];
  const run = (act: () => void): void => {
    acts.push(act);
  };
  const answer = new ChangedAnswer({ changes: [masking(new ClassSet(names))], frameBytesMax: 10_000_000, findParts, run }, received);
  await letThrough(answer, 'text/plain', hostile);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual([acts.length, received.body, received.isEnded], [1, '', false]);
});
