import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { errorCodes, GatewayError } from '../../domain/errors.ts';
import { problemOf } from '../../exchange/problem.ts';
import { ModelAnswer } from './answer.ts';
import { AwsMessages } from '../../content/aws-event-stream.ts';
import { Framer } from '../../content/framer.ts';
import { readAnswer as readFrames } from '../../exchange/reading.ts';
import { describeFailure, type Dialect } from './failures.ts';
import { rules } from './rules.ts';
import { findApi } from './apis.ts';
import { awsException } from './testdata/aws-messages.ts';
import { readAnswer, samples } from './testdata/fixtures.ts';

const session = 'ab'.repeat(16);
const refused = problemOf(new GatewayError('refused', 'This model is not granted.'), session);
const said = `countersign: This model is not granted (session ${session})`;

test('each provider has its own shape', () => {
  const body = (dialect: Dialect): unknown => JSON.parse(describeFailure(dialect, refused).body);
  assert.deepEqual(body('openai'), { error: { message: said, type: 'permission_error', code: 'refused', param: null } });
  assert.deepEqual(body('anthropic'), { type: 'error', error: { type: 'permission_error', message: said, details: { error_code: 'refused' } } });
  assert.deepEqual(body('gemini'), {
    error: {
      code: 403,
      message: said,
      status: 'PERMISSION_DENIED',
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'REFUSED', domain: 'countersign' }],
    },
  });
  assert.deepEqual(describeFailure('bedrock', refused), {
    status: 403,
    headers: [
      ['content-type', 'application/json'],
      ['x-should-retry', 'false'],
      ['x-amzn-errortype', 'AccessDeniedException'],
    ],
    body: JSON.stringify({ message: said }),
  });
});

test('without a session the message is the message', () => {
  const { body } = describeFailure('openai', problemOf(new GatewayError('unauthenticated', 'No token.')));
  assert.deepEqual(JSON.parse(body), { error: { message: 'countersign: No token.', type: 'authentication_error', code: 'unauthenticated', param: null } });
});

test('whose words they are shows in the path, else in the headers that SDKs send', () => {
  const keys = (path: string, ...names: string[]): string => {
    const head = { method: 'POST', path, headers: names.map((name) => [name, 'x'] as const) };
    return Object.keys(JSON.parse(rules.failure({ problem: refused, head, body: null, answerTo: null }).body)).join();
  };
  assert.deepEqual(
    samples.map(({ path }) => keys(path)),
    ['error', 'error', 'type,error', 'error', 'message', 'message', 'type,error', 'error'],
  );
  const unknown = ['anthropic-version', 'x-goog-api-client', 'amz-sdk-request', 'user-agent'].map((name) => keys('/v1/files', name));
  assert.deepEqual(unknown, ['type,error', 'error', 'message', 'error']);
  // A path that is known counts more than a header.
  assert.equal(keys('/v1/chat/completions', 'anthropic-version'), 'error');
});

test('only what may pass is worth another try', () => {
  const tells = (code: 'halted' | 'throttled'): boolean =>
    describeFailure('openai', problemOf(new GatewayError(code, 'x'))).headers.some(([name]) => name === 'x-should-retry');
  assert.deepEqual([tells('halted'), tells('throttled')], [true, false]);
});

test('every code, written for every provider, is read again as an error', () => {
  const paths = {
    openai: '/v1/chat/completions',
    anthropic: '/v1/messages',
    gemini: '/v1beta/models/x:generateContent',
    bedrock: '/model/x/converse',
    ollama: '/api/chat',
  } as const;
  for (const code of errorCodes) {
    for (const dialect of ['openai', 'anthropic', 'gemini', 'bedrock', 'ollama'] as const) {
      const { status, headers, body } = describeFailure(dialect, problemOf(new GatewayError(code, 'x')));
      const { facts } = readAnswer(paths[dialect], { type: 'application/json', status, headers: headers.slice(1) }, [Buffer.from(body)]);
      const named = { openai: new RegExp(`^${code}$`), ollama: new RegExp(`^${status}$`) };
      assert.match(String(facts['error.type']), dialect === 'openai' || dialect === 'ollama' ? named[dialect] : /^[A-Za-z_]+$/);
      assert.doesNotMatch(body, /undefined/);
    }
  }
});

