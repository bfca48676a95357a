import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';

test('T4.16: tokens made and revoked while the gateway is stopped are on record before anything is served, with when and by whom', async () => {
  await using gateway = await GatewayProcess.start({ config: 'principals:\n  agent: { kind: agent }\n' });
  await gateway.signal('SIGTERM');
  const { stdout, stderr } = gateway.command(['token', 'create', 'agent', '--json']);
  assert.ok(stderr.includes(`No gateway is running on ${gateway.data}: the token is for the next one that starts there.`), stderr);
  const made: { readonly id: string; readonly token: string } = JSON.parse(stdout);
  assert.equal(gateway.command(['token', 'revoke', made.token]).status, 0);
  const kept: { readonly id: string } = JSON.parse(gateway.command(['token', 'create', 'agent', '--json']).stdout);
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

test('a command with an empty token does not act as the operator', async () => {
  await using gateway = await GatewayProcess.start({ config: 'principals:\n  agent: { kind: agent }\n' });
  assert.equal(gateway.cli(['session', 'list', '--all']).status, 0);
  const { status, stdout, stderr } = gateway.cli(['session', 'list', '--all'], { environment: { COUNTERSIGN_TOKEN: '' } });
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^countersign: COUNTERSIGN_TOKEN is set and empty: put a token into it, or unset it to act as the operator$/m);
});

test('T4.13: an older identity.db, in which a token is not revoked, does not start, and with --accept-rollback that is in the record', async () => {
  await using gateway = await GatewayProcess.start({ config: 'principals:\n  agent: { kind: agent }\n' });
  const { id }: { readonly id: string } = JSON.parse(gateway.command(['token', 'create', 'agent', '--json']).stdout);
  await gateway.signal('SIGTERM');
  const [file, early] = [join(gateway.data, 'identity.db'), join(gateway.directory, 'early.db')];
  copyFileSync(file, early);
  await gateway.start();
  assert.equal(gateway.command(['token', 'revoke', id]).status, 0);
  await gateway.signal('SIGKILL');
  for (const restore of [
    () => {
      copyFileSync(early, file);
    },
    () => {
      rmSync(file);
    },
  ]) {
    rmSync(`${file}-journal`, { force: true });
    restore();
    await assert.rejects(
      gateway.start(),
      /identity\.db is older than keys\.db: of 1 revocations of tokens it has 0\. Restore the newer copy.*--accept-rollback/,
    );
  }
  await gateway.start(['--accept-rollback']);
  const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
  const records = (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat();
  assert.deepEqual(
    records.filter(({ action }) => action === 'gateway.lose_revocations').map(({ attributes }) => attributes['countersign.count']),
    [1],
  );
  await gateway.signal('SIGTERM');
  await gateway.start();
});
