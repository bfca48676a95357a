import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { CommandThread } from '../support/command-thread.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'aarm.md'), 'utf8');

/** The commands of the page, and what each prints. */
const shown: Readonly<Record<string, RegExp>> = {
  'session show SESSION':
    /→ http\.request files deny policies=rules\.cedar:no-delete reason=Nothing is deleted\. #\d+\n {4}DELETE \/kept\n[^]*?← response files status=403 error=refused[^]*state=spent/,
  'approval show APPROVAL':
    /^ap_\w+ spent: bot asks files for http\.request\n[^]*by operator[^]*before it in the session:[^]*DELETE \/kept[^]*the request:[^]*POST \/orders/,
  'policy show': /@id\("grant:bot:files"\)[^]*\/\/ rules\.cedar:no-delete[^]*@approval\("dba"\)/,
  'policy explain RECORD': / deny {2}rules\.cedar:no-delete\nreason {3}Nothing is deleted\.\nversion {2}[0-9a-f]{16}\n/,
  'session show SESSION --json': /"verdict":"allow"[^]*"countersign\.masked":\["email=1"\][^]*"verdict":"deny"[^]*"verdict":"hold"/,
  'session list': / halted [^]* bot {2}files/,
  'approval list --all': /^ap_\w+ {2}spent +bot {2}files {2}http\.request {2}1\/1 of dba {2}asked +\d+[sm] ago {2}over {2}POST \/orders/,
  'approval list --all --json': /"state":"spent"/,
  'receipt RECORD': /^c2sp\.org\/tlog-proof@v1\n/,
  'verify --data DIR': /records/,
  'principal list': /bot/,
  'token list': /bot/,
};

describe('docs/aarm.md', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-aarm-'));
  const thread = new CommandThread();
  let gateway: GatewayProcess;
  const meant = new Map<string, string>();
  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    parts.use(thread);
    writeFileSync(
      join(directory, 'rules.cedar'),
      `@id("no-delete") @reason("Nothing is deleted.") forbid (principal, action == Action::"http.request", resource) when { context.method == "DELETE" };
@id("posts") @approval("dba") forbid (principal, action == Action::"http.request", resource) when { context.method == "POST" };
@id("mail") @mask("email") permit (principal, action == Action::"http.request", resource);`,
    );
    const server = parts.use(
      await openServer(async (_request, response) => {
        response.end('fine, ada@example.com');
      }),
    );
    gateway = parts.use(
      await GatewayProcess.start({
        config: `policies: ${directory}\ntargets:\n  files: { url: "${server.url}" }\nprincipals:\n  bot: { kind: agent, targets: [files] }\n`,
      }),
    );
    const headers = { authorization: `Bearer ${await gateway.issueToken('bot')}` };
    const ask = async (method: string, path: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${gateway.port('http')}/t/files${path}`, { method, headers });
    assert.equal((await ask('GET', '/read')).status, 200);
    assert.equal((await ask('DELETE', '/kept')).status, 403);
    const held: { readonly approval: string } = JSON.parse(await (await ask('POST', '/orders')).text());
    await gateway.api(`/api/v1/approvals/${held.approval}/grant`, { method: 'POST', body: {} });
    assert.equal((await ask('POST', '/orders')).status, 200);
    const { session } = await gateway.newest();
    const denied = (await gateway.records(session)).find(({ kind, verdict }) => kind === 'request' && verdict === 'deny');
    await gateway.api(`/api/v1/sessions/${session}/halt`, { method: 'POST', body: { reason: 'enough' } });
    Object.entries({ SESSION: session, RECORD: denied?.record ?? assert.fail(), APPROVAL: held.approval, DIR: gateway.data }).forEach(([name, value]) =>
      meant.set(name, value),
    );
  });

  const named = [...page.matchAll(/`countersign ([^`]+)`/g)].map(([, words = '']) => words);

  test('each command of the page is tried, and no other', () => {
    assert.deepEqual([...new Set(named)].toSorted(), Object.keys(shown).toSorted());
    for (const requirement of ['R1', 'R2', 'R3', 'R4', 'R5', 'R6']) {
      assert.match(page, new RegExp(`^\\| ${requirement} \\|`, 'm'));
    }
  });

  for (const [words, pattern] of Object.entries(shown)) {
    test(`countersign ${words}`, () => {
      const given = words.split(' ').map((word) => meant.get(word) ?? word);
      const located = words.startsWith('verify') ? given : [...given, '--config', gateway.configFile];
      const { status, stdout, stderr } = thread.run({ words: located });
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, pattern);
    });
  }
});
