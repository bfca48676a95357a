import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionOf, readExample, requestAttributes } from './actions.ts';
import { readRequestInfo } from './request-info.ts';

/** The verb, and where the object is: GROUP NAMESPACE RESOURCE SUBRESOURCE NAME, with a dash for what is empty. */
function read(example: string): string {
  const [method = '', path = ''] = example.split(' ');
  const { verb, resource } = readRequestInfo({ method, path });
  const words = resource === null ? [] : [resource.group, resource.namespace, resource.resource, resource.subresource, resource.name];
  return [verb, ...words.map((word) => (word === '' ? '-' : word))].join(' ');
}

test('requests are read as an API server reads them', () => {
  for (const [example, expected] of [
    ['GET /api/v1/namespaces/shop/pods', 'list - shop pods - -'],
    ['GET /api/v1/namespaces/shop/pods/web', 'get - shop pods - web'],
    ['HEAD /api/v1/namespaces/shop/pods/web', 'get - shop pods - web'],
    ['GET /api/v1/namespaces/shop/pods/web/log', 'get - shop pods log web'],
    ['GET /api/v1/pods?watch=true', 'watch - - pods - -'],
    ['GET /api/v1/pods?watch=0', 'list - - pods - -'],
    ['GET /api/v1/pods?watch=false&watch=true', 'list - - pods - -'],
    ['GET /api/v1/pods?watch', 'watch - - pods - -'],
    ['GET /api/v1/pods??watch=true', 'list - - pods - -'],
    ['GET /api/v1/watch/namespaces/shop/pods', 'watch - shop pods - -'],
    ['GET /api/v1/namespaces', 'list - - namespaces - -'],
    ['GET /api/v1/namespaces/shop', 'get - shop namespaces - shop'],
    ['PUT /api/v1/namespaces/shop/finalize', 'update - shop namespaces finalize shop'],
    ['POST /apis/apps/v1/namespaces/shop/deployments', 'create apps shop deployments - -'],
    ['PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale', 'patch apps shop deployments scale web'],
    ['DELETE /apis/apps/v1/namespaces/shop/deployments/web', 'delete apps shop deployments - web'],
    ['DELETE /apis/apps/v1/namespaces/shop/deployments', 'deletecollection apps shop deployments - -'],
    ['GET /api/v1/namespaces/shop/secrets?fieldSelector=metadata.name%3Dkey', 'list - shop secrets - key'],
    ['GET /api/v1/namespaces/shop/%73ecrets/key', 'get - shop secrets - key'],
    ['GET /api/v1/proxy/namespaces/shop/pods/web/x', 'proxy - shop pods - web'],
    ['GET /version', 'get'],
    ['GET /apis/apps/v1', 'get'],
  ] as const) {
    assert.equal(read(example), expected, example);
  }
});

test('a method that the API has no verb for, and a path that is not UTF-8, are malformed', () => {
  for (const example of ['OPTIONS /api/v1/pods', 'GET /api/v1/pods/%ff', 'GET /api/v1/watch']) {
    assert.throws(() => read(example), { code: 'malformed' }, example);
  }
});

test('a program in a container has the effects of its name', () => {
  for (const [query, command, effects] of [
    ['command=cat&command=/etc/hosts', 'cat /etc/hosts', ['read']],
    ['command=/bin/rm&command=-r', '/bin/rm -r', ['destroy', 'write']],
    ['command=sh&command=-c&command=ls', 'sh -c ls', ['unknown']],
    ['command=/tmp/cat', '/tmp/cat', ['unknown']],
    ['', undefined, ['unknown']],
    // The API does not take the first of these for a word of the command.
    ['?command=cat&command=rm', 'rm', ['destroy', 'write']],
  ] as const) {
    const attributes = readExample(`GET /api/v1/namespaces/shop/pods/web/exec?${query}`);
    assert.deepEqual([attributes['process.command_line'], attributes['countersign.effects']], [command, effects], query);
  }
});

test('C26: what leads out of the API is unknown, whatever its method is', () => {
  for (const [path, action] of [
    ['/api/v1/namespaces/shop/pods/web/attach', 'kubernetes.attach'],
    ['/api/v1/namespaces/shop/pods/web/portforward', 'kubernetes.portforward'],
    ['/api/v1/namespaces/shop/services/web/proxy/x', 'kubernetes.proxy'],
    ['/api/v1/nodes/one/proxy/exec/shop/web', 'kubernetes.proxy'],
    ['/api/v1/proxy/nodes/one', 'kubernetes.proxy'],
  ] as const) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const info = readRequestInfo({ method, path });
      assert.deepEqual([actionOf(info), requestAttributes(info, method, null)['countersign.effects']], [action, ['unknown']], `${method} ${path}`);
    }
  }
});

test('a change is tried alone only where every reader takes it for a trial', () => {
  const place = '/api/v1/namespaces/shop/configmaps/notes';
  for (const [query, isTrial] of [
    ['?dryRun=All', true],
    ['?dryRun=All&dryRun=', undefined],
    ['?dryRun=all', undefined],
    ['??dryRun=All', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(readExample(`PATCH ${place}${query}`)['countersign.cluster.dry_run'], isTrial, query);
  }
});
