import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { routes } from './routes.ts';
import { openRunningGateway } from './testdata/running-gateway.ts';

/** Every endpoint that is not for everybody, at an address that its path matches: one that is added later is looked at as well. */
const endpoints = routes
  .filter(({ callers }) => callers !== 'everybody')
  .map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+(\{[^}]*\})?/g, 'x') }));

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
});
