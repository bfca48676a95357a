import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { mainFile } from '../support/main-file.ts';
import { requireStrace } from '../support/strace.ts';

/** A place at which a command is killed: as it begins this system call on this file. */
interface Point {
  readonly name: string;
  readonly syscall: 'pwrite64' | 'rename';
  readonly file: string;
}

const ofBackup: readonly Point[] = [
  { name: 'a segment begun', syscall: 'pwrite64', file: 'journal/000000000001.segment' },
  { name: 'the journal copied, no keys', syscall: 'pwrite64', file: 'keys.db.new' },
  { name: 'all copied, the manifest not in place', syscall: 'rename', file: 'manifest.json.new' },
  { name: 'the manifest in place, the keys not', syscall: 'rename', file: 'keys.db.new' },
];

const ofRestore: readonly Point[] = [
  { name: 'a segment begun', syscall: 'pwrite64', file: 'journal/000000000001.segment' },
  { name: 'the keys begun', syscall: 'pwrite64', file: 'keys.db' },
];

test('a backup and a restore that are killed at named points are taken up: what is there is the state before or the new one', requireStrace(), async (t) => {
  await using gateway = await GatewayProcess.start({ config: 'principals: { bot: { kind: agent, targets: [] } }\n' });
  const out = join(gateway.directory, 'backup');
  const data = join(gateway.directory, 'restored');
  const run = (...words: readonly string[]): void => {
    const { status, stdout, stderr } = gateway.commandAsIs(words);
    assert.equal(status, 0, stdout + stderr);
  };
  const kill = (words: readonly string[], { syscall, file }: Pick<Point, 'syscall' | 'file'>): void => {
    const inject = ['-f', '-o', '/dev/null', '-P', file, '-e', `trace=${syscall}`, '-e', `inject=${syscall}:signal=SIGKILL`];
    const { signal } = spawnSync('strace', [...inject, process.execPath, mainFile, ...words]);
    assert.equal(signal, 'SIGKILL');
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
      kill(backUp, { ...point, file: join(out, point.file) });
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
      kill(restore, { ...point, file: join(data, point.file) });
      const { status, stderr } = gateway.commandAsIs(['up', '--config', gateway.configFile, '--data', data]);
      assert.equal(status, 1);
      assert.match(stderr, /The restore into .* did not end/);
      run(...restore);
      run('verify', '--data', data);
      rmSync(data, { recursive: true });
    });
  }
});
