import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

async function tokenOf({ json }: RunningGateway, principal: string): Promise<{ readonly token: string; readonly id: string }> {
  return Object.assign({ token: '', id: '' }, await json('POST', '/api/v1/tokens', { principal }));
}

test('T4.2, E48: who watches a session is cut off when the token is revoked, and a run ends with the token that opened it', async () => {
  await using running = await openRunningGateway();
  const { ask, json } = running;
  const ann = await tokenOf(running, 'ann');
  const headers = { authorization: `Bearer ${ann.token}` };
  const run = Object.assign({ session: '', token: '' }, await (await ask('POST', '/api/v1/runs', { body: { principal: 'bot' }, headers })).json());
  const nested = Object.assign(
    { session: '', token: '' },
    await (await ask('POST', '/api/v1/runs', { body: {}, headers: { authorization: `Bearer ${run.token}` } })).json(),
  );
  const other = Object.assign({ session: '' }, await json('POST', '/api/v1/runs', { principal: 'bot' }));
  const watched = await ask('GET', `/api/v1/sessions/${other.session}/watch`, { headers });
  assert.equal(watched.status, 200);
  const cut = assert.rejects(watched.text());
  assert.equal((await ask('DELETE', `/api/v1/tokens/${ann.id}`)).status, 200);
  await cut;
  const lines = (await (await ask('GET', '/api/v1/sessions')).text()).trimEnd().split('\n');
  const states = new Map(lines.map((line) => JSON.parse(line)).map(({ session, state }) => [session, state]));
  assert.deepEqual(
    [run.session, nested.session, other.session].map((session) => states.get(session)),
    ['closed', 'closed', 'open'],
  );
  assert.equal((await ask('POST', '/api/v1/runs', { body: {}, headers: { authorization: `Bearer ${nested.token}` } })).status, 401);
});
