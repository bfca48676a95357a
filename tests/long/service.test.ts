import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requireMounts } from '../support/mounted-disk.ts';
import { Packed } from '../support/packed.ts';
import { waitUntil } from '../support/wait-until.ts';

const startMs = 60_000;

describe('an installation for a service', () => {
  let packed: Packed;
  let program: string;
  before(() => {
    packed = new Packed();
    const prefix = join(packed.home, 'opt');
    packed.install('global', '--global', '--prefix', prefix, '--omit=optional', '--offline', '--cache', join(packed.home, 'no-cache'), packed.command);
    program = join(prefix, 'bin', 'countersign');
  });
  after(() => {
    packed[Symbol.dispose]();
  });

  test('needs no registry, and says what the demo is missing', () => {
    const { status, stderr } = packed.run(program, ['demo']);
    assert.equal(stderr, 'countersign: The demo needs optional packages that this installation was made without: install without --omit=optional.\n');
    assert.equal(status, 1);
    assert.ok(existsSync(join(realpathSync(program), '..', '..', '..', 'deploy', 'countersign.service')));
  });

  test('serves and stops where only its data directory and the one for temporary files can be written', requireMounts('unshare'), async () => {
    const data = join(packed.home, 'data');
    const temporary = join(packed.home, 'temporary');
    for (const directory of [data, temporary]) {
      mkdirSync(directory);
    }
    const config = join(data, 'countersign.yaml');
    writeFileSync(config, `data: ${data}/store\nlisten: { http: 127.0.0.1:0 }\n`);
    const script = 'mount --bind "$0" "$0" && mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@"';
    const readOnly = (...words: readonly string[]): readonly string[] => ['--mount', 'sh', '-c', script, data, temporary, ...words];
    const env = { PATH: `${packed.programs}:/usr/bin:/bin`, TMPDIR: temporary, COUNTERSIGN_LOG: 'warn' };
    assert.notEqual(spawnSync('unshare', readOnly('touch', join(packed.home, 'elsewhere')), { env }).status, 0, 'elsewhere nothing can be written');
    const ready = join(data, 'ready');
    const gateway = spawn('unshare', readOnly(program, 'up', '--config', config, '--ready-file', ready), { env, stdio: 'inherit' });
    const ended = new Promise((resolve) => gateway.once('exit', resolve));
    try {
      await waitUntil(() => existsSync(ready) || gateway.exitCode !== null, startMs);
      const { http } = JSON.parse(readFileSync(ready, 'utf8'));
      assert.equal((await fetch(`http://${http}/readyz`)).status, 200);
    } finally {
      gateway.kill('SIGTERM');
    }
    assert.equal(await ended, 0);
    const { status, stdout } = packed.run(program, ['verify', '--data', join(data, 'store')]);
    assert.equal(status, 0, stdout);
  });
});
