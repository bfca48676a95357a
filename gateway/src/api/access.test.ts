import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRoutes, routes } from './routes.ts';
import { openRunningGateway } from './testdata/running-gateway.ts';

/** Every endpoint that is not for everybody, at an address that its path matches: one that is added later is looked at as well. */
const endpoints = routes
  .filter(({ callers }) => callers !== 'everybody')
  .map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+(\{[^}]*\})?/g, 'x') }));

/** The paths of the description of the API, with their methods. */
const { paths: described }: { readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../docs/openapi.json'), 'utf8'),
);

async function statusAndTitle(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const problem: Record<string, unknown> = Object.assign({}, await response.json());
  return `${response.status} ${String(problem['title'])}`;
}

test('no endpoint answers without a credential, nor to a principal who is no administrator', async (context) => {
  await using running = await openRunningGateway();
  const { ask, json } = running;
  const { token } = await json('POST', '/api/v1/tokens', { principal: 'bot' });
  assert.ok(endpoints.length > 0);
  for (const { method, path } of endpoints) {
    await context.test(`${method} ${path}`, async () => {
      assert.equal(await statusAndTitle(ask(method, path, { headers: {} })), '401 unauthenticated');
      assert.equal(await statusAndTitle(ask(method, path, { headers: { authorization: `Bearer ${String(token)}` } })), '403 refused');
    });
  }
  await context.test('each path of docs/openapi.json takes the methods that it names, and no others', async () => {
    for (const [path, operations] of Object.entries(described)) {
      const named = Object.keys(operations).map((method) => method.toUpperCase());
      const allow = named.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).toSorted();
      const address = path.replaceAll(/\{\w+\}/g, 'x');
      // A name in one path may be a word of another: DELETE /api/v1/passkeys/{passkey}, POST /api/v1/passkeys/invitations.
      const taken = new Set(
        Object.keys(described)
          .filter((each) => new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(address))
          .flatMap((each) => Object.keys(described[each] ?? {}).map((method) => method.toUpperCase())),
      );
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((each) => !taken.has(each))) {
        const answer = await fetch(running.url + address, { method });
        await answer.text();
        assert.deepEqual([answer.status, answer.headers.get('allow')?.split(', ').toSorted()], [405, allow], `${method} ${path}`);
      }
    }
  });
  await context.test('what is served beside them are forms of other standards, pages, and what the pages ask', () => {
    const others = openRoutes.map(({ path }) => path);
    assert.deepEqual(
      others.filter((path) => Object.hasOwn(described, path)),
      [],
    );
    const known = /^\/(?:scim\/v2\/|sign-in$|passkey$|assets\/|console|api\/v1\/(?:sign-in|invitation|logout|console)(?:\/|$))/;
    assert.deepEqual(
      others.filter((path) => !known.test(path)),
      [],
    );
  });
});
