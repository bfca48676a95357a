import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { runProgram } from '../support/run.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { mainFile } from '../support/main-file.ts';

describe('what who runs the gateway does', () => {
  let database: PostgresServer;
  let gateway: GatewayProcess;
  let config: string;
  const parts = suiteParts();
  before(async () => {
    database = parts.use(await startPostgres());
    config = `targets:
  # the one that everybody uses
  shop: { url: "${database.url}", password: { env: SHOP_PASSWORD }, durability: process }
principals:
  agent: { kind: agent, targets: [shop] } # an agent
  boss: { kind: human, groups: [admins], targets: [] }
`;
    gateway = parts.use(await GatewayProcess.start({ config, environment: { SHOP_PASSWORD: database.password } }));
  });

  async function connect(token: string, target = 'shop'): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: gateway.port('postgres'), user: 'me', password: token, database: target });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function useOnce(token: string, target = 'shop'): Promise<void> {
    const client = await connect(token, target);
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
    await client.end();
  }

  test('a target that is a program is added with its environment, and listed by the program alone', () => {
    const words = [
      '--environment',
      'MODE=a=b',
      '--environment-from',
      'HOME',
      '--directory',
      '/tmp',
      '--durability',
      'process',
      '--',
      'serve',
      '--key',
      'in-arguments',
    ];
    const added = gateway.command(['target', 'add', 'files', ...words]);
    assert.equal(added.status, 0, added.stderr);
    const written = readFileSync(gateway.configFile, 'utf8');
    for (const part of ['command:', '- in-arguments', 'MODE: a=b', 'env: HOME', 'directory: /tmp']) {
      assert.ok(written.includes(part), part);
    }
    const listed = gateway.rows<{ name: string; program?: string }>(['target', 'list']).find(({ name }) => name === 'files');
    assert.equal(listed?.program, 'serve');
    assert.doesNotMatch(gateway.command(['target', 'list']).stdout, /in-arguments/);
    assert.match(gateway.command(['target', 'add', 'other', '--environment', 'MODE', '--', 'serve']).stderr, /NAME=VALUE is expected/);
    gateway.configure(config);
  });

  test('targets and principals are added to the file with its comments kept, and to the running gateway with its sessions kept', async () => {
    const client = await connect(gateway.token('agent'));
    const added = gateway.command(['target', 'add', 'second', database.url, '--password-env', 'SHOP_PASSWORD']);
    assert.equal(added.status, 0, added.stderr);
    const principal = gateway.command(['principal', 'add', 'newcomer', '--kind', 'agent', '--target', 'second']);
    assert.equal(principal.status, 0, principal.stderr);
    await waitUntil(async () => (await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'newcomer' } })).ok);
    await useOnce(gateway.token('newcomer'), 'second');
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }], 'the session of before goes on');
    await client.end();
    const written = readFileSync(gateway.configFile, 'utf8');
    assert.ok(written.includes('# the one that everybody uses') && written.includes('# an agent'));
    assert.deepEqual(
      gateway.rows<{ name: string; durability: string }>(['target', 'list']).map(({ name, durability }) => [name, durability]),
      [
        ['shop', 'process'],
        ['second', 'disk'],
      ],
    );
    assert.match(gateway.command(['principal', 'list']).stdout, /^newcomer {2}agent {2}- {2}second$/m);
    assert.equal(gateway.command(['target', 'add', 'second', database.url]).status, 1, 'the name is taken');
  });

  test('a file that does not validate changes nothing, and the message names the place', async () => {
    const good = readFileSync(gateway.configFile, 'utf8');
    const token = gateway.token('agent');
    writeFileSync(gateway.configFile, good.replace('kind: agent', 'kind: agnet'));
    await waitUntil(() => /not applied.*countersign\.yaml:\d+:\d+: principals\.agent\.kind: human or agent is expected/.test(gateway.log));
    await useOnce(token);
    const { status, stderr } = gateway.command(['target', 'list']);
    assert.equal(status, 1);
    assert.match(stderr, /countersign\.yaml:\d+:\d+: /);
    assert.equal(gateway.command(['target', 'add', 'third', database.url]).status, 1, 'it is not made worse');
    writeFileSync(gateway.configFile, good);
    assert.equal(gateway.command(['target', 'list']).status, 0);
  });

  test('a token is shown once, expires and can be revoked', async () => {
    const made = gateway.command(['token', 'create', 'agent', '--ttl', '1h', '--json']);
    const { token, id } = JSON.parse(made.stdout);
    await useOnce(token);
    const { token: short, id: shortId } = JSON.parse(gateway.command(['token', 'create', 'agent', '--ttl', '1s', '--json']).stdout);
    const list = gateway.command(['token', 'list']).stdout;
    assert.ok(list.includes(id) && !list.includes(token) && !list.includes(short));
    assert.equal(gateway.command(['token', 'revoke', id]).status, 0);
    await assert.rejects(connect(token), { code: '28P01', message: /revoked/ });
    await delay(1100);
    await assert.rejects(connect(short), { code: '28P01', message: /expired/ });
    const listed = (...words: readonly string[]): readonly boolean[] => {
      const ids = new Set(gateway.rows<{ readonly id: string }>(['token', 'list', ...words]).map((each) => each.id));
      return [id, shortId].map((each) => ids.has(each));
    };
    assert.deepEqual(
      [listed(), listed('--all')],
      [
        [false, false],
        [true, true],
      ],
    );
    assert.equal(gateway.command(['token', 'revoke', 'tok_0000000000000000']).status, 1);
    assert.equal(gateway.command(['token', 'create', 'nobody']).status, 1);
    assert.equal(gateway.command(['token', 'create', 'agent', '--ttl', 'soon']).status, 2);
  });

  test('T4.33: a token that was found somewhere can be given to revoke it, and the output does not repeat it', async () => {
    const { token, id } = JSON.parse(gateway.command(['token', 'create', 'agent', '--json']).stdout);
    const mistyped = gateway.command(['token', 'revoke', `${token}x`]);
    assert.deepEqual([mistyped.status, mistyped.stdout], [1, '']);
    assert.match(mistyped.stderr, /that is no token/);
    assert.doesNotMatch(mistyped.stderr, /cs_/);
    assert.deepEqual(gateway.command(['token', 'revoke', token]), { status: 0, stdout: `revoked ${id}\n`, stderr: '' });
    await assert.rejects(connect(token), { code: '28P01', message: /revoked/ });
  });

  test('from elsewhere: --url with the token of an administrator, and of nobody else', () => {
    const url = `http://127.0.0.1:${gateway.port('http')}`;
    const as = (principal: string) => gateway.cli(['session', 'list', '--url', url], { environment: { COUNTERSIGN_TOKEN: gateway.token(principal) } });
    assert.match(as('boss').stdout, / agent {2}shop {2}risk \d+ {2}/m);
    const { status, stdout, stderr } = as('agent');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /agent may not [A-Za-z ]+: that needs a role/);
  });

  test('found: with a token in the environment, every command on the gateway’s own machine acts as its principal too', async () => {
    const [agent, boss] = [{ COUNTERSIGN_TOKEN: await gateway.issueToken('agent') }, { COUNTERSIGN_TOKEN: await gateway.issueToken('boss') }];
    const { id } = JSON.parse(await (await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'boss' } })).text());
    const zeros = '0'.repeat(32);
    for (const words of [
      'session list',
      `session show ${zeros}`,
      `session watch ${zeros}`,
      `session halt ${zeros}`,
      `session export ${zeros}`,
      'principal list',
      'principal access boss',
      'principal suspend boss',
      'principal resume boss',
      'policy show',
      'policy explain 0123456789abcdef/1',
      'token list',
      'token create boss',
      `token revoke ${id}`,
      'target access shop',
      'target tools shop',
      'receipt 0123456789abcdef/1',
      'index rebuild',
      'retention run',
      'config apply',
      'run --as boss -- true',
      'connect shop --as boss',
    ]) {
      const { status, stdout, stderr } = words.includes(' -- ')
        ? gateway.cli(words.split(' '), { environment: agent })
        : gateway.command(words.split(' '), agent);
      assert.deepEqual([status, stdout], [1, ''], words);
      assert.match(stderr, /agent may not [A-Za-z ]+: that needs a role/, words);
    }
    assert.match(gateway.command(['session', 'list'], boss).stdout, / agent {2}shop {2}risk \d+ {2}/m);
    assert.equal(gateway.command(['principal', 'suspend', 'agent', '--reason', 'a try'], boss).status, 0);
    assert.match(gateway.command(['principal', 'list'], boss).stdout, /suspended by boss since .*: a try/);
    assert.equal(gateway.command(['principal', 'resume', 'agent']).status, 0);
  });

  test('a second gateway on the same data does not start', async () => {
    const second = await runProgram(process.execPath, [mainFile, 'up', '--config', gateway.configFile], { SHOP_PASSWORD: 'x' });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /in use by another gateway, process \d+ where it runs\. Stop it first/);
  });

  test('the root key is its owner’s alone, or comes from the environment', async () => {
    const file = join(gateway.data, 'root.key');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(await gateway.signal('SIGTERM'), 0);
    const list = gateway.command(['session', 'list', '--config', gateway.configFile]);
    assert.equal(list.status, 0, 'reading needs no running gateway');
    const halt = gateway.command(['session', 'halt', '0'.repeat(32)]);
    assert.equal(halt.status, 1);
    assert.match(halt.stderr, /no gateway is running .* start it with countersign up/);
    chmodSync(file, 0o644);
    await assert.rejects(gateway.start(), /root\.key can be read by others: chmod 600 it/);
    chmodSync(file, 0o600);
    await gateway.start();
    const environment = { SHOP_PASSWORD: database.password, COUNTERSIGN_ROOT_KEY: 'ab'.repeat(32) };
    await using other = await GatewayProcess.start({ config, environment });
    assert.ok(!existsSync(join(other.data, 'root.key')));
    assert.equal(other.verify().status, 0);
  });
});
