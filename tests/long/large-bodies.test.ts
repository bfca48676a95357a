import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { once } from 'node:events';
import { WebSocketServer, WebSocket } from 'ws';
import { text as readAll } from 'node:stream/consumers';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { countTurns, ours, turnsOf, type Turns } from '../support/counted-turns.ts';

// Functions are counted from before they are loaded.
const { Gateway } = await import('../../gateway/src/gateway.ts');

const turnsTogether = 4;
/** Calls of our functions in these turns: a request takes some hundreds. */
const callsMax = 20_000;
/** Records that are sealed in these turns, of at most 1 MiB each. */
const sealedMax = 16;
/** Most bytes that are read at once by native code: `JSON.parse` and decoders are not counted as calls are. */
const readMax = 256 * 1024;

interface Most extends Pick<Turns, 'calls' | 'where'> {
  readonly sealed: number;
  /** The most bytes that were read at once. */
  readonly read: number;
}

/** The most that is done in a few turns of the event loop, `turnsTogether` at a time, until `act` is over. */
async function mostInOneTurn(act: () => Promise<void>): Promise<Most> {
  let [most, sealed]: [Turns | null, number] = [null, 0];
  const watch = watchReading();
  await countTurns(act, { turnsTogether }, (taken) => {
    const turns = turnsOf(taken, ours);
    most = turns.calls > (most?.calls ?? 0) ? turns : most;
    sealed = Math.max(sealed, turns.counts.get('batch.ts add') ?? 0);
  });
  return { ...(most ?? { calls: 0, where: '' }), sealed, read: watch.stop() };
}

/** The longest text that this thread's `JSON.parse` and decoders are given. */
function watchReading(): { stop(): number } {
  const { parse } = JSON;
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the decoder that it is asked of
  const { decode } = TextDecoder.prototype;
  let longest = 0;
  JSON.parse = (...given) => {
    longest = Math.max(longest, given[0].length);
    return parse(...given);
  };
  TextDecoder.prototype.decode = function decodeWatched(this: TextDecoder, ...given) {
    longest = Math.max(longest, given[0]?.byteLength ?? 0);
    return decode.apply(this, given);
  };
  return {
    stop() {
      JSON.parse = parse;
      TextDecoder.prototype.decode = decode;
      return longest;
    },
  };
}

function repeated(text: string, bytes: number): string {
  return text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
}