describe('an error in a stream that has begun', () => {
  const halted = problemOf(new GatewayError('halted', 'Enough.'), session);
  const names: Readonly<Record<string, string>> = {
    'openai-chat': 'halted',
    'openai-responses': 'halted',
    anthropic: 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
    'bedrock-converse': 'ValidationException',
    'bedrock-invoke': 'ValidationException',
    'vertex-claude': 'invalid_request_error',
    'ollama-chat': '_OTHER',
  };
  const lastEvent = (path: string, type: string): Uint8Array | null => {
    const head = { method: 'POST', path, headers: [] };
    return rules.lastEvent?.({ problem: halted, head, body: null, answerTo: null }, { status: 200, headers: [['content-type', type]] }) ?? null;
  };

  for (const { name, streams } of samples) {
    for (const { path, type, bytes } of streams) {
      const api = findApi({ method: 'POST', path, headers: [] });
      const newReader = (): ModelAnswer => new ModelAnswer(api?.shape ?? null);
      const answered = { status: 200, headers: [['content-type', type]] } as const;

      test(`${name}, ${type}: an event of its own between two events, and never inside one`, () => {
        const event = lastEvent(path, type);
        const framer = newReader().framer(answered);
        const places: number[] = [];
        for (const [at, byte] of bytes.entries()) {
          framer?.push(Buffer.of(byte));
          if (framer?.isBetweenFrames === true) {
            places.push(at + 1);
          }
        }
        if (type.startsWith('application/json')) {
          assert.deepEqual([event, places], [null, []], 'a list would have to be closed');
          return;
        }
        assert.ok(event !== null && places.length > 3 && places.length < bytes.length / 8);
        for (const end of places) {
          const reader = newReader();
          readFrames(reader, answered, [bytes.subarray(0, end), Buffer.from(event)]);
          assert.equal(reader.facts()['error.type'], names[name], `behind ${end} bytes`);
          assert.equal(reader.unread, 0);
          assert.ok(reader.error?.message?.startsWith('countersign: Enough (session '));
        }
      });
    }
  }

  test('in the words of each provider', () => {
    const text = (path: string): string => Buffer.from(lastEvent(path, 'text/event-stream; charset=utf-8') ?? []).toString();
    assert.match(text('/v1/chat/completions'), /^data: \{"error":\{"message":"countersign: Enough \(session .*","code":"halted","param":null\}\}\n\n$/);
    assert.match(text('/v1/responses'), /^event: error\ndata: \{"type":"error","code":"halted",.*"error":\{.*\}\}\n\n$/);
    assert.match(text('/v1/messages'), /^event: error\ndata: \{"type":"error","error":\{.*"details":\{"error_code":"halted"\}\}\}\n\n$/);
    assert.match(text('/v1beta/models/x:streamGenerateContent'), /^data: \{"error":\{"code":409,.*"reason":"HALTED"/);
    const frame = lastEvent('/model/x/converse-stream', 'application/vnd.amazon.eventstream');
    const headersOf = (bytes: Uint8Array): unknown =>
      new Framer(new AwsMessages(), Infinity).push(Buffer.from(bytes)).map((each) => (each.is === 'message' ? Object.fromEntries(each.message.headers) : null));
    assert.ok(frame !== null);
    assert.deepEqual(headersOf(frame), headersOf(awsException('validationException', 'x')));
    assert.equal(lastEvent('/model/x/converse-stream', 'text/event-stream'), null);
  });

  test('of an answer that is not understood nothing is known, so that nothing is added to it', () => {
    const reader = new ModelAnswer(null);
    assert.equal(reader.framer({ status: 200, headers: [['content-type', 'text/event-stream']] }), null);
  });
});
