import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requireMounts } from '../support/mounted-disk.ts';
import { Packed } from '../support/packed.ts';
import { waitUntil } from '../support/wait-until.ts';

const startMs = 60_000;

describe('an installation for a service', () => {
  let packed: Packed;
  let program: string;
  const asked: string[] = [];
  const registry = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(404).end();
  });
  before(async () => {
    packed = new Packed();
    registry.listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const address = registry.address();
    assert.ok(address !== null && typeof address === 'object');
    const operating = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'operating.md'), 'utf8');
    const [command = ''] = /^npm install --global --prefix \/opt\/countersign \.\/countersign-.*$/m.exec(operating) ?? [];
    const prefix = join(packed.home, 'opt');
    const env = {
      ...process.env,
      npm_config_registry: `http://127.0.0.1:${address.port}/`,
      npm_config_cache: join(packed.home, 'no-cache'),
      npm_config_update_notifier: 'false',
    };
    const npm = spawn('sh', ['-c', command.replace('/opt/countersign', prefix)], { cwd: dirname(packed.command), env, stdio: 'ignore' });
    assert.deepEqual(await once(npm, 'exit'), [0, null], command);
    program = join(prefix, 'bin', 'countersign');
  });
  after(() => {
    registry.close();
    packed[Symbol.dispose]();
  });

  test('is made by the command of operating.md without a registry, and comes with its unit and the examples of policy.md', () => {
    assert.deepEqual(asked, []);
    const home = join(realpathSync(program), '..', '..');
    assert.ok(existsSync(join(home, 'deploy', 'countersign.service')));
    const config = join(home, 'examples', 'policies', 'countersign.yaml');
    const example = (ending: string): string => join(home, 'examples', 'policies', `mask.${ending}`);
    const { status, stdout, stderr } = packed.run(program, ['policy', 'test', example('yaml'), '--policies', example('cedar'), '--config', config]);
    assert.equal(status, 0, stdout + stderr);
  });

  test('says what the demo is missing, and how it is installed', () => {
    const { status, stdout, stderr } = packed.run(program, ['demo']);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^countersign: The demo needs packages that nothing else here needs\. This installs them:\n {2}npm install --global --prefix \S+\/opt @/,
    );
    assert.equal(status, 1);
  });

  test('takes the Node that is installed beside it before the one of the system', () => {
    const system = join(packed.home, 'system');
    mkdirSync(system);
    writeFileSync(join(system, 'node'), '#!/bin/sh\nexit 9\n', { mode: 0o755 });
    const link = join(packed.home, 'countersign');
    symlinkSync(program, link);
    const run = (command: string): number | null => packed.run(command, ['--version'], system).status;
    assert.deepEqual([run(program), run(link)], [9, 9]);
    const beside = join(dirname(program), 'node');
    symlinkSync(join(packed.programs, 'node'), beside);
    assert.deepEqual([run(program), run(link)], [0, 0]);
    rmSync(beside);
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
