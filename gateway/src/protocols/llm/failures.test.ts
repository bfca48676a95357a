import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { errorCodes, GatewayError } from '../../domain/errors.ts';
import { problemOf, type Problem } from '../../domain/problem.ts';
import type { RequestHead } from '../../wire/http/reading.ts';
import { describeFailure } from './failures.ts';
import { readAnswer, samples } from './testdata/fixtures.ts';

const session = 'ab'.repeat(16);
const describe = (problem: Problem, head: RequestHead) => describeFailure({ problem, head, body: null });
const refused = problemOf(new GatewayError('refused', 'This model is not granted.'), session);
const said = `countersign: This model is not granted (session ${session})`;

function post(path: string, headers: RequestHead['headers'] = []): RequestHead {
  return { method: 'POST', path, headers };
}

const chat = post('/v1/chat/completions');
const anthropic = post('/v1/messages');
const gemini = post('/v1beta/models/x:generateContent');
const converse = post('/model/x/converse');

test('each provider has its own shape', () => {
  const body = (head: RequestHead): unknown => JSON.parse(describe(refused, head).body);
  assert.deepEqual(body(chat), { error: { message: said, type: 'permission_error', code: 'refused', param: null } });
  assert.deepEqual(body(anthropic), { type: 'error', error: { type: 'permission_error', message: said } });
  assert.deepEqual(body(gemini), {
    error: {
      code: 403,
      message: said,
      status: 'PERMISSION_DENIED',
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'REFUSED', domain: 'countersign' }],
    },
  });
  assert.deepEqual(describe(refused, converse), {
    status: 403,
    headers: [
      ['content-type', 'application/json'],
      ['x-should-retry', 'false'],
      ['x-amzn-errortype', 'AccessDeniedException'],
    ],
    body: JSON.stringify({ message: said }),
  });
});

test('without a session the message is the message; without a head it is said as most servers say it', () => {
  const { body } = describe(problemOf(new GatewayError('unauthenticated', 'No token.')), post('/t/anything'));
  assert.deepEqual(JSON.parse(body), { error: { message: 'countersign: No token.', type: 'authentication_error', code: 'unauthenticated', param: null } });
});

test('whose words they are shows in the path, else in the headers that SDKs send', () => {
  const keys = (head: RequestHead): string => Object.keys(JSON.parse(describe(refused, head).body)).join();
  assert.deepEqual(
    samples.map(({ path }) => keys(post(path))),
    ['error', 'error', 'type,error', 'error', 'message', 'message'],
  );
  const unknown = ['anthropic-version', 'x-goog-api-client', 'amz-sdk-request', 'user-agent'].map((name) => keys(post('/v1/files', [[name, 'x']])));
  assert.deepEqual(unknown, ['type,error', 'error', 'message', 'error']);
  // A path that is known counts more than a header.
  assert.equal(keys({ ...chat, headers: [['anthropic-version', 'x']] }), 'error');
});

test('only what may pass is worth another try', () => {
  const tells = (code: 'halted' | 'throttled'): boolean =>
    describe(problemOf(new GatewayError(code, 'x')), chat).headers.some(([name]) => name === 'x-should-retry');
  assert.deepEqual([tells('halted'), tells('throttled')], [true, false]);
});

test('every code, written for every provider, is read again as an error', () => {
  for (const code of errorCodes) {
    for (const head of [chat, anthropic, gemini, converse]) {
      const problem = problemOf(new GatewayError(code, 'x'));
      const { headers, body } = describe(problem, head);
      const { facts } = readAnswer(head.path, { type: 'application/json', status: problem.status, headers: headers.slice(1) }, [Buffer.from(body)]);
      assert.match(String(facts['error.type']), head === chat ? new RegExp(`^${code}$`) : /^[A-Za-z_]+$/);
      assert.doesNotMatch(body, /undefined/);
    }
  }
});
