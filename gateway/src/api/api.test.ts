import { strict as assert } from 'node:assert';
import { statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { verifyFile } from '@countersign/ledger';
import type { SessionSummary, ShownRecord } from '../feed/shown-record.ts';
import { hashToken } from '../identity/token-format.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function lines<Row>(response: Response): Promise<readonly Row[]> {
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  return (await response.text())
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const problem: Record<string, unknown> = Object.assign({}, await response.json());
  assert.equal(problem['status'], response.status);
  assert.equal(problem['type'], `urn:countersign:error:${String(problem['title'])}`);
  return problem;
}

/** The gateway's own session records what was refused and what administrators did. */
async function ownRecords({ ask }: RunningGateway, kind: string): Promise<readonly ShownRecord[]> {
  const [own] = await lines<SessionSummary>(await ask('GET', '/api/v1/sessions?all&facts'));
  assert.equal(own?.principal, null);
  return (await lines<ShownRecord>(await ask('GET', `/api/v1/sessions/${own.session}/records`))).filter((record) => record.kind === kind);
}

/** Requests that fetch does not let us make: any Host. Resolves with the status. */
async function rawStatus(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('everything but health needs a credential of an administrator', async () => {
  await using running = await openRunningGateway();
  const { ask, json, data } = running;
  assert.equal(statSync(join(data, 'admin.token')).mode & 0o777, 0o600);
  assert.equal((await ask('GET', '/healthz', { headers: {} })).status, 200);
  const paths = ['/api/v1/targets', '/api/v1/principals', '/api/v1/tokens', '/api/v1/sessions', '/log/checkpoint', '/log/key'];
  const statuses = await Promise.all(paths.map(async (path) => (await ask('GET', path)).status));
  assert.deepEqual(
    statuses,
    paths.map(() => 200),
  );
  const { token: ann } = await json('POST', '/api/v1/tokens', { principal: 'ann' });
  assert.equal((await ask('GET', '/api/v1/sessions', { headers: bearer(String(ann)) })).status, 200);
  const { token: bot } = await json('POST', '/api/v1/tokens', { principal: 'bot' });
  const refused = await problemOf(await ask('GET', '/api/v1/sessions', { headers: bearer(String(bot)) }));
  assert.equal(refused['status'], 403);
  assert.equal(refused['title'], 'refused');
});

test('B22: a failed attempt at the API is recorded and slowed down like one at any listener', async () => {
  await using running = await openRunningGateway();
  const { ask } = running;
  const startedMs = performance.now();
  const wrong = await problemOf(await ask('GET', '/api/v1/sessions', { headers: bearer('guess') }));
  assert.equal(wrong['status'], 401);
  assert.equal((await ask('GET', '/api/v1/sessions', { headers: bearer('another guess') })).status, 401);
  assert.ok(performance.now() - startedMs >= 745, 'the first answer is held back, the second one longer');
  const answered: string[] = [];
  const note = async (who: string, headers?: Readonly<Record<string, string>>): Promise<number> => {
    const { status } = await ask('GET', '/api/v1/targets', headers === undefined ? {} : { headers });
    answered.push(who);
    return status;
  };
  const held = note('a guess', bearer('a third guess'));
  assert.equal(await note('who asks how to log in', {}), 401, 'who only asks how to log in guesses nothing');
  assert.equal(await note('who may come in'), 200);
  assert.equal(await held, 401);
  assert.deepEqual(answered, ['who asks how to log in', 'who may come in', 'a guess'], 'who may come in does not wait for who may not');
  const recorded = await ownRecords(running, 'decision');
  assert.deepEqual(
    recorded.map(({ action, verdict, attributes }) => [action, verdict, attributes['client.address']]),
    [
      ['gateway.authenticate', 'deny', '127.0.0.1'],
      ['gateway.authenticate', 'deny', '127.0.0.1'],
      ['gateway.authenticate', 'deny', '127.0.0.1'],
      ['gateway.authenticate', 'deny', '127.0.0.1'],
    ],
  );
  assert.match(String(recorded[0]?.attributes['countersign.reason']), /^unauthenticated: The token is not accepted/);
});

test('B19, B22: a run token does not speak for its principal outside the run', async () => {
  await using running = await openRunningGateway('  boss: { kind: human, groups: [admins], targets: [shop] }\n');
  const { token } = await running.json('POST', '/api/v1/runs', { principal: 'boss' });
  assert.equal((await running.ask('GET', '/api/v1/sessions', { headers: bearer(String(token)) })).status, 403);
});

test('D35: a name that was made to point here is refused, and so is a page of another origin', async () => {
  await using running = await openRunningGateway();
  const url = `${running.url}/healthz`;
  const { port } = new URL(url);
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{ host: `127.0.0.1:${port}` }, 200],
    [{ host: `localhost:${port}` }, 200],
    [{ host: `LOCALHOST:${port}` }, 200],
    [{ host: `evil.example:${port}` }, 403],
    [{ host: `127.0.0.1.evil.example:${port}` }, 403],
    [{ host: `127.0.0.1:${port}`, origin: 'https://evil.example' }, 403],
  ];
  const statuses = await Promise.all(cases.map(async ([headers]) => rawStatus(url, headers)));
  assert.deepEqual(
    statuses,
    cases.map(([, status]) => status),
  );
});

