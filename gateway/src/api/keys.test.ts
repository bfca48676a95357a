import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ShownKeys } from './endpoints/list-keys.ts';
import { openRunningGateway } from './testdata/running-gateway.ts';

test('the root key is rotated while a gateway runs: what was recorded is read, and the rotation is on record with its reason', async () => {
  await using running = await openRunningGateway();
  const token = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'wide' })).token;
  const use = async (): Promise<string> => {
    const headers = { authorization: `Bearer ${token}`, connection: 'close' };
    const answer = await fetch(`${running.url}/t/api/x`, { method: 'POST', headers, body: '{"a":1}' });
    return answer.headers.get('countersign-session') ?? assert.fail(await answer.text());
  };
  const recordsOf = async (session: string): Promise<string> => (await running.ask('GET', `/api/v1/sessions/${session}/records`)).text();
  const list = async (): Promise<ShownKeys> => JSON.parse(await (await running.ask('GET', '/api/v1/keys')).text());
  const before = await use();
  assert.match(await recordsOf(before), /\{\\"a\\":1\}/);
  const first = await list();
  assert.deepEqual([first.root.number, first.classKeys.map(({ class: number, keys }) => [number, keys])], [1, [[1, 2]]]);
  // The index of records is open in its thread, too.
  assert.ok((await running.ask('GET', '/api/v1/search?query=kind:request')).ok);

  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await running.ask('POST', '/api/v1/keys/rotate-root', { headers, body: { reason: 'x' } })).status, 403);
  assert.equal((await running.ask('GET', '/api/v1/keys', { headers })).status, 403);
  assert.equal((await running.ask('POST', '/api/v1/keys/rotate-root', { body: {} })).status, 400);
  const rotated = await running.json('POST', '/api/v1/keys/rotate-root', { reason: 'somebody has left' });
  assert.deepEqual(rotated, { root: 2, provider: first.root.provider, classKeys: 2 });

  assert.match(await recordsOf(before), /\{\\"a\\":1\}/);
  assert.match(await recordsOf(await use()), /\{\\"a\\":1\}/);
  const found = await (await running.ask('GET', '/api/v1/search?query=action:gateway.rotate_root_key')).text();
  assert.match(found, /somebody has left/);
  assert.match(await (await running.ask('GET', '/api/v1/search?query=action:gateway.use_root_key')).text(), /"countersign\.root_key":2/);
  assert.equal((await list()).root.number, 2);
});
