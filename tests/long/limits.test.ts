import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { textOf } from '../support/live-models.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const rules = `@id("few") @limit("requests 5 per 1h")
permit (principal in Group::"mailers", action == Action::"http.request", resource) when { context.method == "POST" };
@id("bytes") @limit("bytes 1000 per 1h")
permit (principal in Group::"readers", action == Action::"http.request", resource);
@id("crowd") @limit("requests 7 per 1h") @alert("low")
permit (principal == Principal::"crowd", action == Action::"http.request", resource);
@id("flow") @reason("This session has read the payroll: it may not write to the outside.")
forbid (principal in Group::"flow", action == Action::"http.request", resource == Target::"outside")
when { context.effects.contains("write") && context.session.targets.contains("payroll") };
@id("talk") @limit("requests 4 per 1h")
permit (principal == Principal::"talker", action in Action::"http", resource) when { !context.effects.isEmpty() };
@id("no-delete") @alert("high")
forbid (principal, action == Action::"http.request", resource) when { context.effects.contains("destroy") };
@id("asked") @approval("dba")
forbid (principal == Principal::"asker", action == Action::"http.request", resource) when { context.method == "POST" };
`;

describe('limits and alerts', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-limits-'));
  const policies = join(directory, 'policies');
  const heard: string[] = [];
  const tokens = new Map<string, string>();
  let server: Awaited<ReturnType<typeof openServer>>;
  /** An answer that has begun and that a test ends. */
  let begun: ServerResponse | null = null;
  let gateway: GatewayProcess;

  const ask = async (who: string, method: string, path: string, target = 'files'): Promise<Response> => {
    const headers = { authorization: `Bearer ${tokens.get(who) ?? who}` };
    return fetch(`http://127.0.0.1:${gateway.port('http')}/t/${target}${path}`, { method, headers, ...(method === 'POST' ? { body: 'x' } : {}) });
  };
  const statusOf = async (who: string, method: string, path: string, target = 'files'): Promise<number> => {
    const answer = await ask(who, method, path, target);
    await answer.text();
    return answer.status;
  };
  /** The status of a request once what was done before a restart is known. */
  const settled = async (who: string, method: string, target = 'files'): Promise<number> => {
    let status = 503;
    await waitUntil(async () => {
      status = await statusOf(who, method, '/again', target);
      return status !== 503;
    });
    return status;
  };
  const recordsOf = async (who: string): Promise<readonly ShownRecord[]> => {
    const own = (await gateway.sessions()).filter(({ principal }) => principal === who);
    return (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat();
  };

  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    mkdirSync(policies);
    writeFileSync(join(policies, 'rules.cedar'), rules);
    server = parts.use(
      await openServer(async (request, response) => {
        heard.push(`${request.method} ${request.url}`);
        if (request.url === '/begun') {
          begun = response;
          response.write('x'.repeat(100));
        } else {
          response.end('fine'.repeat(200));
        }
      }),
    );
    const names = ['bot', 'reader', 'crowd', 'talker', 'late', 'late-reader', 'asker', 'fresh', 'fresh-reader'];
    new WebSocketServer({ server: server.server }).on('connection', (socket) => {
      socket.on('message', (message) => {
        heard.push(textOf(message));
        socket.send('heard');
      });
    });
    gateway = parts.use(
      await GatewayProcess.start({
        config: `policies: ${policies}
targets:
  files: { url: "${server.url}" }
  payroll: { url: "${server.url}" }
  outside: { url: "${server.url}" }
  watched: { url: "${server.url}", mode: observe }
  tools: { url: "${server.url}", protocol: mcp }
limits: { connectionsPerAddressMax: 2000, silentPerAddressMax: 2000 }
principals:
  person: { kind: human, targets: [files] }
  streamer: { kind: agent, targets: [files] }
  payer: { kind: agent, groups: [flow], targets: [payroll, outside] }
  other: { kind: agent, groups: [flow], targets: [payroll, outside] }
${names.map((id) => `  ${id}: { kind: agent, groups: [${id.includes('reader') ? 'readers' : 'mailers'}], targets: [files, payroll, tools, watched] }\n`).join('')}`,
      }),
    );
    for (const who of [...names, 'payer', 'other', 'person', 'streamer']) {
      tokens.set(who, await gateway.issueToken(who));
    }
  });

  test('T4.10: the sixth request of the hour is denied in words, and recorded with the policy that limits it', async () => {
    for (let i = 0; i < 5; i += 1) {
      assert.equal(await statusOf('bot', 'POST', `/mail-${i}`), 200);
      assert.equal(await statusOf('bot', 'GET', '/list'), 200, 'what the policy is not about is free');
    }
    const sixth = await ask('bot', 'POST', '/mail-6');
    assert.equal(sixth.status, 403);
    const { detail, retryAfter } = Object.assign({ detail: '', retryAfter: 0 }, await sixth.json());
    assert.match(detail, /the limit is 5 requests per 1h, and 5 are used: there is room again in (about )?\d+[smh]/);
    assert.equal(sixth.headers.get('retry-after'), String(retryAfter));
    assert.ok(retryAfter > 3500 && retryAfter <= 3660, String(retryAfter));
    assert.ok(!heard.includes('POST /mail-6'));
    const denied = (await recordsOf('bot')).filter(({ verdict }) => verdict === 'deny');
    assert.deepEqual(
      denied.map(({ kind, policies: by }) => [kind, by]),
      [['request', ['rules.cedar:few']]],
    );
    assert.deepEqual(denied[0]?.attributes['countersign.obligations'], ['limit what=requests most=5 seconds=3600 policy=rules.cedar:few']);
    assert.equal(await statusOf('bot', 'POST', '', 'tools'), 400, 'the gateway refuses what is no message of MCP without asking policy');
    const tried = gateway.command(['policy', 'try', policies]);
    assert.match(
      tried.stdout,
      /^0 of 12 recorded requests would have been decided otherwise; 2 cannot be decided again\n1 request {2}a limit denied it, [^\n]*\n1 request {2}the gateway itself refused it, [^\n]* {2}[0-9a-f]{16}\/\d+\n$/,
    );
  });

  test('T4.11: of a thousand requests at once exactly as many pass as the limit says', async () => {
    const statuses = await Promise.all(Array.from({ length: 1000 }, async (_, i) => statusOf('crowd', 'GET', `/crowd-${i}`)));
    const counts = (wanted: number): number => statuses.filter((status) => status === wanted).length;
    assert.deepEqual([counts(200), counts(403)], [7, 993]);
    assert.equal(heard.filter((each) => each.includes('/crowd-')).length, 7);
  });

  test('B22: each message over WebSocket is a request, and the one beyond the limit ends the connection', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port('http')}/t/files/talk`, { headers: { authorization: `Bearer ${tokens.get('talker')}` } });
    const closed = new Promise<string>((resolve) => {
      client.once('close', (code, reason) => {
        resolve(`${code} ${reason.toString()}`);
      });
    });
    let said = 0;
    const say = (): void => {
      said += 1;
      if (said > 9) {
        client.close();
      } else {
        client.send(`said-${said}`);
      }
    };
    client.once('open', say).on('message', say);
    assert.match(await closed, /^1008 .*the limit is 4 requests per 1h, and 4 are used/);
    assert.deepEqual(
      heard.filter((each) => each.startsWith('said-')),
      ['said-1', 'said-2', 'said-3'],
    );
  });

  test('T4.12: bytes of answers count, and the answer after which the limit is passed is whole', async () => {
    assert.equal((await (await ask('reader', 'GET', '/a')).text()).length, 800);
    assert.equal((await (await ask('reader', 'GET', '/b')).text()).length, 800);
    assert.equal(await statusOf('reader', 'GET', '/c'), 403);
  });

  test('T4.13: an alert is a record beside the request that raised it, allowed or denied, with its policy', async () => {
    const { status, headers } = await ask('bot', 'DELETE', '/list');
    assert.deepEqual([status, headers.get('retry-after')], [403, null], 'what a policy forbids is not let through later');
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

  test('T4.45: a request that is sent again counts once, while it waits for people and when it spends its grant', async () => {
    const first = await ask('asker', 'POST', '/asked');
    const { approval }: { readonly approval: string } = JSON.parse(await first.text());
    assert.deepEqual([first.status, await statusOf('asker', 'POST', '/asked')], [409, 409]);
    assert.equal((await gateway.api(`/api/v1/approvals/${approval}/grant`, { method: 'POST', body: {} })).status, 200);
    assert.equal(await statusOf('asker', 'POST', '/asked'), 200);
    for (const other of [2, 3, 4]) {
      assert.equal(await statusOf('asker', 'POST', `/asked-${other}`), 409);
    }
    const obligations = (await recordsOf('asker')).flatMap(({ kind, attributes }) => (kind === 'request' ? [attributes['countersign.obligations']] : []));
    assert.equal(obligations.filter((each) => JSON.stringify(each ?? '').includes('limit what=requests')).length, 4);
  });

  test('T4.17: a kill -9 opens no window: what the journal shows is used, for each thing that is counted', async () => {
    for (let i = 0; i < 4; i += 1) {
      assert.equal(await statusOf('late', 'POST', `/late-${i}`), 200);
    }
    assert.equal(await statusOf('late-reader', 'GET', '/late'), 200);
    await gateway.signal('SIGKILL');
    await gateway.start();
    assert.deepEqual([await settled('late', 'POST'), await settled('late', 'POST')], [200, 403]);
    assert.equal(await settled('talker', 'GET'), 403);
    assert.deepEqual([await settled('late-reader', 'GET'), await settled('late-reader', 'GET')], [200, 403]);
    assert.deepEqual([await settled('reader', 'GET'), await settled('bot', 'POST'), await settled('crowd', 'GET')], [403, 403, 403]);
    assert.deepEqual([await settled('asker', 'POST'), await statusOf('asker', 'POST', '/asked-6')], [409, 403], 'the fifth is held, and the sixth denied');
    await gateway.signal('SIGTERM');
    await gateway.start();
    assert.deepEqual([await settled('late', 'POST'), await settled('late-reader', 'GET')], [403, 403]);
  });

  test('T4.30: a session knows after a kill -9, and after another, what it did before; a run does nothing more', async () => {
    const opened = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'payer', targets: ['payroll', 'outside'] } });
    const run: string = JSON.parse(await opened.text()).token;
    assert.deepEqual([await settled('payer', 'GET', 'payroll'), await settled(run, 'GET', 'payroll')], [200, 200]);
    assert.equal(await settled('other', 'POST', 'outside'), 200);
    // After the second start the session does nothing: the third one finds what it did before the first.
    for (const [signal, isActive] of [
      ['SIGKILL', true],
      ['SIGKILL', false],
      ['SIGTERM', true],
    ] as const) {
      await gateway.signal(signal);
      await gateway.start();
      if (isActive) {
        assert.deepEqual([await settled('payer', 'POST', 'outside'), await settled('payer', 'GET', 'outside')], [403, 200]);
      }
    }
    assert.equal(await statusOf(run, 'POST', '/', 'outside'), 401);
    assert.equal(await settled('other', 'POST', 'outside'), 200);
    const notes = (await recordsOf('payer')).filter(({ attributes }) => attributes['countersign.previous_session'] !== undefined);
    const allowedIn = ({ attributes }: ShownRecord): number =>
      Number(attributes['countersign.history.requests']) - Number(attributes['countersign.history.denials']);
    assert.deepEqual(
      notes.map((note) => [allowedIn(note), note.attributes['countersign.history.targets']]),
      [
        [1, ['payroll']],
        [2, ['payroll', 'outside']],
      ],
    );
  });

  test('T4.18: what was done at a target while it was observed counts when it is observed no more, and after a restart', async () => {
    const text = readFileSync(gateway.configFile, 'utf8');
    for (let i = 0; i < 6; i += 1) {
      assert.equal(await statusOf('late', 'POST', '/watched', 'watched'), 200);
    }
    const used = await settled('late', 'POST');
    writeFileSync(gateway.configFile, text.replace(', mode: observe', ''));
    assert.equal((await gateway.api('/api/v1/config/apply', { method: 'POST', body: {} })).status, 200);
    assert.deepEqual([await settled('late', 'POST', 'watched'), await settled('late', 'GET', 'watched'), await settled('late', 'POST')], [403, 200, used]);
    await gateway.signal('SIGTERM');
    await gateway.start();
    assert.deepEqual([await settled('late', 'POST', 'watched'), await settled('late', 'GET', 'watched')], [403, 200]);
    writeFileSync(gateway.configFile, text);
    assert.equal((await gateway.api('/api/v1/config/apply', { method: 'POST', body: {} })).status, 200);
  });

  test('T4.18: a limit that is taken away and comes back has what was used', async () => {
    const write = async (text: string): Promise<void> =>
      gateway.takesUp(() => {
        writeFileSync(join(policies, '.new'), text);
        renameSync(join(policies, '.new'), join(policies, 'rules.cedar'));
      });
    assert.equal(await settled('bot', 'POST'), 403);
    await write('permit (principal == Principal::"ann", action, resource);');
    assert.equal(await settled('bot', 'POST'), 200);
    await write(rules);
    assert.equal(await settled('bot', 'POST'), 403);

    // Limits that were never in force count what the record says was done before.
    for (const method of ['GET', 'GET', 'POST']) {
      assert.equal(await statusOf('fresh', method, '/before'), 200);
    }
    assert.equal(await statusOf('fresh-reader', 'GET', '/before', 'payroll'), 200);
    const opened = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'person', targets: ['files'] } });
    const run: string = JSON.parse(await opened.text()).token;
    for (const who of ['person', run, 'person', run]) {
      assert.equal(await statusOf(who, 'GET', '/before'), 200);
    }
    const never = `${rules.replace('requests 5 per', 'requests 50 per')}
