import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { openHeldGateway, type HeldGateway } from '../support/held-gateway.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const secrets = [1, 2].map((fill) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`);

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Notice {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

describe('notices', () => {
  const heard: Heard[] = [];
  let answer: (response: ServerResponse) => void = (response) => response.writeHead(204).end();
  let receiver: SampleServer;
  let held: HeldGateway;
  let gateway: GatewayProcess;
  const parts = suiteParts();
  before(async () => {
    const hear = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const body = await text(request);
      heard.push({ path: request.url ?? '', headers: request.headers, body });
      answer(response);
    };
    receiver = parts.use(await openServer(hear));
    const { certificate, certificateFile, key } = makeCertificate();
    const secure = createServer({ cert: certificate, key, keepAliveTimeout: 120_000 }, (request, response) => {
      hear(request, response).catch(() => response.destroy());
    }).listen(0, '127.0.0.1');
    parts.defer(() => {
      secure.closeAllConnections();
      secure.close();
    });
    await once(secure, 'listening');
    const securePort = portOf(secure);
    held = parts.use(
      await openHeldGateway(
        `approvals: { notify: [soc, chat, words], link: "https://gate.example/approvals/{approval}" }
sinks:
  soc: { webhook: "${receiver.url}/soc", secret: { env: HOOK_SECRET } }
  words: { webhook: "https://localhost:${securePort}/words", secret: { env: HOOK_SECRET }, text: true, caFile: "${certificateFile}" }
  chat: { slack: { env: SLACK_URL } }
`,
        { HOOK_SECRET: secrets.join(' '), SLACK_URL: `${receiver.url}/services/T1/B2/secret` },
      ),
    );
    ({ gateway } = held);
  });

  const at = (path: string): readonly Heard[] => heard.filter((each) => each.path === path);
  const headersOf = ({ headers }: Heard): Headers => new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const noticeOf = ({ body }: Heard): Notice => JSON.parse(body);
  const ask = async (path: string): Promise<string> => {
    const { approval }: { readonly approval: string } = JSON.parse(await (await held.post(await gateway.issueToken('bot'), path)).text());
    return approval;
  };
  const ownRecords = async (): Promise<readonly ShownRecord[]> => {
    const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
    return (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat();
  };

  test('T4.46: each step reaches each sink once, signed so that libraries of others verify it, with facts and without the text unless the sink wants it', async () => {
    const approval = await ask('/private-path');
    await gateway.api(`/api/v1/approvals/${approval}/deny`, { method: 'POST', body: { reason: 'private words' } });
    await waitUntil(() => ['/soc', '/words', '/services/T1/B2/secret'].every((path) => at(path).length === 2));
    const [requested, denied] = at('/soc');
    assert.ok(requested !== undefined && denied !== undefined);
    for (const secret of secrets) {
      await new OpenAI({ apiKey: 'x', webhookSecret: secret }).webhooks.verifySignature(requested.body, headersOf(requested));
      new Anthropic({ apiKey: 'x' }).beta.webhooks.unwrap(denied.body, { headers: Object.fromEntries(headersOf(denied)), key: secret });
    }
    await assert.rejects(new OpenAI({ apiKey: 'x', webhookSecret: secrets[0] }).webhooks.verifySignature(`${requested.body} `, headersOf(requested)));
    assert.deepEqual([noticeOf(requested).type, noticeOf(denied).type], ['approval.requested', 'approval.denied']);
    const { data } = noticeOf(denied);
    assert.deepEqual(
      [data['approval'], data['principal'], data['target'], data['action'], data['state'], data['by'], data['link']],
      [approval, 'bot', 'files', 'http.request', 'denied', 'operator', `https://gate.example/approvals/${approval}`],
    );
    assert.deepEqual(data['does'], { effects: ['write'], method: 'POST' });
    assert.ok(
      !/private/.test(
        at('/soc')
          .map(({ body }) => body)
          .join(),
      ),
      'no text of the request, and no words of people',
    );
    assert.ok(
      !/private/.test(
        at('/services/T1/B2/secret')
          .map(({ body }) => body)
          .join(),
      ),
    );
    assert.match(String(noticeOf(at('/words')[0] ?? assert.fail()).data['text']), /POST \/private-path/);
    assert.equal(noticeOf(at('/words')[1] ?? assert.fail()).data['note'], 'private words');
    const slack: { readonly text: string; readonly blocks: readonly unknown[] } = JSON.parse(at('/services/T1/B2/secret')[0]?.body ?? '');
    assert.equal(slack.text, `${approval} requested: bot asks files for http.request`);
    assert.match(JSON.stringify(slack.blocks), /"url":"https:\/\/gate\.example\/approvals\/ap_/);
    await waitUntil(async () => (await ownRecords()).filter(({ action }) => action === 'gateway.send_notice').length === 6);
    assert.ok(!readFileSync(join(gateway.data, 'outbox'), 'utf8').includes('files'));
    assert.ok(!gateway.log.includes('T1/B2'));
  });

  test('T4.47: a receiver that fails holds up nothing, is said to fail, and gets the same message with the same id after a kill -9, in order', async () => {
    heard.length = 0;
    let status = 500;
    answer = (response) => response.writeHead(status, { location: `${receiver.url}/elsewhere`, 'retry-after': '0' }).end('x'.repeat(100_000));
    const approval = await ask('/first');
    await waitUntil(() => at('/soc').length > 0);
    await ask('/second');
    const ready: { readonly status: string; readonly notices?: string } = JSON.parse(await (await gateway.api('/readyz')).text());
    assert.equal(ready.status, 'ready');
    await waitUntil(async () => /sinks? do(es)? not take notices/.test(await (await gateway.api('/readyz')).text()));
    await waitUntil(async () => (await ownRecords()).some(({ kind, action }) => kind === 'alert' && action === 'gateway.delay_notice'));
    assert.match(gateway.log, /status 500[^\n]*a sink does not take a notice/);
    await gateway.signal('SIGKILL');
    const untaken = at('/soc')[0];
    status = 302;
    const again = at('/soc').length;
    await gateway.start();
    await waitUntil(() => at('/soc').length > again);
    status = 200;
    const notices = (): readonly Notice[] => at('/soc').slice(again).map(noticeOf);
    await waitUntil(() => notices().filter(({ type }) => type === 'approval.requested').length >= 2);
    const [first] = at('/soc').slice(again);
    assert.deepEqual([first?.headers['webhook-id'], first?.body], [untaken?.headers['webhook-id'], untaken?.body]);
    assert.equal(noticeOf(first ?? assert.fail()).data['approval'], approval);
    assert.equal(at('/elsewhere').length, 0, 'no redirect is followed');
    const withdrawn = (path: string): boolean => at(path).some(({ body }) => body.includes('withdrawn') && body.includes(approval));
    await waitUntil(() => withdrawn('/soc') && withdrawn('/services/T1/B2/secret'));
    const left = notices().find(({ type, data }) => type === 'approval.withdrawn' && data['approval'] === approval)?.data ?? assert.fail();
    assert.deepEqual([left['state'], left['next'], left['reason']], ['withdrawn', 'stop', 'the gateway was restarted']);
    await waitUntil(async () => !(await (await gateway.api('/readyz')).text()).includes('notices'));
  });

  test('T4.48: a receiver that is gone, and messages that nobody can read, are given up with an alert', async () => {
    answer = (response) => response.writeHead(410).end();
    const approval = await ask('/gone');
    const given = async (isMeant: (record: ShownRecord) => boolean): Promise<boolean> =>
      (await ownRecords()).some((record) => record.action === 'gateway.drop_notice' && isMeant(record));
    await waitUntil(async () => given(({ attributes }) => attributes['countersign.approval.id'] === approval));
    await waitUntil(async () => (await (await gateway.api('/readyz')).text()).includes('3 sinks do not take notices'));
    answer = (response) => response.writeHead(204).end();
    heard.length = 0;
    await ask('/unheard');
    assert.equal((await gateway.api('/api/v1/config/apply', { method: 'POST', body: {} })).status, 200);
    const next = await ask('/heard');
    await waitUntil(() => at('/soc').length > 0);
    assert.deepEqual([noticeOf(at('/soc')[0] ?? assert.fail()).data['approval'], heard.some(({ body }) => body.includes('/unheard'))], [next, false]);
    answer = (response) => response.writeHead(410).end();
    await gateway.signal('SIGTERM');
    appendFileSync(join(gateway.data, 'outbox'), '+ msg_of_another_key AAAA\n');
    await gateway.start();
    await waitUntil(async () => given(({ attributes }) => attributes['countersign.reason'] === 'messages of an earlier start cannot be read: 1'));
  });

  test('what was recorded verifies', () => {
    assert.equal(gateway.verify().status, 0);
  });
});
