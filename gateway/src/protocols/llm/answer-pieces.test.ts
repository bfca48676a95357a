import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { openAnswerPipeline, type AnswerPipeline } from '../../exchange/answer/answer-pipeline.ts';
import { OwnUrls, ownUrlsOf } from '../../exchange/answer/own-urls.ts';
import type { TakeElsewhere } from '../../exchange/step.ts';
import { MemoryChannel } from '../../wire/testdata/memory-channel.ts';
import { cutAt, fixture } from './testdata/fixtures.ts';
import { readModelRequest } from './model-request.ts';

const rawHeaders = ['content-type', 'text/event-stream'];
const recordedHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n';
const body = fixture('openai-chat-stream.txt');
const take: TakeElsewhere = async (step, input) => step.take(input);

/** Keeps the facts of its records too. */
class FactsChannel extends MemoryChannel {
  readonly facts: Attributes[] = [];

  override record(kind: string, meta: { readonly attributes?: Attributes }, content: readonly Uint8Array[]): number {
    this.facts.push(meta.attributes ?? {});
    return super.record(kind, meta, content);
  }
}

interface Answered {
  readonly got: Buffer;
  readonly channel: FactsChannel;
}

/** Serves one request of a client with an answer of a model, which `give` gives to the stages. */
async function answer(give: (pipeline: AnswerPipeline, channel: FactsChannel, response: ServerResponse) => Promise<void>): Promise<Answered> {
  const channel = new FactsChannel();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const pipeline = openAnswerPipeline({
      channel,
      response,
      request: 1,
      ownHeaders: [],
      givesCredential: false,
      urls: new OwnUrls(ownUrlsOf(channel.target, { request, isEncrypted: false, way: `/t/${channel.target.name}` })),
      urlMembers: [],
      reading: readModelRequest({ method: 'POST', path: '/v1/chat/completions', headers: [] }, Buffer.from('{"model":"m","messages":[]}')).answer,
      begun: null,
      changes: [],
      findParts: null,
      takesNull: false,
      areLines: false,
      knowMember: undefined,
      take,
      begin: () => channel.call(),
      compose: (head) => head,
      onUpgrade: (_answered, upstream) => {
        upstream.destroy();
      },
      onError: (error) => response.destroy(error instanceof Error ? error : undefined),
      onDrain: () => undefined,
    });
    await give(pipeline, channel, response);
  };
  await using server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const response = await fetch(`http://127.0.0.1:${address.port}/`);
  return { got: Buffer.from(await response.arrayBuffer()), channel };
}

/** Gives an answer whose pieces arrive in these ticks. */
async function inTicks(ticks: readonly (readonly Uint8Array[])[]): Promise<Answered> {
  return answer(async ({ receiver }) => {
    receiver.onHead({ status: 200, statusText: 'OK', rawHeaders });
    for (const [i, pieces] of ticks.entries()) {
      for (const piece of pieces) {
        receiver.onBytes(Buffer.from(piece));
      }
      if (i < ticks.length - 1) {
        await nextTurn();
      }
    }
    receiver.onEnd([]);
  });
}

/** The facts of a channel's last record, without those of the head and those that are times. */
function lastFacts({ facts }: FactsChannel): Attributes {
  const others: ReadonlySet<string> = new Set([ownAttributes.durationMs, 'gen_ai.response.time_to_first_chunk', 'http.response.status_code']);
  return Object.fromEntries(Object.entries(facts.at(-1) ?? {}).filter(([name]) => !others.has(name)));
}

test('however an answer is cut, each tick is one record, and bytes and facts are the same', async () => {
  const whole = lastFacts((await inTicks([[body]])).channel);
  assert.equal(whole['gen_ai.response.id'], 'chatcmpl-9');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }), async (placesOfTicks) => {
      const pieces = cutAt(body, placesOfTicks.flat());
      let at = 0;
      const ticks = placesOfTicks.map(({ length }, i) => pieces.slice(at, i === placesOfTicks.length - 1 ? undefined : (at += length)));
      const { got, channel } = await inTicks(ticks);
      assert.deepEqual(got, body);
      assert.deepEqual(
        channel.records.map(({ kind, text }) => [kind, text]),
        ticks.map((each, i) => ['response', (i === 0 ? recordedHead : '') + Buffer.concat(each).toString('latin1')]),
      );
      assert.deepEqual(lastFacts(channel), whole);
    }),
    { numRuns: 60 },
  );
});

test('D33: of much that arrives at once, a limited part goes on in each turn', async () => {
  const long = Buffer.alloc(2.5 * 1024 * 1024, ': a comment\n');
  const records: number[] = [];
  const { got, channel } = await answer(async ({ receiver }, { records: made }) => {
    receiver.onHead({ status: 200, statusText: 'OK', rawHeaders });
    receiver.onBytes(long);
    receiver.onEnd([]);
    for (let i = 0; i < 3; i += 1) {
      records.push(made.length);
      await nextTurn();
    }
  });
  assert.deepEqual(records, [1, 2, 3]);
  assert.ok(got.equals(long));
  assert.ok(channel.records.every(({ text }) => text.length <= 1024 * 1024 + recordedHead.length));
});

test('a piece is released once its record is committed, and after a stop nothing is recorded or released', async () => {
  const seen: unknown[] = [];
  const { got, channel } = await answer(async (pipeline, memory, response) => {
    memory.autoCommit = false;
    const look = (): void => {
      seen.push([memory.records.length, response.headersSent, pipeline.openHead() !== null]);
    };
    pipeline.receiver.onHead({ status: 200, statusText: 'OK', rawHeaders });
    await nextTurn();
    look();
    memory.commit();
    look();
    pipeline.receiver.onBytes(Buffer.from('data: {}\n\n'));
    await nextTurn();
    pipeline.receiver.onBytes(Buffer.from('data: {'));
    await nextTurn();
    look();
    pipeline.stop();
    memory.commit();
    pipeline.receiver.onBytes(Buffer.from('}\n\n'));
    pipeline.receiver.onEnd([]);
    await nextTurn();
    look();
    response.end();
  });
  assert.deepEqual(seen, [
    [1, false, false],
    [1, true, true],
    [3, true, false],
    [3, true, false],
  ]);
  assert.equal(got.length, 0);
  assert.equal(channel.textOf('response').length, recordedHead.length + 'data: {}\n\ndata: {'.length);
});
