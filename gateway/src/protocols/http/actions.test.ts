import { strict as assert } from 'node:assert';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import type { Attributes } from '../../domain/action.ts';
import { methods, requestAttributes, upgradeAttributes } from './actions.ts';
import { bodyOption, step } from './body-facts.ts';

const head = (method: string, ...headers: readonly (readonly [string, string])[]): Parameters<typeof requestAttributes>[0] => ({ method, path: '/x', headers });

test('the effects of a request are those of its method, unless a header may change the method', () => {
  const effects = (...given: Parameters<typeof head>): unknown => requestAttributes(head(...given), { options: {} })['countersign.effects'];
  assert.deepEqual(
    ['GET', 'POST', 'DELETE', 'get', 'PURGE', '__proto__'].map((method) => effects(method)),
    [['read'], ['write'], ['destroy', 'write'], ['unknown'], ['unknown'], ['unknown']],
  );
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override', 'x_http_method_override', 'x-http_method']) {
    assert.deepEqual(effects('POST', [name, 'DELETE']), ['destroy', 'unknown', 'write']);
  }
  const asked = (query: string): unknown => requestAttributes({ ...head('POST'), path: `/x?${query}` }, { options: {} })['countersign.effects'];
  for (const query of ['_method=DELETE', 'a=1&_METHOD=PUT', 'a;.method=DELETE', '%20_method=x', '%5Bmethod=x', '_method']) {
    assert.deepEqual(asked(query), ['destroy', 'unknown', 'write'], query);
  }
  for (const query of ['a_method=DELETE', 'method=DELETE', 'a=_method', '_methods=x']) {
    assert.deepEqual(asked(query), ['write'], query);
  }
});

test('policy knows the methods that Node reads', () => {
  assert.deepEqual(methods, METHODS);
});

test('A9: policy sees one spelling of a path', () => {
  const options = { routes: ['/v1/x:purge', '/v1/{id}'] };
  for (const path of ['/v1/x:purge', '/v1/x%3Apurge']) {
    const facts = requestAttributes({ ...head('GET'), path }, { options });
    assert.deepEqual([facts['url.path'], facts['http.route']], ['/v1/x:purge', '/v1/x:purge'], path);
  }
  const all = "/!$&'()*+,;=:@[]";
  const encoded = `/${all.slice(1).replaceAll(/./g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)}`;
  assert.equal(requestAttributes({ ...head('GET'), path: encoded }, { options })['url.path'], all);
  assert.equal(requestAttributes({ ...head('GET'), path: '/%20%2F%25%C3%A9' }, { options })['url.path'], '/%20%2F%25%C3%A9');
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

test('T4.33: the values that a target names are read from a JSON body; any other body is said to be unreadable', () => {
  const places = { amount: '/order/amount', first: '/order/items/0/price', odd: '/a~1b/~0', urgent: '/urgent', note: '/note' };
  const read = (body: string, type = 'application/json', ...more: readonly (readonly [string, string])[]): Attributes =>
    step.take({ headers: [['content-type', type], ...more], body: Buffer.from(body), places });
  assert.deepEqual(read('{"order":{"amount":250,"items":[{"price":1.5}]},"a/b":{"~":-1},"urgent":true,"note":"x=\\"y"}'), {
    'countersign.body_readable': true,
    'countersign.body': ['amount=250', 'first=1.5', 'odd=-1', 'urgent=true', 'note="x=\\"y"'],
  });
  const readable = { 'countersign.body_readable': true };
  for (const body of ['', '{}', '[]', '3', '{"order":[]}', '{"order":{"amount":null,"items":{"0":{}}},"note":["x"]}', `{"note":"${'x'.repeat(257)}"}`]) {
    assert.deepEqual(read(body), readable, body);
  }
  const unreadable = { 'countersign.body_readable': false };
  const good = '{"order":{"amount":1}}';
  for (const body of [
    '{"order":{"amount":1,"amount":2}}',
    '{"order":{"amount":1},"Order":{}}',
    '{',
    `${good}x`,
    `${'['.repeat(70)}${']'.repeat(70)}`,
    '{"__proto__":{}}',
  ]) {
    assert.deepEqual(read(body), unreadable, body);
  }
  for (const type of ['text/plain', 'application/jsonx', '', 'application/json; charset=utf-16', 'application/json, text/plain']) {
    assert.deepEqual(read(good, type), unreadable, type);
  }
  assert.deepEqual(read(good, 'application/json', ['content-encoding', 'gzip']), unreadable);
  assert.deepEqual(read(good, 'application/vnd.shop+json; charset=UTF-8')['countersign.body'], ['amount=1']);
});

test('T4.33: a place is a JSON Pointer, and a name is a word', () => {
  for (const [body, isGood] of [
    [{ amount: '/order/amount' }, true],
    [{ amount: 'order.amount' }, false],
    [{ amount: '/a~2' }, false],
    [{ amount: '' }, false],
    [{ __proto__x: '/a' }, false],
    [{ 'a.b': '/a' }, false],
    [Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`n${i}`, '/a'])), false],
  ] as const) {
    assert.equal(bodyOption.safeParse(body).success, isGood, JSON.stringify(body));
  }
});
