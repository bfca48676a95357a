import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatewayError } from '../domain/errors.ts';
import { normalizePath } from './path.ts';

test('A9: one spelling', () => {
  assert.equal(normalizePath('/%61%2D%7e/%c3%a9?q=%41%2f'), '/a-~/%C3%A9?q=A%2F');
  assert.equal(normalizePath(''), '');
  assert.equal(normalizePath('?a=b'), '?a=b');
  assert.equal(normalizePath('/a/b/'), '/a/b/');
});

test('A9: what servers read differently is refused', () => {
  for (const path of [
    'a',
    '/..',
    '/a/../b',
    '/.%2e/a',
    '/%2e/a',
    '/a//b',
    '//a',
    '/a%2fb',
    '/a%5Cb',
    '/a\\b',
    '/..;x/a',
    '/a%00',
    '/a#b',
    '/a%0d%0a',
    '/%',
    '/%zz',
    '/é',
    '/a b',
    '/%252e/a',
  ]) {
    assert.throws(() => normalizePath(path), { code: 'malformed' }, path);
  }
  assert.throws(() => normalizePath(`/${'a'.repeat(20_000)}`), { code: 'limit_exceeded' });
});

test('an encoded slash is part of a name where the target takes it so, and never leads up', () => {
  assert.equal(normalizePath('/model/arn:aws:bedrock%2fmodel/converse', true), '/model/arn:aws:bedrock%2Fmodel/converse');
  for (const path of ['/a%2f..%2fb', '/a%2F%2Fb', '/%2e%2e%2fb']) {
    assert.throws(() => normalizePath(path, true), { code: 'malformed' }, path);
  }
});

test('whatever comes out comes out again', () => {
  fc.assert(
    fc.property(fc.webPath(), fc.boolean(), (path, allows) => {
      try {
        const once = normalizePath(path, allows);
        assert.equal(normalizePath(once, allows), once);
      } catch (error) {
        assert.ok(error instanceof GatewayError);
      }
    }),
  );
});
