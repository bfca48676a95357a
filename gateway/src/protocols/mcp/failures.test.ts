import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { errorCodes, GatewayError } from '../../domain/errors.ts';
import { problemOf } from '../../exchange/problem.ts';
import { failureAnswer } from './failures.ts';
import { request } from './testdata/requests.ts';

const session = 'a'.repeat(32);
const refused = new GatewayError('refused', 'No policy lets you call "delete".');

function answer(error: GatewayError, body: string | Uint8Array | null, status = 403): { readonly status: number; readonly text: string } {
  const head = { method: 'POST', path: '', headers: [['mcp-session-id', 'of-the-server']] as const };
  const made = failureAnswer({ problem: { ...problemOf(error, session), status }, head, body: body === null ? null : Buffer.from(body), answerTo: null });
  return { status: made.status, text: made.body };
}

test('a refused request is answered with its own id', () => {
  const { status, text } = answer(refused, JSON.stringify(request('tools/call', { name: 'delete' }, 'a"b')));
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text), {
    jsonrpc: '2.0',
    id: 'a"b',
    error: { code: -32010, message: 'countersign: No policy lets you call "delete".', data: { code: 'refused', session } },
  });
  const later = answer(new GatewayError('refused', 'Too many.', { retryAfterSeconds: 7 }), '{"jsonrpc":"2.0","id":1,"method":"x"}');
  assert.match(later.text, /"data":\{"code":"refused","session":"a+","retryAfter":7\}/);
  assert.match(answer(refused, '{"jsonrpc":"2.0","id":123456789012345678901,"method":"x"}').text, /"id":123456789012345678901,/);
});

test('what has no id that can be read is answered with null and its status', () => {
  for (const body of [
    null,
    '',
    '{"jsonrpc":"2.0","id":1',
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}',
    JSON.stringify([request('x')]),
    '{"jsonrpc":"2.0","method":"x"}',
    Buffer.from([0xff]),
  ]) {
    const { status, text } = answer(refused, body);
    assert.equal(status, 403);
    assert.match(text, /^\{"jsonrpc":"2\.0","id":null,/);
  }
});

test('what a transport acts on keeps its status; every error has an answer', () => {
  const statuses = errorCodes.map((code) => {
    const { status, text } = answer(new GatewayError(code, 'x'), JSON.stringify(request('ping')), 499);
    assert.equal(JSON.parse(text).error.data.code, code);
    assert.equal(JSON.parse(text).id, 1);
    return [code, status] as const;
  });
  const kept = statuses.filter(([, status]) => status === 499).map(([code]) => code);
  assert.deepEqual(kept, ['unauthenticated', 'throttled', 'unknown_target', 'limit_exceeded', 'malformed', 'unsupported', 'not_found']);
});
