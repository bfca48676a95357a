import assert from 'node:assert/strict';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { mountSmall, requireMounts } from '../support/mounted-disk.ts';

describe('a file of the data directory that is not whole', () => {
  let gateway: GatewayProcess;
  const parts = suiteParts();
  before(async () => {
    gateway = parts.use(await GatewayProcess.start({ config: '' }));
    await gateway.signal('SIGTERM');
  });
  const fileOf = (name: string): string => join(gateway.data, name);

  for (const [what, cut] of [
    ['empty', (): string => ''],
    ['blank', (): string => '\n'],
    ['short', (whole: string): string => whole.slice(0, 31)],
  ] as const) {
    test(`T4.1, E40: an admin.token that is ${what} refuses the start, and says how to mend`, async () => {
      const whole = readFileSync(fileOf('admin.token'), 'utf8');
      writeFileSync(fileOf('admin.token'), cut(whole));
      await assert.rejects(gateway.start(), /admin\.token is empty or not whole.*Remove it; the next start makes a new one/);
      writeFileSync(fileOf('admin.token'), whole);
    });
  }

  test('T4.1: a short root.key refuses the start and says how to mend', async () => {
    const whole = readFileSync(fileOf('root.key'), 'utf8');
    writeFileSync(fileOf('root.key'), '');
    await assert.rejects(gateway.start(), /root\.key does not hold a root key.*Put back the key that this store was made with/);
    writeFileSync(fileOf('root.key'), whole);
  });

  test('T4.1, E40: an admin.token that was removed is made anew, and nobody is let in without one', async () => {
    rmSync(fileOf('admin.token'));
    await gateway.start();
    assert.match(readFileSync(fileOf('admin.token'), 'utf8'), /^[0-9a-f]{64}\n$/);
    for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: '' }, { authorization: 'Bearer \n'.trim() }]) {
      const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/api/v1/targets`, { headers });
      assert.equal(answer.status, 401);
    }
  });

  test('T4.1: the command line refuses an empty credential file before it asks anybody', () => {
    writeFileSync(fileOf('admin.token'), '');
    const { status, stderr } = gateway.cli(['session', 'list', '--json']);
    assert.equal(status, 1);
    assert.match(stderr, /admin\.token is empty/);
  });
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
  assert.equal((await gateway.api('/api/v1/targets')).status, 200);
});
