import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ShownCaller } from '@countersign/gateway/api';
import { GatewayProcess } from '../support/gateway-process.ts';
import { clientId } from '../../examples/issuer.ts';
import { approve, audience, Issuer } from '../support/issuer.ts';
import { mainFile } from '../support/main-file.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('countersign login', () => {
  let issuer: Issuer;
  let gateway: GatewayProcess;
  let url: string;
  const state = mkdtempSync(join(tmpdir(), 'countersign-state-'));
  const file = join(state, 'countersign', 'credentials.json');
  const parts = suiteParts();
  before(async () => {
    issuer = parts.use(await Issuer.open());
    issuer.groups.set('ann', ['compliance', 'admins']);
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets: { wiki: { url: "http://127.0.0.1:1" } }
principals: { boss: { kind: human, groups: [admins] } }
groups: { compliance: { targets: [wiki] }, admins: {} }
identity:
  issuers:
    corp: { url: "${issuer.url}", clientId: ${clientId}, audience: "${audience}", groups: groups, principal: email }
`,
      }),
    );
    url = `http://127.0.0.1:${gateway.port('http')}`;
  });
  before(() => {
    delete process.env['COUNTERSIGN_TOKEN'];
  });
  after(() => {
    rmSync(state, { recursive: true });
  });

  /** Runs a command. It is no child that this process waits for idly, because the issuer is in this process. */
  async function command(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<RunResult> {
    return runProgram(process.execPath, [mainFile, ...words], { XDG_STATE_HOME: state, ...environment });
  }

  async function whoami(environment: Readonly<Record<string, string>> = {}): Promise<ShownCaller> {
    const { status, stdout, stderr } = await command(['whoami', '--url', url, '--json'], environment);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  /**
   * Runs `login` while a person does what it says. Resolves with what it printed. With the device flow, a command asks an issuer first after 5 s whether the person
   * has signed in.
   */
  async function login(act: 'approve' | 'refuse', words: readonly string[] = []): Promise<RunResult> {
    const environment = { ...process.env, XDG_STATE_HOME: act === 'approve' ? state : join(state, 'other'), BROWSER: 'true' };
    const child = spawn(process.execPath, [mainFile, 'login', '--url', url, ...words], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (piece: Buffer) => out.push(piece));
    child.stderr.on('data', (piece: Buffer) => err.push(piece));
    const closed = once(child, 'close');
    let address: string | undefined;
    await waitUntil(() => {
      const said = /^Open (\S+) and sign in\. (?:The code there must be [A-Z]{4}-[A-Z]{4}|A browser of this machine is needed; elsewhere: --device)\.$/m;
      address = said.exec(Buffer.concat(err).toString())?.[1];
      return address !== undefined || child.exitCode !== null;
    });
    await approve(address ?? assert.fail(Buffer.concat(err).toString()), 'ann', act);
    await closed;
    return { status: child.exitCode, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
  }

  test('a person signs in once, and commands with --url ask as that person, with a token that is refreshed', async () => {
    // The token that is made now ends so soon that the next command refreshes it.
    issuer.tokenSeconds = 30;
    const early = await command(['session', 'list', '--url', url]);
    assert.deepEqual(
      [early.status, early.stderr],
      [1, `countersign: give a token in the environment variable COUNTERSIGN_TOKEN, or sign in: countersign login --url ${url}\n`],
    );
    const [{ status, stdout, stderr }, refused] = await Promise.all([login('approve', ['--issuer', 'corp', '--device']), login('refuse', ['--device'])]);
    assert.equal(status, 0, stderr);
    assert.deepEqual([refused.status, refused.stderr.split('\n').at(-2)], [1, 'countersign: the issuer corp: the sign-in was refused there']);
    assert.match(
      stdout,
      new RegExp(
        `^signed in at ${url}: corp/ann@corp\\.example  human  admins,compliance  wiki  may list, search, facts, watch, halt, approve, hold, erase, administer  vouched for by ${issuer.url}  until \\S+Z\n$`,
      ),
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
    issuer.tokenSeconds = 300;
    issuer.grants.length = 0;
    const [caller, ...others] = await Promise.all([whoami(), whoami(), whoami()]);
    assert.deepEqual(issuer.grants, ['refresh_token'], 'one command refreshes the token for all that run at once');
    assert.deepEqual(others, [caller, caller]);
    const { principal, kind, groups, targets, token, issuer: from, subject } = caller;
    assert.deepEqual(
      [principal, kind, groups, targets, from, subject],
      ['corp/ann@corp.example', 'human', ['admins', 'compliance'], ['wiki'], issuer.url, 'ann'],
    );
    assert.match(token ?? '', /^jwt_[0-9a-f]{16}$/);
    assert.equal((await command(['session', 'list', '--url', url])).status, 0);
    assert.equal((await whoami({ COUNTERSIGN_TOKEN: await gateway.issueToken('boss') })).principal, 'boss', 'COUNTERSIGN_TOKEN still wins');
    assert.equal((await command(['whoami', '--config', gateway.configFile])).stdout, 'operator  operator  -  -\n');
  });

  test('with a browser on this machine a person needs no code: it comes back to the command with one that is used once', async () => {
    issuer.grants.length = 0;
    const { status, stdout, stderr } = await login('approve', ['--fresh']);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /: corp\/ann@corp\.example  human /);
    assert.deepEqual(issuer.grants, ['authorization_code']);
    assert.match(JSON.parse(readFileSync(file, 'utf8'))[url].refreshToken, /^\S{20,}$/);
    const refused = await login('refuse');
    assert.deepEqual([refused.status, refused.stderr.split('\n').at(-2)], [1, 'countersign: the issuer corp: the sign-in was refused there']);
  });

  test('who signed in at several gateways asks them at once, also when every token is to be refreshed', async () => {
    const other = url.replace('127.0.0.1', 'localhost');
    issuer.tokenSeconds = 30;
    for (const words of [[], ['--url', other]]) {
      const { status, stderr } = await login('approve', ['--fresh', ...words]);
      assert.equal(status, 0, stderr);
    }
    issuer.tokenSeconds = 300;
    issuer.grants.length = 0;
    const { status, stderr } = await command(['search', 'verdict:deny', '--url', url, '--url', other]);
    assert.equal(status, 1);
    assert.match(stderr, /127\.0\.0\.1:\d+ and http:\/\/localhost:\d+ are the same gateway: name it once/);
    assert.deepEqual(issuer.grants, ['refresh_token', 'refresh_token']);
  });

  test('an e-mail address is a name of the configuration too, and groups grant the same to whoever is in them', async () => {
    const name = 'joe+wiki@corp.example';
    const added = await command(['principal', 'add', name, '--kind', 'human', '--group', 'compliance', '--config', gateway.configFile]);
    assert.equal(added.status, 0, added.stderr);
    await gateway.takesUp(() => undefined);
    const environment = { COUNTERSIGN_TOKEN: await gateway.issueToken(name) };
    const { principal, groups, targets, issuer: from } = await whoami(environment);
    assert.deepEqual([principal, groups, targets, from], [name, ['compliance'], ['wiki'], null]);
    assert.equal((await command(['principal', 'suspend', name, '--url', url])).stdout.split(':')[0], `suspended ${name}`);
    assert.match((await command(['whoami', '--url', url], environment)).stderr, /joe\+wiki@corp\.example is suspended/);
  });

  test('a file that others can read is not used', async () => {
    chmodSync(file, 0o640);
    const { status, stderr } = await command(['whoami', '--url', url]);
    assert.equal(status, 1);
    assert.match(stderr, /credentials\.json can be read by other users, and holds tokens: chmod 600 it/);
    chmodSync(file, 0o600);
  });

  test('who signs out has no token any more, here and at the issuer', async () => {
    const { refreshToken, token } = JSON.parse(readFileSync(file, 'utf8'))[url];
    assert.equal((await whoami({ COUNTERSIGN_TOKEN: token })).subject, 'ann');
    assert.equal((await command(['logout', '--everywhere', '--url', url])).stdout, `signed out at ${url}\n`);
    assert.equal((await command(['logout', '--url', url])).stdout, `nobody is signed in at ${url}\n`);
    assert.ok(!readFileSync(file, 'utf8').includes(refreshToken));
    assert.match(
      (await command(['whoami', '--url', url], { COUNTERSIGN_TOKEN: token })).stderr,
      /the sign-in for which it was made was ended/,
      'no copy of it counts either',
    );
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId });
    assert.equal((await fetch(`${issuer.url}/token`, { method: 'POST', body: form })).status, 400);
    assert.equal((await command(['whoami', '--url', url])).status, 1);
  });

  test('where nobody can sign in is said', async () => {
    const unknown = await command(['login', '--url', url, '--issuer', 'crop']);
    assert.deepEqual([unknown.status, unknown.stderr], [1, 'countersign: there is no issuer crop at this gateway; there is corp, local\n']);
    const plain = await command(['login', '--url', 'http://gateway.corp.example']);
    assert.match(plain.stderr, /a token is sent to a gateway elsewhere only over https:\/\//);
  });
});
