import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import OpenAI from 'openai';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import type { AlertSummary } from '../../gateway/src/api/alerts.ts';
import type { FoundRecord } from '../../gateway/src/search/found.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { openMailServer, type MailServer } from '../support/mail-server.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Heard {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

describe('alerts', () => {
  const heard: Heard[] = [];
  let refused = '';
  let gateway: GatewayProcess;
  let receiver = '';
  let mail: MailServer;
  const certificate = makeCertificate();
  let target = '';
  const parts = suiteParts();
  const configuration = (more: string): string => `policies: ${join(policies, 'posts.cedar')}
targets: { files: { url: "${target}" } }
principals: { bot: { kind: agent, targets: [files] }, ann: { kind: human, groups: [admins] }, desk: { kind: human, groups: [desk] } }
roles: { desk: { role: analyst, groups: [desk], query: "target:files" } }
sinks:
  soc: { webhook: "${receiver}/soc", secret: { env: HOOK_SECRET } }
  desk: { smtp: { url: "smtps://gate@localhost:${mail.port}", from: gate@corp.example, to: [soc@corp.example] }, secret: { env: MAIL_PASSWORD }, caFile: "${certificate.certificateFile}" }
  pager: { webhook: "${receiver}/pager", secret: { env: HOOK_SECRET } }
${more}`;
  const policies = mkdtempSync(join(tmpdir(), 'countersign-alerts-'));
  before(async () => {
    const server = parts.use(
      await openServer(async (request, response) => {
        const body = await text(request);
        heard.push({ path: request.url ?? '', headers: new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)])), body });
        response.writeHead(request.url === refused ? 500 : 204).end();
      }),
    );
    receiver = server.url;
    mail = parts.use(await openMailServer(certificate, 'first'));
    target = parts.use(await openServer(async (_request, response) => void response.end('fine'))).url;
    writeFileSync(
      join(policies, 'posts.cedar'),
      `@id("no-posts")\nforbid (principal, action == Action::"http.request", resource) when { context.method == "POST" };
@id("watched")\n@alert("critical")\npermit (principal, action == Action::"http.request", resource) when { context.method == "PUT" };\n`,
    );
    gateway = parts.use(
      await GatewayProcess.start({
        config: configuration('alerts: { denied-burst: { count: 5, window: 1m, to: [soc, desk] }, policy-alert: { to: [pager] } }'),
        environment: { HOOK_SECRET: secret, MAIL_PASSWORD: 'open' },
      }),
    );
  });

  const send = async (method: string, count = 1): Promise<void> => {
    const token = await gateway.issueToken('bot');
    for (let i = 0; i < count; i++) {
      const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/files/private-path`, { method, headers: { authorization: `Bearer ${token}` } });
      await answer.text();
    }
  };
  const noticesAt = (path: string): readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[] =>
    heard.filter((each) => each.path === path).map(({ body }) => JSON.parse(body));
  const alerts = (...words: readonly string[]): readonly AlertSummary[] => gateway.rows<AlertSummary>(['alert', 'list', ...words]);
  const ofRule = (rule: string): readonly AlertSummary[] => alerts('--all').filter((alert) => alert.rule === rule);

  test('a burst of denials reaches a webhook that another library verifies, with facts and no text, and is one alert however long it lasts', async () => {
    await send('POST', 5);
    await waitUntil(() => noticesAt('/soc').length === 1);
    const notice = heard.find(({ path }) => path === '/soc');
    assert.ok(notice !== undefined);
    await new OpenAI({ apiKey: 'x', webhookSecret: secret }).webhooks.verifySignature(notice.body, notice.headers);
    const { type, data } = noticesAt('/soc')[0] ?? assert.fail();
    assert.deepEqual([type, data['rule'], data['by'], data['severity'], data['count']], ['alert.raised', 'denied-burst', ['principal=bot'], 'high', 5]);
    assert.ok(!notice.body.includes('private'), 'no text of the request');
    await send('POST', 4);
    const [alert, ...more] = ofRule('denied-burst');
    assert.deepEqual([alert?.alert, alert?.count, alert?.state, more.length], [data['alert'], 9, 'open', 0]);
    assert.equal(noticesAt('/soc').length, 1);
    await waitUntil(() => mail.mails.length === 1);
    assert.match(mail.mails[0]?.source ?? '', /^Subject: high alert denied-burst: principal=bot\r$/m);
  });

  test('what people do with an alert is on record, and after a kill of the gateway the list is as it was and nothing is told again', async () => {
    const [{ alert: id } = assert.fail()] = ofRule('denied-burst');
    for (const words of [
      ['ack', id],
      ['assign', id, 'ann', '--note', 'on call'],
      ['close', id, '--note', 'a test of the new agent'],
    ]) {
      const { status, stderr } = gateway.command(['alert', ...words]);
      assert.equal(status, 0, stderr);
    }
    assert.match(gateway.command(['alert', 'close', id, '--note', 'again']).stderr, /closed already/);
    assert.match(gateway.command(['alert', 'close', 'al_0000000000000000', '--note', 'x']).stderr, /no such alert/);
    assert.match(gateway.command(['alert', 'show', id.slice(0, -4)]).stdout, new RegExp(`^${id} closed`));
    assert.match(gateway.command(['alert', 'show', 'x']).stderr, /no alert whose id begins with al_x/);
    const limited = gateway.command(['alert', 'list'], { COUNTERSIGN_TOKEN: await gateway.issueToken('desk') });
    assert.deepEqual([limited.status, limited.stdout], [0, '']);
    assert.match(limited.stderr, /Only who may search all records sees alerts/);
    const [closed] = ofRule('denied-burst');
    assert.deepEqual(
      [closed?.state, closed?.assignee, closed?.steps.map(({ what, by, note }) => [what, by, note])],
      [
        'closed',
        'ann',
        [
          ['acknowledge', 'operator', null],
          ['assign', 'operator', 'on call'],
          ['close', 'operator', 'a test of the new agent'],
        ],
      ],
    );
    await gateway.whenIndexed();
    const found = gateway.rows<FoundRecord>(['search', `countersign.alert.id:${id}`]).map(({ action, kind, verified }) => [action, kind, verified]);
    assert.deepEqual(
      found.toReversed().filter(([action]) => action !== 'gateway.send_notice'),
      [
        ['gateway.raise_alert', 'alert', true],
        ['gateway.acknowledge_alert', 'decision', true],
        ['gateway.assign_alert', 'decision', true],
        ['gateway.close_alert', 'decision', true],
      ],
    );
    await send('POST', 4);
    await gateway.signal('SIGKILL');
    await gateway.start();
    await send('POST', 1);
    await waitUntil(() => noticesAt('/soc').length === 2);
    assert.deepEqual(
      ofRule('denied-burst').map(({ state, count }) => [state, count]),
      [
        ['closed', 9],
        ['open', 5],
      ],
    );
    await gateway.signal('SIGKILL');
    await gateway.start();
    assert.deepEqual(
      ofRule('denied-burst').map(({ state, count }) => [state, count]),
      [
        ['closed', 9],
        ['open', 5],
      ],
    );
    assert.equal(noticesAt('/soc').length, 2);
  });

  test('an alert of a policy is in the same list, as serious as the policy says; a lost sink is an alert on the others', async () => {
    refused = '/pager';
    await gateway.apply(configuration('alerts: { policy-alert: { to: [pager] }, sink-trouble: { to: [soc, pager] }, denied-burst: false }'));
    await send('PUT');
    await waitUntil(() => noticesAt('/soc').some(({ data }) => data['rule'] === 'sink-trouble'));
    const { data } = noticesAt('/soc').at(-1) ?? assert.fail();
    assert.deepEqual([data['by'], data['severity']], [['countersign.sink=pager'], 'high']);
    assert.deepEqual(
      ofRule('policy-alert').map(({ by, severity }) => [by, severity]),
      [[['policy=posts.cedar:watched', 'principal=bot'], 'critical']],
    );
    assert.ok(
      heard.filter(({ path }) => path === '/pager').every(({ body }) => !body.includes('sink-trouble')),
      'a sink is not told of its own trouble',
    );
    await send('POST', 9);
    assert.equal(ofRule('denied-burst').length, 2, 'a rule that is switched off raises nothing');
  });

  test('without its file the list is made again from the record', async () => {
    // A sink that goes on failing would count on, and so would what it did last until it is in the index.
    refused = '';
    const asked = heard.filter(({ path }) => path === '/pager').length;
    await waitUntil(() => heard.filter(({ path }) => path === '/pager').length > asked);
    await gateway.whenIndexed();
    const known = alerts('--all');
    await gateway.signal('SIGTERM');
    rmSync(join(gateway.data, 'alerts'));
    await gateway.start();
    // How far an open alert has counted since it was told is on record at most once a minute, and this test goes on reading recordings.
    const of = (list: readonly AlertSummary[]): readonly unknown[] =>
      list.map(({ alert, rule, state, count, steps }) => [alert, state, rule === 'unusual-reader' ? null : count, steps.length]);
    const made = (): readonly unknown[] => of(alerts('--all')).slice(0, known.length);
    await waitUntil(() => isDeepStrictEqual(made(), of(known)));
  });

  test('a rule that cannot be understood is refused with the place and the character', () => {
    for (const [rule, expected] of [
      ['odd: { count: 2 }', /alerts\.odd: a rule needs a query/],
      ['odd: { query: "verdict:denied" }', /alerts\.odd\.query: verdict has no value "denied".*character 9/],
      ['odd: { query: "since:1d" }', /leave times out/],
      ['odd: { query: "verdict:deny", by: [nobody] }', /There is no field "nobody"/],
      ['odd: { query: "verdict:deny", to: [sock] }', /there is no sink "sock"(?:.*soc)/],
      ['denied-bursts: false', /there is no built-in rule "denied-bursts".*denied-burst/],
    ] as const) {
      gateway.configure(configuration(`alerts: { ${rule} }`));
      const { status, stderr } = gateway.command(['config', 'check'], { HOOK_SECRET: secret, MAIL_PASSWORD: 'open' });
      assert.notEqual(status, 0);
      assert.match(stderr, expected);
    }
  });
});