@id("never") @limit("requests 3 per 1h")
permit (principal == Principal::"fresh", action == Action::"http.request", resource) when { context.method == "GET" };
@id("once") @limit("requests 4 per 2h")
permit (principal == Principal::"asker", action == Action::"http.request", resource) when { context.method == "POST" };
@id("streams") @limit("bytes 3000 per 1h")
permit (principal == Principal::"streamer", action == Action::"http.request", resource);
@id("programs") @limit("requests 3 per 1h")
permit (principal == Principal::"person", action == Action::"http.request", resource) when { !context.attended };
@id("volume") @limit("bytes 1500 per 1h")
permit (principal == Principal::"fresh-reader", action == Action::"http.request", resource)
when { context.session.targets.contains("payroll") || context.session.requests == 0 };`;
    const stream = await ask('streamer', 'GET', '/begun');
    await write(never);
    assert.equal(await settled('streamer', 'GET'), 200);
    begun?.end('x'.repeat(3000));
    await stream.text();
    assert.equal(await settled('streamer', 'GET'), 403, 'what an answer brings counts that began before its limit came into force');
    assert.deepEqual([await settled('fresh', 'GET'), await settled('fresh', 'GET'), await settled('fresh', 'POST')], [200, 403, 200]);
    assert.deepEqual([await settled('fresh-reader', 'GET', 'payroll'), await settled('fresh-reader', 'GET', 'payroll')], [200, 403]);
    const byProgram = [await settled(run, 'GET'), await settled(run, 'GET'), await settled('person', 'GET')];
    assert.deepEqual(byProgram, [200, 403, 200], 'what a program of a person did is told from what the person did');
    const again = await ask('asker', 'POST', '/asked');
    assert.match(await again.text(), /the limit is 4 requests per 2h, and 5 are used/, 'a request that was sent again to spend its grant counts once');
    // The windows stay as they are when the policies change once more, and after a start.
    await write(`${never}\npermit (principal == Principal::"ann", action, resource);`);
    assert.deepEqual([await settled('fresh', 'GET'), await settled('fresh', 'POST')], [403, 200]);
    await gateway.signal('SIGKILL');
    await gateway.start();
    assert.deepEqual([await settled('fresh', 'GET'), await settled('fresh', 'POST')], [403, 200]);
    assert.equal(await settled('fresh-reader', 'GET', 'payroll'), 403);
  });
});
