import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requireLocks } from '../../gateway/src/store/store-lock.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { notAllowedHere } from '../support/require-program.ts';
import { mainFile } from '../support/main-file.ts';

/** Where no process id of outside exists: as in a container. */
const namespace = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

function spawnElsewhere(words: readonly string[]): SpawnSyncReturns<string> {
  const [program = '', ...rest] = [...namespace, ...words];
  return spawnSync(program, rest, { encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' });
}

function requireNamespaces(): { readonly skip?: string } {
  return spawnElsewhere(['true']).status === 0 ? {} : notAllowedHere('no namespace of process ids can be made');
}

describe('one gateway on a data directory', requireNamespaces(), () => {
  let gateway: GatewayProcess;
  before(async () => {
    gateway = await GatewayProcess.start({ config: '' });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
  });

  const startElsewhere = (): SpawnSyncReturns<string> => spawnElsewhere([process.execPath, mainFile, 'up', '--config', gateway.configFile]);

  test('T4.6, E41: a second gateway in another namespace of process ids does not start', () => {
    const { status, stderr } = startElsewhere();
    assert.equal(status, 1, stderr);
    assert.match(stderr, /in use by another gateway/);
    assert.equal(gateway.verify().status, 0);
  });

  test('T4.6, E41: nor while the first one is stopped in its tracks', () => {
    process.kill(gateway.pid, 'SIGSTOP');
    const { status, stderr } = startElsewhere();
    process.kill(gateway.pid, 'SIGCONT');
    assert.equal(status, 1, stderr);
  });

  test('T4.6, E41: a gateway that was killed holds no lock, and the next start needs no repair', async () => {
    await gateway.signal('SIGKILL');
    const file = join(gateway.data, 'gateway.json');
    assert.ok(existsSync(file));
    // Its process id may be that of another program by now.
    writeFileSync(file, JSON.stringify({ http: '127.0.0.1:9', pid: process.pid }));
    assert.match(gateway.cli(['session', 'halt', '0'.repeat(32)]).stderr, /no gateway is running/);
    await gateway.start();
    assert.equal(gateway.verify().status, 0);
  });

  test('T4.6, E41: commands find a gateway that runs in another namespace of process ids', async () => {
    const data = join(gateway.directory, 'elsewhere');
    await using other = await GatewayProcess.start({ config: '', data, wrapper: namespace });
    assert.equal(other.cli(['session', 'list']).status, 0);
    assert.equal(other.cli(['session', 'halt', '0'.repeat(32)]).status, 1);
    assert.doesNotMatch(other.cli(['session', 'halt', '0'.repeat(32)]).stderr, /no gateway is running/);
  });
});

test('what lies in the data directory while a gateway runs, after a crash and after a stop is in the table of ARCHITECTURE.md', async () => {
  const [, table = ''] = readFileSync(join(import.meta.dirname, '..', '..', 'ARCHITECTURE.md'), 'utf8').split('## What lies in the data directory');
  const told = new Set([...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names = '']) => names.replaceAll(/[`/]/g, '').split(' ')));
  assert.ok(told.has('journal') && told.has('gateway.lock'));
  await using gateway = await GatewayProcess.start({ config: 'principals:\n  agent: { kind: agent }\n' });
  await gateway.issueToken('agent');
  const untold = (): readonly string[] => readdirSync(gateway.data).filter((name) => !told.has(name));
  assert.deepEqual(untold(), []);
  const { operator }: { readonly operator: string } = JSON.parse(readFileSync(join(gateway.data, 'gateway.json'), 'utf8'));
  await gateway.signal('SIGKILL');
  assert.deepEqual(untold(), []);
  assert.ok(existsSync(operator));
  await gateway.start();
  assert.ok(!existsSync(dirname(operator)), 'the next start removes the socket of the one that was killed');
  await gateway.signal('SIGTERM');
  assert.deepEqual(untold(), []);
});

test('T4.6, E41: a file system on which another machine may write is named and refused', { skip: process.platform !== 'linux' }, () => {
  for (const [type, name] of [
    [0x6969, 'NFS'],
    [0xff53_4d42, 'SMB'],
    [0x6573_5546, 'FUSE'],
  ] as const) {
    assert.throws(
      () => {
        requireLocks('/mnt/data', type);
      },
      { code: 'unsupported', message: new RegExp(`/mnt/data is on a file system \\(${name}\\)`) },
    );
  }
  for (const local of [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1]) {
    requireLocks('/mnt/data', local);
  }
});
