import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AccessLine } from './access-line.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

describe('who may reach what', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-access-'));
  let running: RunningGateway;
  before(async () => {
    writeFileSync(
      join(directory, 'rules.cedar'),
      `@id("no-copy") forbid (principal in Group::"agents", action == Action::"postgres.copy", resource);
       @id("readers") permit (principal in Group::"dba", action in Action::"postgres", resource == Target::"shop") unless { context.effects.contains("write") };`,
    );
    running = await openRunningGateway(`groups: { dba: { targets: [wiki], issuers: [corp] } }
policies: ${directory}
identity: { issuers: { corp: { url: "http://127.0.0.1:1", clientId: me, audience: all, groups: groups } } }
`);
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  async function access(path: string): Promise<readonly AccessLine[]> {
    const answer = await running.ask('GET', path);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  test('of a principal: each target, with the policies of each action', async () => {
    const lines = await access('/api/v1/principals/bot/access');
    assert.deepEqual(
      lines.map((line) => [line.target, line.access]),
      [
        ['shop', 'conditional'],
        ['api', 'denied'],
        ['wiki', 'denied'],
      ],
    );
    const copy = lines[0]?.actions.find(({ names }) => names.includes('postgres.copy'));
    assert.deepEqual([copy?.access, copy?.policies.map(({ policy }) => policy)], ['denied', ['grant:bot:shop', 'rules.cedar:no-copy']]);
  });

  test('of a target: each principal, and people of issuers by their groups', async () => {
    const lines = await access('/api/v1/targets/shop/access');
    assert.deepEqual(
      lines.map((line) => [line.principal, line.groups, line.access]),
      [
        ['wide', [], 'allowed'],
        ['bot', ['agents'], 'conditional'],
        ['ann', ['admins'], 'denied'],
        [null, ['dba'], 'conditional'],
        [null, [], 'denied'],
      ],
    );
    assert.equal(lines[3]?.actions[0]?.policies[0]?.when, '!context.effects.contains("write")');
  });

  test('of somebody of an issuer by the groups that are given, with what these were granted', async () => {
    const of = async (query: string): Promise<readonly string[]> =>
      (await access(`/api/v1/principals/corp%2Feve/access${query}`)).map(({ target, access: whole }) => `${target} ${whole}`);
    assert.deepEqual(await of(''), ['shop denied', 'api denied', 'wiki denied']);
    assert.deepEqual(await of('?groups=dba'), ['shop conditional', 'api denied', 'wiki allowed']);
  });

  test('who is no principal, what is no target, and who does not administer', async () => {
    assert.equal((await running.ask('GET', '/api/v1/principals/nobody/access')).status, 404);
    assert.equal((await running.ask('GET', '/api/v1/targets/nothing/access')).status, 404);
    assert.equal((await running.ask('GET', `/api/v1/principals/bot/access?groups=${'a,'.repeat(65)}`)).status, 400);
    const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'bot' });
    const headers = { authorization: `Bearer ${String(token)}` };
    assert.equal((await running.ask('GET', '/api/v1/targets/shop/access', { headers })).status, 403);
  });
});
