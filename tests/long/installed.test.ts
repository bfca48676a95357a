import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, lstatSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requireMounts } from '../support/mounted-disk.ts';
import { Packed, type Ended } from '../support/packed.ts';
import { waitUntil } from '../support/wait-until.ts';

/** The first Node that runs it. */
const oldestNode = '24.12.0';
const startMs = 60_000;

describe('an installation', () => {
  let packed: Packed;
  before(() => {
    packed = new Packed();
  });
  after(() => {
    packed[Symbol.dispose]();
  });

  describe('in an empty directory', () => {
    let directory: string;
    let program: string;
    const run = (...words: readonly string[]): Ended => packed.run(program, words);
    before(() => {
      directory = packed.install('installed', packed.command);
      program = join(directory, 'node_modules', '.bin', 'countersign');
    });

    test('leads nowhere else', () => {
      const installed = globSync('node_modules/**', { cwd: directory }).map((file) => join(directory, file));
      assert.ok(installed.length > 3000);
      const links = installed.filter((file) => lstatSync(file).isSymbolicLink());
      assert.ok(links.length > 0);
      assert.deepEqual(
        links.filter((link) => !realpathSync(link).startsWith(directory + sep)),
        [],
      );
    });

    test('shows the demo and verifies what is left of it, without the checkout', () => {
      assert.equal(run('--version').stdout, `${packed.version}\n`);
      const { status, stdout, stderr } = run('demo');
      assert.equal(status, 0, stdout + stderr);
      assert.ok(stdout.includes('-- node examples/support-agent.js') && stdout.includes('It said the same'), stdout);
      const [list = [], forged = []] = [...stdout.matchAll(/^ {2}countersign (.+)$/gm)].map(([, words = '']) => words.split(' '));
      const store = join(dirname(forged.at(-1) ?? ''), 'store');
      assert.deepEqual([run(...list).status, run(...forged).status, run('verify', '--data', store).status], [0, 1, 0]);
    });

    test(`is run by Node ${oldestNode}, and says to an older one which it takes`, () => {
      const name = `node-linux-${process.arch}`;
      const [oldest, tooOld] = [oldestNode, '22.12.0'].map((version) => join(packed.install(version, `${name}@${version}`), 'node_modules', name, 'bin'));
      const { status, stdout, stderr } = packed.run(program, ['demo', '--once'], oldest);
      assert.equal(status, 0, stdout + stderr);
      const refused = spawnSync(program, ['--version'], { env: { PATH: `${tooOld}:/usr/bin:/bin` }, encoding: 'utf8' });
      assert.equal(refused.stderr, 'countersign: Node 24.12 or later is needed, and this is 22.12.0\n');
      assert.equal(refused.status, 1);
    });
  });

  describe('for a service', () => {
    let program: string;
    before(() => {
      const prefix = join(packed.home, 'opt');
      packed.install('global', '--global', '--prefix', prefix, '--omit=optional', '--offline', '--cache', join(packed.home, 'no-cache'), packed.command);
      program = join(prefix, 'bin', 'countersign');
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
});
