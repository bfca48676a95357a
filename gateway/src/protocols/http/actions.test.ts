import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { requestAttributes, upgradeAttributes } from './actions.ts';

const head = (method: string, ...headers: readonly (readonly [string, string])[]): Parameters<typeof requestAttributes>[0] => ({ method, path: '/x', headers });

test('the effects of a request are those of its method, unless a header may change the method', () => {
  const effects = (...given: Parameters<typeof head>): unknown => requestAttributes(head(...given))['countersign.effects'];
  assert.deepEqual(
    ['GET', 'POST', 'DELETE', 'get', 'PURGE', '__proto__'].map((method) => effects(method)),
    [['read'], ['write'], ['destroy', 'write'], ['unknown'], ['unknown'], ['unknown']],
  );
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    assert.deepEqual(effects('POST', [name, 'DELETE']), ['destroy', 'unknown', 'write']);
  }
});

test('what is said over a WebSocket may do anything', () => {
  assert.deepEqual(upgradeAttributes(head('GET'))['countersign.effects'], ['unknown']);
});