test('tokens: made once, listed without the token, revoked', async () => {
  await using running = await openRunningGateway();
  const { ask, json } = running;
  const made = await json('POST', '/api/v1/tokens', { principal: 'bot', ttlMs: 60_000 });
  assert.match(String(made['token']), /^cs_/);
  assert.equal(Date.parse(String(made['expires'])) - Date.parse(String(made['created'])), 60_000);
  const listed = await (await ask('GET', '/api/v1/tokens')).text();
  assert.ok(listed.includes(String(made['id'])) && !listed.includes('cs_'));
  assert.deepEqual(await json('DELETE', `/api/v1/tokens/${String(made['id'])}`), { revoked: made['id'] });
  assert.equal((await problemOf(await ask('DELETE', '/api/v1/tokens/tok_none')))['title'], 'not_found');
  const hash = hashToken(String(made['token']));
  assert.deepEqual(await json('DELETE', `/api/v1/tokens/${hash}`), { revoked: made['id'] }, 'its hash names it too');
  assert.doesNotMatch(await (await ask('DELETE', `/api/v1/tokens/${String(made['token'])}`)).text(), /cs_/);
  const acts = await ownRecords(running, 'decision');
  assert.deepEqual(
    acts.map(({ action, attributes }) => [action, attributes['user.id'], attributes['countersign.token.id']]),
    [
      ['gateway.create_token', 'operator', made['id']],
      ['gateway.revoke_token', 'operator', made['id']],
      ['gateway.revoke_token', 'operator', made['id']],
    ],
  );
});

test('a request that is not understood is told what was expected', async () => {
  await using running = await openRunningGateway();
  const bad = async (path: string, body: unknown): Promise<string> => {
    const problem = await problemOf(await running.ask('POST', path, { body }));
    return `${String(problem['title'])} ${String(problem['detail'])}`;
  };
  assert.match(await bad('/api/v1/tokens', { principal: 'nobody' }), /unknown_principal .*countersign principal add/);
  assert.match(await bad('/api/v1/tokens', { principal: 'bot', ttlMs: 'long' }), /malformed ttlMs: /);
  assert.match(await bad('/api/v1/tokens', { principal: 'bot', admin: true }), /malformed .*admin/);
  assert.match(await bad('/api/v1/tokens', 'x'.repeat(70_000)), /limit_exceeded/);
  assert.match(await bad('/api/v1/runs', { principal: 'bot', targets: ['payroll'] }), /refused .*payroll/);
  assert.match(await bad('/api/nothing', {}), /not_found/);
  assert.match(await bad(`/api/v1/sessions/${'0'.repeat(32)}/halt`, {}), /not_found/);
  assert.equal((await running.ask('GET', '/log/../keys.db')).status, 404);
  assert.equal((await running.ask('GET', '/log/%2e%2e%2fkeys.db')).status, 404);
  assert.equal((await running.ask('GET', '/api/v1/targets/shop/connection?port=x')).status, 400);
});

