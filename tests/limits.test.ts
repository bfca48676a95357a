import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openServer } from '../cli/src/demo/sample-server.ts';
import type { ShownRecord } from '../gateway/src/feed/shown-record.ts';
import { GatewayProcess } from './support/gateway-process.ts';

const rules = `@id("few") @limit("requests 5 per 1h")
permit (principal == Principal::"bot", action == Action::"http.request", resource) when { context.method == "POST" };
@id("bytes") @limit("bytes 1000 per 1h")
permit (principal == Principal::"reader", action == Action::"http.request", resource);
@id("crowd") @limit("requests 7 per 1h") @alert("low")
permit (principal == Principal::"crowd", action == Action::"http.request", resource);
@id("no-delete") @alert("high")
forbid (principal, action == Action::"http.request", resource) when { context.effects.contains("destroy") };
`;

describe('limits and alerts', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-limits-'));
  const policies = join(directory, 'policies');
  const heard: string[] = [];
  const tokens = new Map<string, string>();
  let server: Awaited<ReturnType<typeof openServer>>;
  let gateway: GatewayProcess;

  const ask = async (who: string, method: string, path: string): Promise<Response> => {
    const headers = { authorization: `Bearer ${tokens.get(who) ?? ''}` };
    return fetch(`http://127.0.0.1:${gateway.port('http')}/t/files${path}`, { method, headers, ...(method === 'POST' ? { body: 'x' } : {}) });
  };
  const statusOf = async (who: string, method: string, path: string): Promise<number> => {
    const answer = await ask(who, method, path);
    await answer.text();
    return answer.status;
  };
  const recordsOf = async (who: string): Promise<readonly ShownRecord[]> => {
    const own = (await gateway.sessions()).filter(({ principal }) => principal === who);
    return (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat();
  };

  before(async () => {
    mkdirSync(policies);
    writeFileSync(join(policies, 'rules.cedar'), rules);
    server = await openServer(async (request, response) => {
      heard.push(`${request.method} ${request.url}`);
      response.end('fine'.repeat(200));
    });
    const names = ['bot', 'reader', 'crowd'];
    gateway = await GatewayProcess.start({
      config: `policies: ${policies}
targets:
  files: { url: "${server.url}" }
limits: { connectionsPerAddressMax: 2000, silentPerAddressMax: 2000 }
principals:
${names.map((id) => `  ${id}: { kind: agent, targets: [files] }\n`).join('')}`,
    });
    for (const who of names) {
      tokens.set(who, await gateway.issueToken(who));
    }
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  test('T4.10: the sixth request of the hour is denied in words, and recorded with the policy that limits it', async () => {
    for (let i = 0; i < 5; i += 1) {
      assert.equal(await statusOf('bot', 'POST', `/mail-${i}`), 200);
      assert.equal(await statusOf('bot', 'GET', '/list'), 200, 'what the policy is not about is free');
    }
    const sixth = await ask('bot', 'POST', '/mail-6');
    assert.equal(sixth.status, 403);
    assert.match(await sixth.text(), /the limit is 5 requests per 1h, and 5 are used: there is room again in \d+[smh]/);
    assert.ok(!heard.includes('POST /mail-6'));
    const denied = (await recordsOf('bot')).filter(({ verdict }) => verdict === 'deny');
    assert.deepEqual(
      denied.map(({ kind, policies: by }) => [kind, by]),
      [['request', ['rules.cedar:few']]],
    );
    assert.deepEqual(denied[0]?.attributes['countersign.obligations'], ['limit what=requests most=5 seconds=3600 policy=rules.cedar:few']);
  });

  test('T4.11: of a thousand requests at once exactly as many pass as the limit says', async () => {
    const statuses = await Promise.all(Array.from({ length: 1000 }, async (_, i) => statusOf('crowd', 'GET', `/crowd-${i}`)));
    const counts = (wanted: number): number => statuses.filter((status) => status === wanted).length;
    assert.deepEqual([counts(200), counts(403)], [7, 993]);
    assert.equal(heard.filter((each) => each.includes('/crowd-')).length, 7);
  });

  test('T4.12: bytes of answers count, and the answer after which the limit is passed is whole', async () => {
    assert.equal((await (await ask('reader', 'GET', '/a')).text()).length, 800);
    assert.equal((await (await ask('reader', 'GET', '/b')).text()).length, 800);
    assert.equal(await statusOf('reader', 'GET', '/c'), 403);
  });

  test('T4.13: an alert is a record beside the request that raised it, allowed or denied, with its policy', async () => {
    assert.equal(await statusOf('bot', 'DELETE', '/list'), 403);
    const records = await recordsOf('bot');
    const denied = records.find(({ policies: by }) => by.includes('rules.cedar:no-delete'));
    const raised = records.filter(({ kind }) => kind === 'alert');
    assert.deepEqual(
      raised.map(({ policies: by, attributes }) => [by, attributes['countersign.severity'], attributes['countersign.request']]),
      [[['rules.cedar:no-delete'], 'high', denied?.seq]],
    );
    const crowd = (await recordsOf('crowd')).filter(({ kind }) => kind === 'alert');
    assert.ok(crowd.length >= 7 && crowd.every(({ attributes }) => attributes['countersign.severity'] === 'low'));
  });
});
