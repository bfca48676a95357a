import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequestInfo } from './request-info.ts';
import { secretMembers } from './secrets.ts';

const membersOf = (path: string): ReturnType<typeof secretMembers> => secretMembers(readRequestInfo({ method: 'GET', path }));

test('what a Secret keeps is known in every form of an answer, and nothing else of it', () => {
  const know = membersOf('/api/v1/namespaces/default/secrets');
  for (const [path, isBase64] of [
    ['data/password', true],
    ['items/0/data/tls.crt', true],
    ['object/data/password', true],
    ['rows/1/object/data/a/b', true],
    ['stringData/password', false],
    ['metadata/annotations/kubectl.kubernetes.io/last-applied-configuration', false],
    ['0/value', false],
    ['0/value/password', false],
    ['*', true],
  ] as const) {
    assert.deepEqual(know?.(path), { class: 'kubernetes-secret', isBase64 }, path);
  }
  for (const path of [
    'metadata/name',
    'metadata/managedFields/0/fieldsV1/f:data/f:password',
    'type',
    'rows/0/cells/2',
    'kind',
    '0/path',
    'metadata/database',
  ]) {
    assert.equal(know?.(path), null, path);
  }
});

test('only Secrets of the core group are Secrets', () => {
  for (const path of ['/api/v1/secrets', '/api/v1/watch/secrets', '/api/v1/namespaces/default/secrets/api?watch=1']) {
    assert.notEqual(membersOf(path), undefined, path);
  }
  for (const path of ['/api/v1/namespaces/default/configmaps', '/apis/example.com/v1/secrets', '/version']) {
    assert.equal(membersOf(path), undefined, path);
  }
});
