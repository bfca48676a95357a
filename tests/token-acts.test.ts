import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { GatewayProcess } from './support/gateway-process.ts';

test('T4.16: tokens made and revoked while the gateway is stopped are on record before anything is served, with when and by whom', async () => {
  await using gateway = await GatewayProcess.start({ config: 'principals:\n  agent: { kind: agent }\n' });
  await gateway.signal('SIGTERM');
  const made: { readonly id: string; readonly token: string } = JSON.parse(gateway.cli(['token', 'create', 'agent', '--json']).stdout);
  assert.equal(gateway.cli(['token', 'revoke', made.token]).status, 0);
  const kept: { readonly id: string } = JSON.parse(gateway.cli(['token', 'create', 'agent', '--json']).stdout);
  const untilMs = Date.now();
  await gateway.start();
  const acts = async (): Promise<unknown[]> => {
    const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
    const records = (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat();
    return records
      .filter(({ action }) => action === 'gateway.create_token' || action === 'gateway.revoke_token')
      .map(({ action, attributes }) => {
        assert.ok(Date.parse(String(attributes['countersign.time'])) <= untilMs);
        return [action, attributes['countersign.token.id'], attributes['user.id'], attributes['countersign.without_gateway']];
      });
  };
  const user = `os:${userInfo().username}`;
  const expected = [
    ['gateway.create_token', made.id, user, true],
    ['gateway.revoke_token', made.id, user, true],
    ['gateway.create_token', kept.id, user, true],
  ];
  assert.deepEqual(await acts(), expected);
  await gateway.signal('SIGKILL');
  await gateway.start();
  assert.deepEqual(await acts(), expected, 'and once only');
  assert.equal(gateway.verify().status, 0);
});
