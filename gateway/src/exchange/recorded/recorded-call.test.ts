import { strict as assert } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { GatewayError } from '../../domain/errors.ts';
import type { UpstreamCall } from '../../domain/call.ts';
import { Grant } from '../../domain/grant.ts';
import type { AnswerPiece, RecordedTarget } from '../../domain/replay.ts';
import { replayExchange } from './recorded-call.ts';

const head = 'HTTP/1.1 200 OK\r\nx: 1\r\n\r\n';
const request = Buffer.from('GET / HTTP/1.1\r\naccept: a\r\n\r\n');

const piece = (content: string, attributes: AnswerPiece['attributes'] = {}): AnswerPiece => ({
  content: Buffer.from(content),
  attributes,
  isAnswer: true,
  continues: false,
});
const more = (content: string): AnswerPiece => ({ ...piece(content), continues: true });

interface Given {
  readonly said: string[];
  readonly call: UpstreamCall;
}

/** Returns what a call gets whose recorded answer is this. */
async function call(answer: readonly AnswerPiece[], asked: Buffer = request): Promise<Given> {
  const said: string[] = [];
  const miss = (reason: string): GatewayError => {
    said.push(`miss ${reason}`);
    return new GatewayError('not_recorded', reason);
  };
  const target: RecordedTarget = {
    miss,
    isWaiting: () => false,
    take: (key) => {
      if (key.text !== replayExchange({}).keys()({ action: '', bytes: request })?.text) {
        throw miss('not recorded');
      }
      return {
        bytes: async () => Promise.resolve(request),
        // oxlint-disable-next-line require-await -- as the real one, which reads a file
        answer: async function* () {
          yield* answer;
        },
      };
    },
  };
  const one = replayExchange({}).call(
    target,
    {
      onInformation: ({ status, rawHeaders }) => said.push(`${status} ${rawHeaders.join()}`),
      onHead: ({ status, statusText, rawHeaders }) => said.push(`${status} ${statusText} ${rawHeaders.join()}`),
      onUpgrade: () => said.push('upgrade'),
      onBytes: (bytes) => said.push(bytes.toString()),
      onEnd: (trailers) => said.push(`end ${trailers.join()}`),
      onError: ({ code }) => said.push(code),
      onDrain: () => undefined,
    },
    '',
  );
  one.forward(new Grant([asked]));
  one.end();
  await settled();
  return { said, call: one };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await nextTurn();
  }
}

async function saidOf(...answer: readonly AnswerPiece[]): Promise<string[]> {
  return (await call(answer)).said;
}

test('an answer comes in the pieces that were recorded, with what came before its head and behind its body', async () => {
  assert.deepEqual(
    await saidOf(
      more('HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'),
      more(`${head}a`),
      more('HTTP/1.1 500 b\r\n\r\n'),
      piece('', { 'countersign.http.trailers': ['t: 1', 'u: 2: 3'] }),
    ),
    ['103 link,a', '200 OK x,1', 'a', 'HTTP/1.1 500 b\r\n\r\n', 'end t,1,u,2: 3'],
  );
  assert.deepEqual(await saidOf(piece(head)), ['200 OK x,1', 'end ']);
});

test('an error is an answer: of the target, and of the gateway', async () => {
  assert.deepEqual(await saidOf(more(`${head}a`), piece('', { 'error.type': 'rate_limit_error' })), ['200 OK x,1', 'a', 'end ']);
  assert.deepEqual(await saidOf(piece('HTTP/1.1 403 refused\r\n\r\n{}', { 'error.type': 'refused' })), ['403 refused ', '{}', 'end ']);
});

test('an answer that the target cut is cut; an answer that the client left stays open and silent', async () => {
  assert.deepEqual(await saidOf(more(`${head}a`), piece('', { 'error.type': 'target_unreachable' })), ['200 OK x,1', 'a', 'target_unreachable']);
  for (const reason of ['client_closed', 'stopping']) {
    assert.deepEqual(await saidOf(more(`${head}a`), piece('', { 'error.type': reason })), ['200 OK x,1', 'a']);
    assert.deepEqual(await saidOf(piece('', { 'error.type': reason })), []);
  }
});

test('a request is reported as missed if it, its answer or the end of its answer was not recorded, and if it began a WebSocket conversation', async () => {
  assert.deepEqual((await call([], Buffer.from('GET /x HTTP/1.1\r\n\r\n'))).said, ['miss not recorded', 'not_recorded']);
  const cut = ['miss its answer is not on record to its end', 'not_recorded'];
  assert.deepEqual(await saidOf(), cut);
  assert.deepEqual(await saidOf(more(`${head}a`)), ['200 OK x,1', 'a', ...cut]);
  assert.deepEqual(await saidOf(more('HTTP/1.1 101 Switching Protocols\r\n\r\n')), ['miss a conversation by WebSocket is not served', 'not_recorded']);
});

test('nothing is sent to a client that does not read, or has left', async () => {
  const late: string[] = [];
  let isLeaving = false;
  const one = replayExchange({}).call(
    {
      isWaiting: () => false,
      miss: () => new Error('missed'),
      take: () => ({
        bytes: async () => Promise.resolve(request),
        // oxlint-disable-next-line require-await -- as above
        answer: async function* () {
          yield more(`${head}a`);
          yield more('b');
          yield piece('c');
        },
      }),
    },
    {
      onInformation: () => late.push('information'),
      onHead: () => {
        late.push('head');
        one.pause();
      },
      onUpgrade: () => late.push('upgrade'),
      onBytes: (bytes) => {
        late.push(bytes.toString());
        if (isLeaving) {
          one.destroy();
        }
      },
      onEnd: () => late.push('end'),
      onError: () => late.push('error'),
      onDrain: () => undefined,
    },
    '',
  );
  one.forward(new Grant([request]));
  one.end();
  await settled();
  assert.deepEqual(late, ['head', 'a']);
  isLeaving = true;
  one.resume();
  await settled();
  assert.deepEqual(late, ['head', 'a', 'b']);
});
