import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { errorCodes, GatewayError } from '../../domain/errors.ts';
import { problemOf } from '../../domain/problem.ts';
import { describeFailure, type Dialect } from './failures.ts';
import { rules } from './rules.ts';
import { readAnswer, samples } from './testdata/fixtures.ts';

const session = 'ab'.repeat(16);
const refused = problemOf(new GatewayError('refused', 'This model is not granted.'), session);
const said = `countersign: This model is not granted (session ${session})`;

test('each provider has its own shape', () => {
  const body = (dialect: Dialect): unknown => JSON.parse(describeFailure(dialect, refused).body);
  assert.deepEqual(body('openai'), { error: { message: said, type: 'permission_error', code: 'refused', param: null } });
  assert.deepEqual(body('anthropic'), { type: 'error', error: { type: 'permission_error', message: said } });
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
    return Object.keys(JSON.parse(rules.failure({ problem: refused, head, body: null }).body)).join();
  };
  assert.deepEqual(
    samples.map(({ path }) => keys(path)),
    ['error', 'error', 'type,error', 'error', 'message', 'message'],
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
  } as const;
  for (const code of errorCodes) {
    for (const dialect of ['openai', 'anthropic', 'gemini', 'bedrock'] as const) {
      const { status, headers, body } = describeFailure(dialect, problemOf(new GatewayError(code, 'x')));
      const { facts } = readAnswer(paths[dialect], { type: 'application/json', status, headers: headers.slice(1) }, [Buffer.from(body)]);
      assert.match(String(facts['error.type']), dialect === 'openai' ? new RegExp(`^${code}$`) : /^[A-Za-z_]+$/);
      assert.doesNotMatch(body, /undefined/);
    }
  }
});
