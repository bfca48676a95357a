import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Grant } from '../../domain/grant.ts';
import type { AnswerPiece, RecordedTarget } from '../../domain/replay.ts';
import { replay } from './replay.ts';

const post = (message: unknown): Buffer => Buffer.from(`POST / HTTP/1.1\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(message)}`);
const key = (message: unknown): string | null => replay.keys()({ action: '', bytes: post(message) })?.text ?? null;
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'find', arguments: { q: 'é' }, _meta: { progressToken: 1 } } };

test('what a client makes anew does not count: ids, progress tokens, its name', () => {
  assert.equal(key({ ...call, id: 'f81d', params: { ...call.params, _meta: { progressToken: 'p', traceparent: 't' } } }), key(call));
  assert.notEqual(key({ ...call, params: { ...call.params, arguments: { q: 'x' } } }), key(call));
  const hello = (version: string): unknown => ({ jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '1', clientInfo: { version } } });
  assert.equal(key(hello('1')), key(hello('2')));
  const cancel = (requestId: number): unknown => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
  assert.equal(key(cancel(1)), key(cancel(2)));
  const answer = (id: number): unknown => ({ jsonrpc: '2.0', id, result: {} });
  assert.notEqual(key(answer(1)), key(answer(2)), 'the server made this id');
});

/** Returns the answer that a client gets if it asks `asked` and the recorded run asked `recorded`. The answer comes in pieces of this many bytes. */
async function given(
  recorded: unknown,
  asked: unknown,
  answer: { readonly type: string; readonly body: string; readonly pieceBytes: number },
): Promise<string> {
  const { type, body, pieceBytes } = answer;
  const bytes = Buffer.from(body);
  const cuts = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) => bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes));
  const head = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n`);
  const pieces: AnswerPiece[] = [head, ...cuts].map((content, i) => ({ content, attributes: {}, isAnswer: true, continues: i < cuts.length }));
  const target: RecordedTarget = {
    take: () => ({
      bytes: async () => Promise.resolve(post(recorded)),
      // oxlint-disable-next-line require-await -- as the real one, which reads a file
      answer: async function* () {
        yield* pieces;
      },
    }),
    isWaiting: () => false,
    miss: (reason) => new Error(reason),
  };
  const said: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const one = replay.call(
    target,
    {
      onInformation: reject,
      onHead: ({ rawHeaders }) => {
        assert.equal(rawHeaders.includes('content-length'), recorded === asked);
      },
      onUpgrade: reject,
      onBytes: (piece) => said.push(piece),
      onEnd: () => {
        resolve(Buffer.concat(said).toString());
      },
      onError: reject,
      onDrain: () => undefined,
    },
    '',
  );
  one.forward(new Grant([post(asked)]));
  one.end();
  return promise;
}

const asked = { ...call, id: 12345678901234, params: { ...call.params, _meta: { progressToken: 'mine' } } };

test('an answer has the id of the request that is asked now, however it is cut', async () => {
  const result = '{"result":{"text":"é \\u00e9","n":12345678901234567890},"jsonrpc":"2.0","id":1}';
  for (const pieceBytes of [1, 7, 1000]) {
    const answer = { type: 'application/json', body: result, pieceBytes };
    assert.deepEqual(await given(call, asked, answer), '{"result":{"text":"é é","n":12345678901234567890},"jsonrpc":"2.0","id":12345678901234}');
    assert.equal(await given(call, call, answer), result, 'byte for byte where nothing differs');
  }
});

test('so has a stream, with its progress token; what the server asks keeps its own', async () => {
  const progress = (token: string): string => `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1}}`;
  const question = '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"é"}}';
  const stream = (id: string, token: string): string =>
    `: hello\n\nid: 7\r\ndata: ${progress(token)}\r\n\r\ndata: ${question}\n\nevent: message\ndata: {"jsonrpc":"2.0","id":${id},"result":{}}\n\n`;
  for (const pieceBytes of [1, 2, 3, 50, 1000]) {
    const answer = { type: 'text/event-stream', body: stream('1', '1'), pieceBytes };
    const said = await given(call, asked, answer);
    assert.equal(said.replaceAll('\r\n', '\n'), stream('12345678901234', '"mine"').replaceAll('\r\n', '\n'));
    assert.equal(await given(call, call, answer), answer.body);
  }
});

test('a message that lies in several lines of data is found', async () => {
  const body = 'data: {"jsonrpc":"2.0",\ndata: "id":1,\ndata: "result":{}}\n\n';
  assert.equal(await given(call, asked, { type: 'text/event-stream', body, pieceBytes: 10 }), 'data: {"jsonrpc":"2.0","id":12345678901234,"result":{}}\n\n');
});
