import assert from 'node:assert/strict';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { mountSmall, requireMounts } from '../support/mounted-disk.ts';

for (const [what, cut] of [
  ['empty', (): string => ''],
  ['blank', (): string => '\n'],
  ['short', (whole: string): string => whole.slice(0, 31)],
] as const) {
  test(`T4.1, E40: an admin.token that is ${what} refuses the start, lets nobody in and says how to mend`, async () => {
    await using gateway = await GatewayProcess.start({ config: '' });
    await gateway.signal('SIGTERM');
    const file = join(gateway.data, 'admin.token');
    writeFileSync(file, cut(readFileSync(file, 'utf8')));
    await assert.rejects(gateway.start(), /admin\.token is empty or not whole.*Remove it; the next start makes a new one/);
    rmSync(file);
    await gateway.start();
    assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}\n$/);
    for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: '' }, { authorization: 'Bearer \n'.trim() }]) {
      const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/api/targets`, { headers });
      assert.equal(answer.status, 401);
    }
  });
}

test('T4.1: a short root.key refuses the start and says how to mend', async () => {
  await using gateway = await GatewayProcess.start({ config: '' });
  await gateway.signal('SIGTERM');
  const file = join(gateway.data, 'root.key');
  writeFileSync(file, '');
  await assert.rejects(gateway.start(), /root\.key does not hold a root key.*Put back the key that this store was made with/);
});

test('T4.1: a first start on a full disk leaves no half of a key or credential behind', requireMounts(), async () => {
  await using disk = mountSmall(24 * 1024 * 1024);
  const ballast = join(disk.directory, 'ballast');
  const { bavail, bsize } = statfsSync(disk.directory);
  writeFileSync(ballast, Buffer.alloc((bavail - 2) * bsize));
  const data = join(disk.directory, 'data');
  await assert.rejects(GatewayProcess.start({ config: '', data }), /the gateway did not start/);
  rmSync(ballast);
  await using gateway = await GatewayProcess.start({ config: '', data });
  assert.equal((await gateway.api('/api/targets')).status, 200);
});

test('T4.1: the command line refuses an empty credential file before it asks anybody', async () => {
  await using gateway = await GatewayProcess.start({ config: '' });
  writeFileSync(join(gateway.data, 'admin.token'), '');
  const { status, stderr } = gateway.cli(['session', 'list', '--json']);
  assert.equal(status, 1);
  assert.match(stderr, /admin\.token is empty/);
});