test('targets and connections: how to get there, and no secret', async () => {
  await using running = await openRunningGateway();
  const [shop] = Object.values(await running.json('GET', '/api/v1/targets'));
  assert.deepEqual(shop, {
    name: 'shop',
    protocol: 'postgres',
    host: '127.0.0.1',
    port: 1,
    path: 'shop',
    user: 'app',
    durability: 'disk',
    tags: {},
    inspect: [],
    mode: 'enforce',
  });
  const { command } = await running.json('GET', '/api/v1/targets/shop/connection?port=5433');
  assert.match(String(command), /5433/);
  assert.equal((await running.ask('GET', '/api/v1/targets/none/connection')).status, 404);
});

test('the configuration in force is explained, without what may be a secret', async () => {
  const secret = Buffer.alloc(32, 7).toString('base64');
  process.env['HOOK_SECRET'] = `whsec_${secret}`;
  await using running = await openRunningGateway('sinks: { soc: { webhook: "https://soc.example/hook/of-the-path", secret: { env: HOOK_SECRET } } }\n');
  const answer = await (await running.ask('GET', '/api/v1/config')).text();
  const shown: { readonly lines: readonly { readonly what: string; readonly text: string }[]; readonly since: string; readonly waiting: readonly string[] } =
    JSON.parse(answer);
  assert.equal(shown.lines.find(({ what }) => what === 'sink')?.text, 'soc: webhook at https://soc.example; gets facts alone');
  assert.ok(!answer.includes('of-the-path') && !answer.includes(secret));
  assert.ok(Date.parse(shown.since) <= Date.now() && shown.waiting.length === 0);
});

for (const [path, idName] of [
  ['/api/v1/targets', 'name'],
  ['/api/v1/principals', 'id'],
  ['/api/v1/tokens', 'id'],
  ['/api/v1/sessions', 'session'],
] as const) {
  test(`${path} is read in parts: each begins behind the last of the one before`, async () => {
    await using running = await openRunningGateway();
    const { ask, json } = running;
    for (const principal of ['bot', 'wide', 'ann']) {
      await json('POST', '/api/v1/tokens', { principal });
      await json('POST', '/api/v1/runs', { principal });
    }
    const idsOf = async (query: string): Promise<string[]> => {
      const body = await (await ask('GET', `${path}?${query}`)).text();
      const rows: Record<string, string>[] = body.startsWith('[')
        ? JSON.parse(body)
        : body.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
      return rows.map((row) => String(row[idName]));
    };
    const [first = '', second = '', third = '', ...more] = await idsOf('');
    assert.ok(third !== '' && more.length === 0);
    assert.deepEqual(await idsOf('limit=2'), [first, second]);
    assert.deepEqual(await idsOf(`after=${second}&limit=2`), [third]);
    assert.deepEqual(await idsOf(`after=${first}`), [second, third]);
    assert.deepEqual(await idsOf(`after=${third}`), []);
    assert.equal((await problemOf(await ask('GET', `${path}?after=${'0'.repeat(32)}`)))['title'], 'not_found');
    for (const limit of ['0', '-1', 'x', '1.5', '']) {
      assert.equal((await problemOf(await ask('GET', `${path}?limit=${limit}`)))['title'], 'malformed', limit);
    }
  });
}

test('a run: a session with a token of its own, its environment, and its end', async () => {
  await using running = await openRunningGateway();
  const { ask, json } = running;
  const run = await json('POST', '/api/v1/runs', { principal: 'bot', command: 'agent --careful' });
  const session = String(run['session']);
  const environment: Record<string, unknown> = Object.assign({}, run['environment']);
  assert.equal(environment['COUNTERSIGN_SESSION'], session);
  assert.match(String(environment['TRACEPARENT']), new RegExp(`^00-${session}-[0-9a-f]{16}-01$`));
  assert.ok(String(environment['SHOP_URL']).includes(String(run['token'])));
  assert.equal(environment['PGDATABASE'], 'shop');
  const [open] = await lines<SessionSummary>(await ask('GET', '/api/v1/sessions'));
  assert.partialDeepStrictEqual(open, { session, principal: 'bot', closed: null, targets: [], records: 2, state: 'open' });
  await json('POST', `/api/v1/runs/${session}/end`);
  const [closed] = await lines<SessionSummary>(await ask('GET', '/api/v1/sessions'));
  assert.equal(closed?.state, 'closed');
  const records = await lines<ShownRecord>(await ask('GET', `/api/v1/sessions/${session}/records`));
  assert.deepEqual(
    records.map(({ seq, kind }) => [seq, kind]),
    [
      [0, 'open'],
      [1, 'decision'],
      [2, 'close'],
    ],
  );
  assert.equal(records[1]?.action, 'gateway.run');
  assert.equal(records[1]?.attributes['process.command_line'], 'agent --careful');
  assert.equal(records[1]?.attributes['countersign.opened_by'], 'operator');
});

