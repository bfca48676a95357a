import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { CommandThread } from '../support/command-thread.ts';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';
import { notAllowedHere } from '../support/require-program.ts';
import { waitUntil } from '../support/wait-until.ts';
import { mainFile } from '../support/main-file.ts';

const nobody = 65_534;
const commandMs = 120_000;
/** Root alone can be another user, who must be able to read the sources. */
const asAnother =
  process.getuid?.() === 0 && spawnSync('cat', [mainFile], { uid: nobody, stdio: 'ignore' }).status === 0
    ? {}
    : notAllowedHere('another user cannot run these sources');

function run(directory: string, words: readonly string[], options: { readonly uid?: number } = {}): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mainFile, ...words], {
    cwd: directory,
    encoding: 'utf8',
    timeout: commandMs,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
  });
  return { status: status ?? -1, stdout, stderr };
}

describe('without a gateway', () => {
  let directory: string;
  const thread = new CommandThread();
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-misleading-'));
    chmodSync(directory, 0o755);
    writeFileSync(join(directory, 'countersign.yaml'), 'data: ./data\nlisten: { http: 127.0.0.1:0 }\n');
    mkdirSync(join(directory, 'data', 'journal'), { recursive: true, mode: 0o700 });
  });
  after(async () => {
    await thread[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  test('T4.33: a data directory that the user may not read is not reported as missing', asAnother, () => {
    for (const words of [
      ['session', 'list'],
      ['session', 'list', '--data', 'data'],
    ]) {
      const { status, stderr } = run(directory, words, { uid: nobody });
      assert.match(stderr, /data cannot be read: this user may not\. Run this as the gateway's user\.$/m);
      assert.equal(status, 1);
    }
  });

  test('T4.33: a place where no directory can be made ends the start with what hinders', () => {
    for (const data of ['/proc/x', '/proc/x/y/z', '/sys/x', '/dev/null/x']) {
      const { status, stderr } = run(directory, ['up', '--data', data]);
      assert.match(stderr, new RegExp(`The data directory ${data} cannot be made: .*Name another: data: DIR, or --data DIR`));
      assert.equal(status, 1, data);
    }
  });

  test('T4.33: a place that cannot be written is named in a sentence', () => {
    const attempts: readonly (readonly string[])[] = [
      ['target', 'add', 'x', 'http://127.0.0.1:1', '--config', '/proc/x.yaml'],
      ['session', 'list', '--config', '/tmp'],
    ];
    for (const words of attempts) {
      const { status, stderr } = thread.run({ words });
      assert.match(stderr, /\/(proc\/x\.yaml.*: there is no such file or directory|tmp cannot be read: it is a directory)/);
      assert.equal(status, 1);
    }
  });

  test('T4.33: HOST:PORT is an address: in the clear on this machine, under TLS elsewhere', () => {
    for (const [given, meant] of [
      ['127.0.0.1:1', 'http://127.0.0.1:1'],
      ['[::1]:1', 'http://[::1]:1'],
      ['localhost:1', 'http://localhost:1'],
      ['gateway.invalid:1', 'https://gateway.invalid:1'],
    ] as const) {
      const { status, stderr } = thread.run({ words: ['session', 'list', '--url', given], environment: { COUNTERSIGN_TOKEN: 'cs_x' } });
      assert.ok(stderr.includes(`the gateway at ${meant} does not answer`), stderr);
      assert.equal(status, 1);
    }
    assert.match(
      thread.run({ words: ['session', 'list', '--url', 'ftp://x:1'], environment: { COUNTERSIGN_TOKEN: 'cs_x' } }).stderr,
      /HOST:PORT, http:\/\/HOST:PORT or https/,
    );
  });

  test('T4.33: a verdict that nobody reads to its end keeps its exit code', async () => {
    const child = spawn(process.execPath, [mainFile, 'verify', '--data', join(directory, 'nothing')], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.destroy();
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 5);
  });

  test('T4.33: an unknown command is one with --help too', () => {
    for (const words of [
      ['nope', '--help'],
      ['session', 'nope', '-h'],
      ['help', 'nope'],
      ['session', 'help', 'nope'],
    ]) {
      const { status, stderr } = thread.run({ words });
      assert.equal(status, 2, words.join(' '));
      assert.match(stderr, /unknown command 'nope'/);
    }
    for (const words of [['--help'], ['session', '--help'], ['session', 'show', '--help'], ['help', 'session'], ['session', 'help', 'show']]) {
      assert.equal(thread.run({ words }).status, 0, words.join(' '));
    }
  });
});

describe('with a gateway', () => {
  let gateway: GatewayProcess;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-misleading-'));
    writeFileSync(
      join(directory, 'policy.cedar'),
      'forbid (principal, action in Action::"postgres", resource) when { context.statements.contains("delete") };',
    );
    gateway = await GatewayProcess.start({
      host: '0.0.0.0',
      config: `policies: ${directory}
targets:
  shop: { url: "postgres://app@127.0.0.1:1/shop" }
  brain: { protocol: llm, url: "http://127.0.0.1:1" }
principals:
  agent: { kind: agent, targets: [shop, brain] }
  stranger: { kind: agent }
  boss: { kind: human, groups: [admins] }
`,
      environment: { COUNTERSIGN_LOG: 'info' },
    });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  test('T4.33: a target of another protocol is named as such', async () => {
    const connect = async (principal: string): Promise<string> => {
      const client = new pg.Client({
        host: '127.0.0.1',
        port: gateway.port('postgres'),
        user: 'x',
        password: await gateway.issueToken(principal),
        database: 'brain',
      });
      return client.connect().then(
        () => assert.fail('it was let in'),
        (error: Error) => error.message,
      );
    };
    assert.match(await connect('agent'), /The target "brain" is one of llm: it is not reached by postgres/);
    assert.match(await connect('stranger'), /stranger was not granted brain/);
  });

  test('T4.33: an answer of the API that breaks off, because its token ended, leaves no stack in the log', async () => {
    const { session } = JSON.parse(await (await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } })).text());
    const token = await gateway.issueToken('boss');
    const watched = await gateway.api(`/api/v1/sessions/${session}/watch`, { token });
    const reader = watched.body?.getReader();
    assert.equal((await reader?.read())?.done, false);
    const made = gateway.rows<{ readonly id: string; readonly principal: string }>(['token', 'list']).find(({ principal }) => principal === 'boss');
    assert.equal(gateway.command(['token', 'revoke', made?.id ?? '']).status, 0);
    await assert.rejects(async () => {
      while ((await reader?.read())?.done === false);
    });
    const lines = gateway.log.trimEnd().split('\n');
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('{')),
      [],
    );
  });

  test('T4.33: connect and a bridge say that they do not get to a target, and fail', async () => {
    const stranger = await gateway.issueToken('stranger');
    const agent = await gateway.issueToken('agent');
    for (const [words, token, says] of [
      [['connect', 'shop'], stranger, /stranger was not granted shop/],
      [['connect', 'nope'], agent, /There is no target "nope" here for agent/],
      [['connect', 'brain'], agent, /brain is a target of llm and needs no local port: its address is http:.*\/t\/brain/],
      [['connect', 'shop'], 'cs_wrong', /The token is not accepted/],
      [['connect', 'shop', '--as', 'stranger'], await gateway.issueToken('boss'), /stranger was not granted shop/],
      [['connect', 'shop', '--as', 'stranger'], agent, /agent may not use the API/],
      [['mcp', 'nope'], agent, /There is no target "nope" here for agent/],
      [['mcp', 'brain'], agent, /brain is one of llm, not of mcp/],
      [['mcp', 'brain'], stranger, /stranger was not granted brain/],
    ] as const) {
      const { status, stdout, stderr } = gateway.cli(words, { environment: { COUNTERSIGN_TOKEN: token }, input: '{"jsonrpc":"2.0","id":1,"method":"ping"}\n' });
      assert.match(stderr, says);
      assert.match(stdout, words[0] === 'connect' ? /^$/ : /"error"/, 'nothing is said to listen, and a client is answered');
      assert.equal(status, 1, words.join(' '));
    }
  });

  test('T4.33: listening beyond this machine without TLS is a warning', () => {
    assert.match(gateway.log, /"level":40.*postgres \(0\.0\.0\.0:\d+\) can be reached from other machines without TLS/);
    assert.doesNotMatch(gateway.log, /http \(127/);
  });

  test('T4.33: a reader of a bundle that has read enough is no failure', async () => {
    const session = (await gateway.sessions('all')).at(0)?.session ?? assert.fail();
    // As `| head -c 1` does, whatever the sizes of pipes: nobody reads.
    const words = ['session', 'export', session, '--config', gateway.configFile];
    const child = spawn(process.execPath, [mainFile, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(said, '');
    assert.equal(code, 0);
  });

  test('T4.33: a stop is in the log from its beginning to its end', async () => {
    assert.equal(await gateway.signal('SIGTERM'), 0);
    await waitUntil(() => /stopping: clients are told[^]*"stopped"/.test(gateway.log));
    assert.ok(!existsSync(join(gateway.data, 'gateway.json')));
  });
});