const megabyte = 1024 * 1024;
const chat = (messages: string): string => `{"model":"m","messages":[${messages}]}`;
const json = { 'content-type': 'application/json' };
const mcp = { ...json, accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' };
const tool = (given: string): string => `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":${given}}}`;

describe('what one large body does in a turn of the event loop of a gateway that serves others', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-large-'));
  const configFile = join(directory, 'countersign.yaml');
  let target: SampleServer;
  /** Says what it is told. */
  let echo: WebSocketServer;
  let gateway: Awaited<ReturnType<typeof Gateway.open>>;
  let token = '';
  /** Principals with a session of their own. */
  const askers = Array.from({ length: 8 }, (_, i) => `asker${i}`);
  /** Bodies, as the target got them. */
  const got: string[] = [];
  /** The answer of the target to the next request. */
  let saying: { readonly body: string; readonly coding?: 'gzip' } = { body: '{}' };

  /** Asks the API as the operator, without a command's start. */
  const api = async (path: string, body?: unknown): Promise<string> => {
    const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
    const answer = await fetch(`http://${gateway.addresses['http']}${path}`, {
      headers: { authorization: `Bearer ${operator}`, ...json },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    const said = await answer.text();
    assert.ok(answer.ok, said);
    return said;
  };
  const issueToken = async (principal: string): Promise<string> => JSON.parse(await api('/api/v1/tokens', { principal })).token;
  const linesOf = async (session: string): Promise<readonly string[]> => (await api(`/api/v1/sessions/${session}/records`)).trim().split('\n');
  const send = async (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = json): Promise<Response> =>
    fetch(`http://${gateway.addresses['http']}/t/${path}`, { method: 'POST', body, headers: { authorization: `Bearer ${token}`, ...headers } });
  /** Sends the requests of another client as long as `act` takes. */
  const meanwhile = async (act: Promise<Response>): Promise<Response> => {
    let isOver = false;
    const done = act.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      assert.equal(await (await send('api/x', 'small')).text(), '{}');
    }
    return done;
  };

  before(async () => {
    target = await openServer(async (asked, answer) => {
      got.push(await readAll(asked));
      answer.setHeader('content-type', 'application/json');
      if (asked.headers['x-said'] === undefined) {
        answer.end('{}');
      } else if (saying.coding === undefined) {
        answer.end(saying.body);
      } else {
        answer.setHeader('content-encoding', saying.coding).end(gzipSync(saying.body));
      }
    });
    echo = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    echo.on('connection', (socket) => {
      socket.on('message', (said: Buffer) => {
        socket.send(said.toString());
      });
    });
    await once(echo, 'listening');
    const address = echo.address();
    const live = typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : '';
    const llm = `protocol: llm, url: "${target.url}", durability: process`;
    writeFileSync(
      configFile,
      `data: ${join(directory, 'store')}
listen: { http: 127.0.0.1:0 }
targets:
  api: { url: "${target.url}", durability: process }
  model: { ${llm} }
  live: { protocol: llm, url: "${live}", durability: process }
  claude: { ${llm}, options: { provider: anthropic } }
  tools: { protocol: mcp, url: "${target.url}", durability: process }
principals:
  agent: { kind: agent, targets: [api, model, live, claude, tools] }
  other: { kind: agent, targets: [model] }
${askers.map((name) => `  ${name}: { kind: agent, targets: [model, tools] }\n`).join('')}`,
    );
    gateway = await Gateway.open({ logLevel: 'silent', configFile });
    token = await issueToken('agent');
    await send('api/x', 'small');
  });
  after(async () => {
    await gateway.stop();
    await target[Symbol.asyncDispose]();
    echo.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const bodies: Readonly<Record<string, readonly [path: string, body: () => string, headers?: Readonly<Record<string, string>>]>> = {
    'many small messages': ['model/v1/chat/completions', () => chat(repeated('{"role":"user","content":"hi"},', 3.875 * megabyte).slice(0, -1))],
    'one long message': ['model/v1/chat/completions', () => chat(`{"role":"user","content":"${repeated('What is the weather like? ', 8 * megabyte)}"}`)],
    'many texts that name ids': ['claude/v1/messages', () => chat(repeated('{"role":"user","content":"file_abcdefgh"},', 3.9375 * megabyte).slice(0, -1))],
    tokens: ['model/v1/embeddings', () => `{"model":"e","input":[${repeated('[1,22,333,4444,5],', 2.25 * megabyte).slice(0, -1)}]}`],
    'a call of a tool with many arguments': ['tools', () => tool(`[${repeated('{"a":"b"},', 3.75 * megabyte).slice(0, -1)}]`), mcp],
    'a call of a tool with a long argument': ['tools', () => tool(`"${repeated('some text ', 8 * megabyte)}"`), mcp],
  };
  for (const [name, [path, compose, headers = json]] of Object.entries(bodies)) {
    test(`T4.45: ${name}: a turn has a bounded part of it, and it arrives to the byte while others are served`, async () => {
      const body = compose();
      const { calls, sealed, read, where } = await mostInOneTurn(async () => {
        const answer = await meanwhile(send(path, body, headers));
        assert.equal(answer.status, 200, await answer.text());
      });
      assert.ok(got.includes(body));
      assert.ok(calls <= callsMax, `${calls} calls in ${turnsTogether} turns: ${where}`);
      assert.ok(sealed <= sealedMax, `${sealed} records were sealed in one turn`);
      assert.ok(read <= readMax, `${read} bytes were read at once`);
    });
  }

  test('T4.45: a body with more values than the limit is refused in words that name it, and none of it in a turn of others', async () => {
    const gotBefore = got.length;
    const body = chat(repeated('[],', 4 * megabyte - 1));
    const { calls, read, where } = await mostInOneTurn(async () => {
      const answer = await send('model/v1/chat/completions', body);
      assert.equal(answer.status, 413);
      assert.match(await answer.text(), /more than 1000000 values/);
    });
    assert.equal(got.length, gotBefore, 'the target got nothing');
    assert.ok(calls <= callsMax, `${calls} calls in ${turnsTogether} turns: ${where}`);
    assert.ok(read <= readMax, `${read} bytes were read at once`);
  });

  /** The attributes of the last answer in the session of this response. */
  const recorded = async (answer: Response): Promise<Readonly<Record<string, unknown>>> => {
    const session = answer.headers.get('countersign-session') ?? '';
    const lines = await linesOf(session);
    const records = lines.map((line): { kind: string; attributes: Readonly<Record<string, unknown>> } => JSON.parse(line));
    const last = records.findLast(({ kind }) => kind === 'response');
    assert.ok(last, 'the answer is in the record');
    return last.attributes;
  };
  const usage = '"usage":{"prompt_tokens":7,"total_tokens":7}';
  const result = (content: string): string => `{"jsonrpc":"2.0","id":7,"result":{"content":[${content}],"task":{"taskId":"of-this-answer"}}}`;
  const longAnswers: Readonly<
    Record<
      string,
      readonly [path: string, asked: string, compose: () => string, facts: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>]
    >
  > = {
    'vectors of many numbers': [
      'model/v1/embeddings',
      '{"model":"e","input":"x"}',
      () => `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[${'0.125,'.repeat(300_000).slice(0, -1)}]}],${usage}}`,
      { 'gen_ai.usage.input_tokens': 7, 'countersign.unread_events': undefined },
    ],
    'many members': [
      'model/v1/chat/completions',
      chat('{"role":"user","content":"hi"}'),
      () =>
        `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"x":[${`{"member":"${repeated('text ', 180)}"},`.repeat(4_000).slice(0, -1)}]}],${usage}}`,
      { 'gen_ai.usage.input_tokens': 7, 'countersign.unread_events': undefined },
    ],
    'more values than the limit': [
      'model/v1/embeddings',
      '{"model":"e","input":"x"}',
      () => `{"data":[${'[],'.repeat(600_000).slice(0, -1)}],${usage}}`,
      { 'gen_ai.usage.input_tokens': undefined, 'countersign.is_whole': false },
    ],
    'what a tool says': [
      'tools',
      tool('{}'),
      () => result('{"type":"text","text":"b"},'.repeat(60_000).slice(0, -1)),
      { 'countersign.outcome': 'result', 'countersign.unread_messages': undefined },
      mcp,
    ],
    'what a tool says, with more values than the limit': [
      'tools',
      tool('{}'),
      () => result('[],'.repeat(600_000).slice(0, -1)),
      { 'countersign.outcome': 'unread', 'countersign.is_whole': false },
      mcp,
    ],
  };
  for (const [name, [path, asked, compose, facts, headers = json]] of Object.entries(longAnswers)) {
    for (const coding of path === 'tools' ? ([undefined] as const) : ([undefined, 'gzip'] as const)) {
      test(`T4.45: an answer with ${name}${coding === undefined ? '' : `, in ${coding}`}: a turn has a bounded part of it, and it arrives to the byte`, async () => {
        saying = { body: compose(), ...(coding === undefined ? {} : { coding }) };
        const own = await issueToken(askers.pop() ?? '');
        let response: Response | null = null;
        const { calls, read, where } = await mostInOneTurn(async () => {
          response = await send(path, asked, { ...headers, authorization: `Bearer ${own}`, 'x-said': '1' });
          const bytes = Buffer.from(await response.arrayBuffer());
          assert.ok(bytes.equals(Buffer.from(saying.body)), 'it arrives to the byte');
        });
        assert.ok(calls <= callsMax, `${calls} calls in ${turnsTogether} turns: ${where}`);
        assert.ok(read <= readMax, `${read} bytes were read at once`);
        assert.ok(response);
        const attributes = await recorded(response);
        for (const [fact, value] of Object.entries(facts)) {
          assert.equal(attributes[fact], value, fact);
        }
      });
    }
  }

  test("T4.45: an id that a long answer gives is the client's when it has the answer", async () => {
    saying = { body: result('{"type":"text","text":"b"},'.repeat(40_000).slice(0, -1)).replace('of-this-answer', 'of-a-long-answer') };
    const ask = `{"jsonrpc":"2.0","id":8,"method":"tasks/get","params":{"taskId":"of-a-long-answer"}}`;
    assert.match(await (await send('tools', ask, mcp)).text(), /"error"/);
    await (await send('tools', tool('{}'), { ...mcp, 'x-said': '1' })).text();
    assert.equal(await (await send('tools', ask, mcp)).text(), '{}');
  });

  test('T4.45: addresses in a long answer lead through the gateway, and are found elsewhere', async () => {
    saying = { body: `{${repeated('"results_url":"elsewhere",', 26 * 100_000)}"results_url":"${target.url}/v1/results"}` };
    let bytes = Buffer.alloc(0);
    const { calls, where } = await mostInOneTurn(async () => {
      bytes = Buffer.from(await (await send('claude/v1/unknown', '{}', { ...json, 'x-said': '1' })).arrayBuffer());
    });
    assert.match(bytes.subarray(-100).toString(), /"http:.*\/t\/claude\/v1\/results"\}$/);
    assert.ok(calls <= callsMax, `${calls} calls in ${turnsTogether} turns: ${where}`);
  });

  test('T4.45: a short body that is long once its coding is undone is undone elsewhere', async () => {
    const packed = new Uint8Array(gzipSync(`{"file":"file_abcdefgh","x":"${repeated('text ', 8 * megabyte)}"}`));
    assert.ok(packed.length < 128 * 1024);
    const { read } = await mostInOneTurn(async () => {
      const answer = await send('claude/v1/files/unknown', packed, { ...json, 'content-encoding': 'gzip' });
      assert.equal(answer.status, 200);
    });
    assert.ok(read <= readMax, `${read} bytes were read at once`);
  });

  const messages: Readonly<Record<string, () => string>> = {
    'many items': () => repeated('{"type":"message","role":"user","content":"hi"},', 3 * megabyte).slice(0, -1),
    'a long text': () => `{"type":"message","role":"user","content":"${repeated('some text ', 6 * megabyte)}"}`,
  };
  for (const [name, input] of Object.entries(messages)) {
    test(`T4.45: over WebSocket, ${name}: a turn has a bounded part of a message, and of the same from the target`, async () => {
      const message = `{"type":"response.create","model":"m","input":[${input()}]}`;
      const client = new WebSocket(`ws://${gateway.addresses['http']}/t/live/v1/responses`, { headers: { authorization: `Bearer ${token}` } });
      await once(client, 'open');
      const { sealed } = await mostInOneTurn(async () => {
        client.send(message);
        const [answer] = await once(client, 'message');
        assert.equal(String(answer), message);
      });
      client.close();
      assert.ok(sealed <= sealedMax, `${sealed} records were sealed in one turn`);
    });
  }

  test('T4.45: a long call that is refused is answered by its id', async () => {
    const asked = `{"jsonrpc":"2.0","id":7,"method":"tasks/get","params":{"taskId":"of-somebody-else","x":"${repeated('text ', megabyte)}"}}`;
    const answer = await send('tools', asked, mcp);
    assert.match(await answer.text(), /^\{"jsonrpc":"2.0","id":7,"error":/);
  });

  test('T4.45: two long requests whose records alternate are told apart', async () => {
    const other = await issueToken('other');
    const bodyOf = (word: string): string => chat(`{"role":"user","content":"${repeated(`${word} `, 3 * megabyte)}"}`);
    const answers = await Promise.all(
      ['here', 'there'].map(async (word) => send('model/v1/chat/completions', bodyOf(word), { ...json, authorization: `Bearer ${other}` })),
    );
    const [session = ''] = answers.map(({ headers }) => headers.get('countersign-session') ?? '');
    const shown = await linesOf(session);
    const texts = shown.map((line): string => JSON.parse(line).content?.text ?? '');
    for (const [word, not] of [
      ['here', ' there'],
      ['there', ' here'],
    ] as const) {
      assert.ok(
        texts.some((each) => each.includes(repeated(` ${word}`, 100_000)) && !each.includes(not)),
        word,
      );
    }
  });
});