test('halt: recorded with who and why, and only once', async () => {
  await using running = await openRunningGateway();
  const { ask, json } = running;
  const { session } = await json('POST', '/api/v1/runs', { principal: 'bot' });
  await json('POST', `/api/v1/sessions/${String(session)}/halt`, { reason: 'reads too much' });
  const [halted] = await lines<SessionSummary>(await ask('GET', '/api/v1/sessions'));
  assert.equal(halted?.state, 'halted');
  assert.equal((await ask('POST', `/api/v1/sessions/${String(session)}/halt`, { body: {} })).status, 409);
});

test('watch: what was, then what comes, until the session ends; and a reader who leaves is let go', async () => {
  await using running = await openRunningGateway();
  const { ask, json } = running;
  const { session } = await json('POST', '/api/v1/runs', { principal: 'bot' });
  const path = `/api/v1/sessions/${String(session)}/watch`;
  const leaving = new AbortController();
  const left = await ask('GET', path, { signal: leaving.signal });
  const reader = left.body?.getReader();
  assert.ok((await reader?.read())?.value);
  leaving.abort();
  const watched = ask('GET', path).then(async (response) => lines<ShownRecord>(response));
  await json('POST', `/api/v1/runs/${String(session)}/end`);
  assert.deepEqual(
    (await watched).map(({ kind }) => kind),
    ['open', 'decision', 'close'],
  );
});

test('export and receipt verify with the public key, and reading is recorded', async () => {
  await using running = await openRunningGateway();
  const { ask, json } = running;
  const { session } = await json('POST', '/api/v1/runs', { principal: 'bot' });
  await json('POST', `/api/v1/runs/${String(session)}/end`);
  const key = (await (await ask('GET', '/log/key')).text()).trim();
  const bundle = await ask('GET', `/api/v1/sessions/${String(session)}/bundle`);
  const report = await verifyFile(new Uint8Array(await bundle.arrayBuffer()), { keys: [key] });
  assert.deepEqual([report.verdict, report.extent, report.counts.records], ['holds', 'closed', 3]);
  const [record] = await lines<ShownRecord>(await ask('GET', `/api/v1/sessions/${String(session)}/records`));
  const receipt = await ask('GET', `/api/v1/receipts/${record?.record ?? ''}`);
  assert.equal((await verifyFile(new Uint8Array(await receipt.arrayBuffer()), { keys: [key] })).verdict, 'holds');
  const accesses = await ownRecords(running, 'access');
  assert.deepEqual(
    accesses.map(({ attributes }) => attributes['countersign.access.what']),
    ['export', 'show'],
  );
  assert.equal((await ask('GET', `/api/v1/receipts/${'0'.repeat(16)}/0`)).status, 404);
  assert.equal((await ask('GET', '/api/v1/receipts/x/y')).status, 400);
});

test('a tunnel needs a token and a target, and then speaks the protocol of the target', async () => {
  await using running = await openRunningGateway();
  const { port, host } = new URL(running.url);
  const tunnel = async (headers: string, name = host): Promise<string> => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET /api/v1/connect/shop HTTP/1.1\r\nhost: ${name}\r\nconnection: upgrade\r\n${headers}\r\n`);
    return text(socket.once('data', () => socket.end()));
  };
  assert.match(await tunnel('upgrade: countersign-tunnel\r\n'), /^HTTP\/1.1 400/);
  assert.match(await tunnel('upgrade: websocket\r\nauthorization: Bearer x\r\n'), /^HTTP\/1.1 401/, 'no tunnel, but the question whether the token gets there');
  const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'bot' });
  assert.match(await tunnel(`upgrade: countersign-tunnel\r\nauthorization: Bearer ${String(token)}\r\n`, 'evil.example'), /^HTTP\/1.1 400/);
  assert.match(await tunnel(`upgrade: countersign-tunnel\r\nauthorization: Bearer ${String(token)}\r\n`), /^HTTP\/1.1 101/);
});
