import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Action } from '../../domain/action.ts';
import type { GatewayError } from '../../domain/errors.ts';
import type { CallHead, CallReceiver, UpstreamCall } from '../../domain/call.ts';
import { Grant } from '../../domain/grant.ts';
import { defaultLimits } from '../../domain/limits.ts';
import type { RequestOutcome, RequestRelation } from '../../domain/channel.ts';
import { HttpCalls } from '../../exchange/target/http-calls.ts';
import { composeRequestHead } from '../../exchange/head.ts';
import type { TakeElsewhere } from '../../exchange/step.ts';
import { Screening } from '../../exchange/answer/screening.ts';
import { MemoryChannel } from '../../wire/testdata/memory-channel.ts';
import { defaultEventBytesMax } from '../../content/event-bytes.ts';
import { noAnswerReading, type AnswerReading } from '../../exchange/reading.ts';
import { framerOf } from './answer-form.ts';
import { asksOf } from './asks.ts';

const elicit = '{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}}';
const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const inputRequired = '{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create"}}}}';
const options = { tls: null, credential: () => ({ headers: [], secrets: [] }) };

/** Its policy lets nobody be asked for input. */
class Unasked extends MemoryChannel {
  override request(action: Action, bytes: readonly Uint8Array[], relation?: RequestRelation): RequestOutcome | Promise<RequestOutcome> {
    const outcome = super.request(action, bytes, relation);
    if (action.name !== 'mcp.elicit' || outcome instanceof Promise) {
      return outcome;
    }
    return { ...outcome, grant: null, decision: { ...outcome.decision, verdict: 'deny', reason: 'nobody is asked' } };
  }
}

interface Screened {
  readonly got: string;
  readonly error: GatewayError | null;
  /** The other requests that the server got. */
  readonly heard: readonly { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  readonly records: readonly string[];
}

/** Screens an answer that a server gives to a call. */
async function screened(answer: (response: ServerResponse) => void): Promise<Screened> {
  const heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    if (body.includes('"method":"tools/call"')) {
      answer(response);
    } else {
      heard.push({ headers: request.headers, body });
      response.writeHead(202).end();
    }
  };
  await using server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  using calls = new HttpCalls(defaultLimits);
  const channel = new Unasked();
  const target = { ...channel.target, port: address.port };
  const head = {
    method: 'POST',
    path: '/',
    headers: [
      ['mcp-session-id', 'of-the-server'],
      ['mcp-protocol-version', '2025-11-25'],
    ],
  } as const;
  const compose = ({ method, path, headers }: typeof head | CallHead, framing: CallHead['headers']): CallHead => ({
    method,
    path,
    headers: [['host', 'server'], ...headers, ...framing],
  });
  const got: Buffer[] = [];
  const ended = Promise.withResolvers<GatewayError | null>();
  const receiver: CallReceiver = {
    onInformation: () => undefined,
    onHead: () => undefined,
    onUpgrade: () => undefined,
    onBytes: (bytes) => got.push(bytes),
    onEnd: () => {
      ended.resolve(null);
    },
    onError: ended.resolve,
    onDrain: () => undefined,
  };
  const begin = (given: CallReceiver): UpstreamCall => calls.begin(target, options, given);
  const take: TakeElsewhere = async (step, input) => step.take(input);
  const reading: AnswerReading = {
    ...noAnswerReading,
    framer: (answered) => framerOf(answered, defaultEventBytesMax),
    asks: (frame, answered) => asksOf(head, frame, answered),
  };
  const screening = new Screening({ channel, request: 0, reading, take, begin, compose }, receiver);
  const body = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{}}}');
  const call = begin(screening);
  call.forward(new Grant([composeRequestHead(compose(head, [['content-length', String(body.length)]])), body]));
  call.end();
  const error = await ended.promise;
  await screening.settled();
  return { error, got: Buffer.concat(got).toString(), heard, records: channel.records.map(({ kind }) => kind) };
}

test('a denied request of a server in a stream is answered by the gateway, which is recorded, and the stream continues without it', async () => {
  const { got, heard, records } = await screened((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
    response.write(`data: ${elicit.slice(0, 20)}`);
    response.end(`${elicit.slice(20)}\n\ndata: ${result}\n\n`);
  });
  assert.equal(got, `: here\n\ndata: ${result}\n\n`);
  assert.match(heard[0]?.body ?? '', /^\{"jsonrpc":"2.0","id":7,"error":\{"code":-32010,"message":"countersign: nobody is asked"/);
  assert.deepEqual([heard[0]?.headers['mcp-session-id'], heard[0]?.headers['mcp-protocol-version']], ['of-the-server', '2025-11-25']);
  assert.deepEqual(records, ['request mcp.elicit', 'request mcp.answer', 'response']);
});

test('what a server asks within a result and is denied: nothing of it is released, and the client is told why', async () => {
  const { got, heard, records, error } = await screened((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': inputRequired.length }).end(inputRequired);
  });
  assert.deepEqual([got, error?.code, error?.message], ['', 'refused', 'nobody is asked']);
  assert.deepEqual([heard, records], [[], ['request mcp.elicit']]);
});
