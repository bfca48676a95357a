import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { requestAttributes, upgradeAttributes } from './actions.ts';

const head = (method: string, ...headers: readonly (readonly [string, string])[]): Parameters<typeof requestAttributes>[0] => ({ method, path: '/x', headers });

test('the effects of a request are those of its method, unless a header may change the method', () => {
  const effects = (...given: Parameters<typeof head>): unknown => requestAttributes(head(...given), { options: {} })['countersign.effects'];
  assert.deepEqual(
    ['GET', 'POST', 'DELETE', 'get', 'PURGE', '__proto__'].map((method) => effects(method)),
    [['read'], ['write'], ['destroy', 'write'], ['unknown'], ['unknown'], ['unknown']],
  );
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    assert.deepEqual(effects('POST', [name, 'DELETE']), ['destroy', 'unknown', 'write']);
  }
});

test('what is said over a WebSocket may do anything', () => {
  assert.deepEqual(upgradeAttributes(head('GET'), { options: {} })['countersign.effects'], ['unknown']);
});

test('a path has the first route that it matches as a whole, part by part', () => {
  const options = { routes: ['/v1/tickets', '/v1/tickets/{id}', '/v1/tickets/mine', '/', '/a/{b}/{c}', '/{x}y'] };
  const route = (path: string): unknown => requestAttributes({ ...head('GET'), path }, { options })['http.route'];
  for (const [path, expected] of [
    ['/v1/tickets', '/v1/tickets'],
    ['/v1/tickets?x=/y', '/v1/tickets'],
    ['/v1/tickets/7', '/v1/tickets/{id}'],
    ['/v1/tickets/mine', '/v1/tickets/{id}'],
    ['/v1/tickets/a%2Fb', '/v1/tickets/{id}'],
    ['/v1/tickets/', undefined],
    ['/v1/tickets/7/', undefined],
    ['/v1/tickets/7/x', undefined],
    ['/V1/tickets', undefined],
    ['/v1/ticketsx', undefined],
    ['/', '/'],
    ['/a/b/c', '/a/{b}/{c}'],
    ['/a//c', undefined],
    ['/{x}y', '/{x}y'],
    ['/xy', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(route(path), expected, path);
  }
  assert.equal(requestAttributes(head('GET'), { options: {} })['http.route'], undefined);
});
