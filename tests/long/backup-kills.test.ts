import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { segmentName } from '@countersign/ledger/format';
import { GatewayProcess } from '../support/gateway-process.ts';
import { killCommandAt, type KillPoint } from '../support/kill-point.ts';
import { requireStrace } from '../support/strace.ts';

const ofBackup: readonly KillPoint[] = [
  { name: 'a segment begun', syscall: 'pwrite64', file: 'journal/000000000001.segment' },
  { name: 'the journal copied, no keys', syscall: 'pwrite64', file: 'keys.db.new' },
  { name: 'all copied, the manifest not in place', syscall: 'rename', file: 'manifest.json.new' },
  { name: 'the manifest in place, the keys not', syscall: 'rename', file: 'keys.db.new' },
];

const ofRestore: readonly KillPoint[] = [
  { name: 'a segment begun', syscall: 'pwrite64', file: 'journal/000000000001.segment' },
  { name: 'the keys begun', syscall: 'pwrite64', file: 'keys.db' },
  { name: 'the mark that there is a restore is not on stable storage', syscall: 'fsync', file: '' },
  { name: 'marked, and not verified', syscall: 'unlink', file: 'restoring' },
];

/** The first start on a store that was restored. */
const ofStart: readonly (Omit<KillPoint, 'file'> & { readonly file: (data: string) => string })[] = [
  { name: 'the epoch not written', syscall: 'pwrite64', file: (data) => join('journal', segmentName(readdirSync(join(data, 'journal')).length + 1)) },
  { name: 'the epoch on record, the mark there', syscall: 'unlink', file: () => 'restored' },
];

test('a backup and a restore that are killed at named points are taken up: what is there is the state before or the new one', requireStrace(), async (t) => {
  await using gateway = await GatewayProcess.start({ config: 'principals: { bot: { kind: agent, targets: [] } }\n' });
  const out = join(gateway.directory, 'backup');
  const data = join(gateway.directory, 'restored');
  const run = (...words: readonly string[]): void => {
    const { status, stdout, stderr } = gateway.commandAsIs(words);
    assert.equal(status, 0, stdout + stderr);
  };
  const backUp = ['backup', '--data', gateway.data, '--out', out];
  const restore = ['restore', out, '--data', data];
  await gateway.signal('SIGTERM');
  for (const [number, point] of ofBackup.entries()) {
    await t.test(`backup: ${point.name}`, async () => {
      // The first two interrupt the first backup, the others one that continues it.
      if (number === 2) {
        run(...backUp);
        await gateway.start();
        await gateway.signal('SIGTERM');
      }
      await killCommandAt({ ...point, file: join(out, point.file) }, backUp);
      if (existsSync(join(out, 'manifest.json'))) {
        run(...restore);
        rmSync(data, { recursive: true });
      }
      run(...backUp);
      run('verify', '--data', out);
    });
  }
  for (const point of ofRestore) {
    await t.test(`restore: ${point.name}`, async () => {
      await killCommandAt({ ...point, file: join(data, point.file) }, restore);
      const { status, stderr } = gateway.commandAsIs(['up', '--config', gateway.configFile, '--data', data]);
      assert.equal(status, 1);
      assert.match(stderr, /The restore into .* did not end/);
      run(...restore);
      run('verify', '--data', data);
      rmSync(data, { recursive: true });
    });
  }
  for (const point of ofStart) {
    await t.test(`the first start: ${point.name}`, async () => {
      run(...restore);
      // It is not in a backup that is not encrypted.
      cpSync(join(gateway.data, 'root.key'), join(data, 'root.key'));
      await killCommandAt({ ...point, file: join(data, point.file(data)) }, ['up', '--config', gateway.configFile, '--data', data]);
      run('verify', '--data', data);
      await using again = await GatewayProcess.start({ config: 'principals: { bot: { kind: agent, targets: [] } }\n', data });
      await again.signal('SIGTERM');
      const { status, stdout } = again.verify();
      assert.equal(status, 0, stdout);
      assert.match(stdout, /was recorded by a copy that was restored from a backup/);
      rmSync(data, { recursive: true });
    });
  }
});
