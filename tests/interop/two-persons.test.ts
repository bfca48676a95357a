import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('content of classes that nobody reads alone', () => {
  const parts = suiteParts();
  const policies = mkdtempSync(join(tmpdir(), 'countersign-two-persons-'));
  after(() => {
    rmSync(policies, { recursive: true });
  });
  let gateway: GatewayProcess;
  let session: string;
  before(async () => {
    const server = parts.use(
      await openServer(async (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ mail: request.url === '/people' ? 'reader@example.com' : 'none' }));
      }),
    );
    writeFileSync(
      join(policies, 'held.cedar'),
      '@id("deletes") @approval("dba") forbid (principal, action == Action::"http.request", resource) when { context.method == "DELETE" };',
    );
    const config = `policies: ${policies}
targets:
  people: { url: "${server.url}", inspect: [email], durability: process }
principals:
  agent: { kind: agent, targets: [people] }
  robot: { kind: agent, groups: [compliance] }
  cora: { kind: human, groups: [compliance] }
  carl: { kind: human, groups: [compliance] }
  dana: { kind: human, groups: [dba] }
  olga: { kind: human, groups: [operators] }
classes: { email: { twoPersons: true } }
roles: { analyst: { groups: [compliance] }, operator: { groups: [operators] } }
`;
    gateway = parts.use(await GatewayProcess.start({ config }));
    const headers = { authorization: `Bearer ${gateway.token('agent')}` };
    for (const path of ['people', 'other']) {
      assert.equal((await fetch(`http://127.0.0.1:${gateway.port('http')}/t/people/${path}`, { headers })).status, 200);
    }
    ({ session } = await gateway.newest());
  });

  async function ask(principal: string, method: string, path: string, body?: unknown): Promise<string> {
    const answer = await gateway.api(path, { method, token: gateway.token(principal), ...(body === undefined ? {} : { body }) });
    return `${answer.status} ${await answer.text()}`;
  }

  const show = async (principal: string): Promise<string> => ask(principal, 'GET', `/api/v1/sessions/${session}/records`);
  const search = async (principal: string, query: string): Promise<string> =>
    ask(principal, 'GET', `/api/v1/search?${new URLSearchParams({ query }).toString()}`);

  test('is seen as facts, and found by no word, until a second person opens it to the one who asks', async () => {
    assert.match(await show('cora'), /^200 .*none/s);
    assert.doesNotMatch(await show('cora'), /reader@example/);
    assert.match(await search('cora', 'reader'), /"count":0/);
    assert.match(await search('cora', 'class:email kind:response'), /"count":1/);
    assert.match(await ask('cora', 'GET', `/api/v1/sessions/${session}/bundle`), /^403 .*whole session/);

    assert.match(await ask('olga', 'POST', '/api/v1/openings', { session, reason: 'curious' }), /^403 /);
    const asked = await ask('cora', 'POST', '/api/v1/openings', { session, reason: 'ticket 1' });
    const [, opening = ''] = /^201 .*"opening":"(op_\w+)"/.exec(asked) ?? assert.fail(asked);
    assert.match(await ask('cora', 'POST', `/api/v1/openings/${opening}/grant`, {}), /^403 .*second person/);
    assert.match(await ask('robot', 'POST', `/api/v1/openings/${opening}/grant`, {}), /^403 .*Only a person/);
    assert.doesNotMatch(await show('cora'), /reader@example/);

    const listed = gateway.command(['opening', 'list'], { COUNTERSIGN_TOKEN: gateway.token('carl') });
    assert.match(listed.stdout, /cora {2}waits for a second person .* ticket 1/);
    const granted = gateway.command(['opening', 'grant', opening, '--note', 'agreed'], { COUNTERSIGN_TOKEN: gateway.token('carl') });
    assert.deepEqual([granted.status, granted.stderr], [0, '']);

    assert.match(await show('cora'), /reader@example/);
    assert.match(await search('cora', 'reader'), /"count":1/);
    assert.match(await ask('cora', 'GET', `/api/v1/sessions/${session}/bundle`), /^200 /);
    assert.doesNotMatch(await show('carl'), /reader@example/, 'the second person opens it to another, not to himself');
    assert.match(await ask('carl', 'POST', `/api/v1/openings/${opening}/grant`, {}), /^409 /);
    assert.match(await search('carl', 'action:(gateway.ask_content or gateway.open_content)'), /carl.*cora/s);

    assert.equal(await gateway.signal('SIGKILL'), null);
    await gateway.start();
    await waitUntil(async () => /reader@example/.test(await show('cora')));
    assert.doesNotMatch(await show('carl'), /reader@example/);
    assert.match(await ask('carl', 'POST', `/api/v1/openings/${opening}/grant`, {}), /^409 /);
  });

  test('is not shown to who decides on a later request, and the request is', async () => {
    const url = `http://127.0.0.1:${gateway.port('http')}/t/people/other`;
    const headers = { authorization: `Bearer ${gateway.token('agent')}` };
    const send = async (method: string, body: string): Promise<Response> => fetch(url, { method, headers, body });
    await send('POST', 'earlier@example.com');
    const held = await send('DELETE', 'held@example.com');
    const { approval }: { readonly approval: string } = JSON.parse(await held.text());
    const shown = await ask('dana', 'GET', `/api/v1/approvals/${approval}`);
    assert.match(shown, /^200 .*held@example/s);
    assert.match(shown, /"before":\[\{/);
    assert.doesNotMatch(shown, /earlier@example/);
  });
});
