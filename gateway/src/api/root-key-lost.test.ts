import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { openVault, vaultToken } from '../../../tests/support/key-servers.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { openRunningGateway } from './testdata/running-gateway.ts';

test('while the root key is not given, no new session is opened and what is open goes on; it recovers by itself, and that is on record', async () => {
  await using vault = await openVault();
  process.env['TEST_VAULT_TOKEN'] = vaultToken;
  await using running = await openRunningGateway(
    `keys: { root: { vault: "${vault.url}/v1/transit/keys/countersign", token: { env: TEST_VAULT_TOKEN } }, stale: 1s }\n`,
  );
  const tokenOf = async (principal: string): Promise<string> => Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal })).token;
  const [open, other] = [await tokenOf('wide'), await tokenOf('wide')];
  const use = async (token: string): Promise<Response> =>
    fetch(`${running.url}/t/api/x`, { method: 'POST', headers: { authorization: `Bearer ${token}`, connection: 'close' }, body: '{}' });
  const session = (await use(open)).headers.get('countersign-session');
  const isReady = async (): Promise<boolean> => (await fetch(`${running.url}/readyz`)).status === 200;
  assert.ok(await isReady());

  vault.isWilling = false;
  await waitUntil(async () => !(await isReady()));
  assert.match(await (await fetch(`${running.url}/readyz`)).text(), /No new session is opened now: the root key is not given/);
  const refused = await use(other);
  assert.match(await refused.text(), /key_unavailable/);
  assert.equal((await use(open)).headers.get('countersign-session'), session, 'an open session goes on');
  assert.match(await (await running.ask('GET', '/metrics')).text(), /^countersign_root_key_given 0$/m);

  vault.isWilling = true;
  await waitUntil(isReady);
  assert.ok((await use(other)).headers.get('countersign-session') !== null);
  assert.match(await (await running.ask('GET', '/api/v1/search?query=action:gateway.lose_root_key')).text(), /"kind":"alert"/);
});
