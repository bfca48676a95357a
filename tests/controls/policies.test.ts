import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';

const noPosting = `@id("no-posting")
@reason("Agents only read here.")
forbid (principal in Group::"agents", action == Action::"http.request", resource)
when { context.effects.contains("write") };
`;

describe('policies in files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-policies-'));
  const policies = join(directory, 'policies');
  const heard: string[] = [];
  let server: Awaited<ReturnType<typeof openServer>>;
  let gateway: GatewayProcess;
  let token: string;

  const parts = suiteParts();
  before(async () => {
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    mkdirSync(policies);
    writeFileSync(join(policies, 'agents.cedar'), noPosting);
    server = parts.use(
      await openServer(async (request, response) => {
        heard.push(`${request.method} ${request.url}`);
        response.end('fine');
      }),
    );
    gateway = parts.use(
      await GatewayProcess.start({
        config: `policies: ${policies}
targets:
  files: { url: "${server.url}", tags: { zone: inside } }
  tools: { url: "${server.url}", protocol: mcp }
  payments: { url: "${server.url}", options: { body: { amount: /amount, urgent: /urgent } } }
principals:
  bot: { kind: agent, groups: [agents], targets: [files, payments, tools] }
  ann: { kind: human, targets: [files] }
`,
      }),
    );
    token = await gateway.issueToken('bot');
  });

  const ask = async (method: string, path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port('http')}/t/files${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  const records = async (): Promise<readonly ShownRecord[]> => gateway.records((await gateway.newest()).session);
  /** Puts a file in the place of the policies. */
  const replace = (text: string): void => {
    writeFileSync(join(policies, '.new'), text);
    renameSync(join(policies, '.new'), join(policies, 'agents.cedar'));
  };
  const write = async (text: string): Promise<void> =>
    gateway.takesUp(() => {
      replace(text);
    });
  /** Waits until the gateway has looked at the file by itself. */
  const looksAt = async (text: string, sign: string): Promise<void> =>
    gateway.looksAt(() => {
      replace(text);
    }, sign);

  test('what a forbid says is denied, told, recorded with the policy, and never sent', async () => {
    assert.equal((await ask('GET', '/a')).status, 200);
    const denied = await ask('POST', '/b');
    assert.equal(denied.status, 403);
    assert.match(await denied.text(), /Agents only read here\./);
    assert.deepEqual(heard, ['GET /a']);
    const [got, posted] = (await records()).filter(({ kind }) => kind === 'request');
    assert.deepEqual([got?.verdict, got?.policies], ['allow', ['grant:bot:files']]);
    assert.deepEqual([posted?.verdict, posted?.policies], ['deny', ['agents.cedar:no-posting']]);
    assert.deepEqual(posted?.attributes['countersign.effects'], ['write']);
  });

  test('a changed file is in force at the next request of a session that is open; one with a fault changes nothing and is told', async () => {
    await looksAt(noPosting.replace('"write"', '"destroy"'), 'configuration applied');
    assert.equal((await ask('POST', '/c')).status, 200);
    assert.equal((await ask('DELETE', '/c')).status, 403);
    await waitUntil(() => gateway.log.includes('policies 2 (was 2): ~agents.cedar:no-posting'));
    const state = async (): Promise<string> => (await fetch(`http://127.0.0.1:${gateway.port('http')}/readyz`)).text();
    assert.doesNotMatch(await state(), /refused/);
    await looksAt(noPosting.replace('"write"', 'write'), 'not applied');
    assert.match(await state(), /"status":"ready".*"configuration":"The changed files were refused/);
    assert.match(gateway.command(['policy', 'show']).stderr, /NOTE .*was in force before, and still is\.\n.*agents\.cedar:4:\d+: /);
    await waitUntil(() => /agents\.cedar:4:\d+: /.test(gateway.log));
    assert.equal((await ask('DELETE', '/c')).status, 403);
    const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
    const all = (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat();
    assert.ok(all.some(({ kind, action }) => kind === 'alert' && action === 'gateway.refuse_policy'));
    assert.ok(
      all.some(
        ({ action, attributes }) => action === 'gateway.change_policies' && String(attributes['countersign.reason']).startsWith('policies 2 (was 2): ~'),
      ),
    );
    const versions = all.filter(({ kind }) => kind === 'policy');
    assert.equal(versions.length, 2);
    assert.match(versions[0]?.content?.text ?? '', /no-posting[^]*context\.effects\.contains\("write"\)/);
  });

  test('a policy that is observed is recorded with what it would have done', async () => {
    await write(`@mode("observe")\n${noPosting} @id("never") permit (principal, action, resource) when { context.hour > 24 };`);
    // The log has it after the words that the configuration is applied.
    await waitUntil(() => /policy check finds: .*agents\.cedar:\d+:\d+: this policy can never apply/.test(gateway.log));
    assert.doesNotMatch(gateway.command(['policy', 'show']).stderr, /NOTE/);
    assert.equal((await ask('POST', '/d')).status, 200);
    const last = (await records()).findLast(({ kind }) => kind === 'request');
    assert.deepEqual([last?.verdict, last?.attributes['countersign.observed']], ['allow', 'deny by agents.cedar:no-posting: Agents only read here.']);
  });

  test('a gateway does not start with policies that are not valid', () => {
    const broken = join(directory, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'a.cedar'), 'forbid (principal, action == Action::"http.reqest", resource);\n');
    const file = join(directory, 'countersign.yaml');
    writeFileSync(file, `data: ${join(directory, 'data')}\nlisten: { http: 127.0.0.1:0 }\npolicies: ./broken\ntargets: { files: { url: "${server.url}" } }\n`);
    const { status, stderr } = gateway.cliAsIs(['up', '--config', file]);
    assert.equal(status, 1);
    assert.match(stderr, /broken\/a\.cedar:1:\d+: .*did you mean .*http\.request/);
  });

  test('policy show prints what is in force, policy explain why a record was decided as it was', async () => {
    await write(noPosting.replace('when', '// Reading is harmless.\nwhen'));
    assert.equal((await ask('POST', '/e')).status, 403);
    assert.match(gateway.command(['policy', 'show']).stdout, /@id\("grant:bot:files"\)[^]*\/\/ agents\.cedar:no-posting[^]*Agents only read/);
    const denied = (await records()).findLast(({ kind }) => kind === 'request');
    const { status, stdout } = gateway.command(['policy', 'explain', denied?.record ?? '']);
    assert.equal(status, 0);
    assert.match(stdout, /deny {2}agents\.cedar:no-posting\nreason {3}Agents only read here\.\nversion {2}[0-9a-f]{16}\n\/\/ agents\.cedar:no-posting\n@id/);
    assert.ok(stdout.endsWith('// Reading is harmless.\nwhen { context.effects.contains("write") };\n'), 'no comment cuts it');
    assert.doesNotMatch(stdout, /grant:/);
    const own = (await gateway.sessions('all')).find(({ principal }) => principal === null);
    const read = (await gateway.records(own?.session ?? '')).filter(({ attributes }) => String(attributes['countersign.access.what']).startsWith('record'));
    assert.deepEqual(
      read.map(({ attributes }) => [attributes['countersign.access.session'], attributes['countersign.access.what']]),
      [[denied?.session, `record ${denied?.seq}`]],
      'no other record was read',
    );
    const answer = (await records()).findLast(({ kind }) => kind === 'response');
    assert.match(
      gateway.command(['policy', 'explain', answer?.record ?? '']).stdout,
      /is a record of the kind response, about which no policy decided\. It belongs to a request: countersign policy explain [0-9a-f]{8}#\d+$/m,
    );
    const bundle = join(directory, 'session.bundle');
    const offline = (more: readonly string[] = []): CliResult => gateway.commandAsIs(['policy', 'explain', denied?.record ?? '', '--bundle', bundle, ...more]);
    assert.equal(gateway.command(['session', 'export', denied?.session ?? '', '--out', bundle]).status, 0);
    assert.match(readFileSync(bundle, 'utf8'), /^\{"bundle":"countersign\/1"/);
    const without = offline();
    assert.match(without.stderr, /has no policies of this version: countersign session export --policies puts them into a bundle/);
    assert.equal(`${without.stdout}${stdout.slice(without.stdout.length)}`, stdout, 'what the record says is told');
    assert.equal(gateway.command(['session', 'export', denied?.session ?? '', '--out', bundle, '--policies']).status, 0);
    const explained = offline(['--key', join(gateway.data, 'log', 'key')]);
    assert.deepEqual([explained.status, explained.stdout], [0, stdout]);
    assert.match(explained.stderr, /^countersign: .*: the session was still open: .*\n$/);
    const byNumber = gateway.commandAsIs(['policy', 'explain', `${denied?.session.slice(0, 8)}#${denied?.seq}`, '--bundle', bundle]);
    assert.deepEqual([byNumber.status, byNumber.stdout], [0, stdout]);
    assert.match(gateway.commandAsIs(['policy', 'explain', `${'0'.repeat(16)}/1`, '--bundle', bundle]).stderr, /session\.bundle has no record 0{16}\/1/);
    assert.match(gateway.commandAsIs(['verify', bundle]).stdout, /HOLDS[^]*\d versions? of the policies that decided in it/);
    const [line = ''] = /\{"policy":[^\n]*/.exec(readFileSync(bundle, 'utf8')) ?? [];
    writeFileSync(bundle, readFileSync(bundle, 'utf8').replace(line, line.replace('"plain":"', '"plain":"AAAA')));
    assert.match(offline().stderr, /does not hold: integrity: record \d+: content does not match its commitment/);
    // Policies that come again are recorded again. Their first record was made before the decision.
    await write('');
    await write(noPosting.replace('when', '// Reading is harmless.\nwhen'));
    assert.equal(gateway.command(['session', 'export', denied?.session ?? '', '--out', bundle, '--policies']).status, 0);
    const places = [...readFileSync(bundle, 'utf8').matchAll(/^\{"policy":(\d+)/gm)].map(([, index]) => Number(index));
    assert.ok(places.length > 0 && places.every((index) => index < Number(denied?.record.split('/')[1])), places.join());
    const missing = gateway.command(['policy', 'explain', denied?.record.replace(/\d+$/, '999999') ?? '']);
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /There is no record 999999: the log has \d+ records/);
    assert.match(gateway.command(['policy', 'explain', `${'0'.repeat(16)}/1`]).stderr, /The log 0{16} is not kept here/);
  });

  test('policy try says what stricter policies would have decided otherwise, with what the session had done by then', async () => {
    const stricter = join(directory, 'stricter');
    mkdirSync(stricter);
    writeFileSync(
      join(stricter, 'a.cedar'),
      '@id("few") forbid (principal, action == Action::"http.request", resource) when { context.session.requests >= 2 && context.method == "GET" };',
    );
    token = await gateway.issueToken('bot');
    for (const path of ['/1', '/2', '/3', '/4']) {
      assert.equal((await ask('GET', path)).status, 200);
    }
    const rows = gateway.command(['policy', 'try', stricter, '--since', '1h', '--json']).stdout.trim().split('\n');
    const tried = rows.map((row) => JSON.parse(row)).find(({ would }) => would === 'deny');
    assert.deepEqual(
      [tried.principal, tried.target, tried.action, tried.was, tried.policies, tried.requests],
      ['bot', 'files', 'http.request', 'allow', ['a.cedar:few'], 2],
    );
    assert.match(
      gateway.command(['policy', 'try', stricter]).stdout,
      /bot {2}files {2}http\.request {2}allow -> deny {2}a\.cedar:few {2}2 requests[^]* recorded requests would have been decided otherwise/,
    );
    const last = gateway.command(['policy', 'try', stricter, '--query', 'target:files url.path:"/4"']).stdout;
    assert.match(last, /a\.cedar:few {2}1 request {2}record \S+\n1 of 1 recorded request would/, 'what the session did before counts, and is not tried itself');
    assert.match(gateway.command(['policy', 'try', stricter, '--query', 'tabel:x']).stderr, /is table meant/);
  });

  test('policy check names each fault with its place, and policy test what is not as expected', () => {
    const cases = join(directory, 'cases.yaml');
    writeFileSync(
      cases,
      `- { principal: bot, target: files, action: http.request, text: GET /x, expect: allow }
- { principal: bot, target: files, action: http.request, text: DELETE /x, expect: deny, policy: 'agents.cedar:no-posting' }
- { name: wrong, principal: bot, target: files, action: http.request, context: { effects: [read] }, expect: hold }
`,
    );
    const tested = gateway.command(['policy', 'test', cases]);
    assert.equal(tested.status, 1);
    assert.match(
      tested.stdout,
      /^ok {4}case 1: bot, files, GET \/x: allow by grant:bot:files\nok {4}case 2: .*\nFAIL {2}wrong: hold was expected, the verdict is allow by grant:bot:files\n$/,
    );
    const tried = (more: string): CliResult => {
      writeFileSync(cases, `- { principal: bot, target: files, expect: allow, ${more} }\n`);
      return gateway.command(['policy', 'test', cases]);
    };
    const refused = (more: string): string => tried(more).stdout;
    const unreadable = (more: string): string => tried(more).stderr;
    assert.match(refused('action: http.requests'), /^FAIL {2}case 1: .*cases\.yaml:1:\d+: files has no action "http\.requests": is http\.request meant\?/);
    assert.match(refused('action: recording.search, context: { hour: 22 }'), /not of recordings: leave it out\. A case of recordings says time for hour/);
    assert.match(refused('action: http.request, context: { effects: write }'), /effects: a list of texts is expected/);
    assert.match(refused('action: http.request, context: { effects: [writes] }'), /effects: a list of/);
    assert.match(refused('action: http.request, context: { bodyReadable: "no" }'), /bodyReadable: true or false is expected/);
    assert.match(refused('action: http.request, context: { carry: [email] }'), /http has no fact "carry"; known are carries, /);
    assert.match(refused('action: http.request, context: { carries: [files, fils] }'), /there is no class "fils"; known are /);
    assert.match(refused('action: http.request, session: { classes: [emial] }'), /there is no class "emial": is email meant\?/);
    assert.match(unreadable('action: http.request, contxt: {}'), /case 1: contxt: this is not known here: is context meant\?/);
    assert.match(unreadable('action: http.request, session: { clases: [email] }'), /case 1: session: clases: this is not known here: is classes meant\?/);
    assert.match(refused('action: http.connect, text: GET /x'), /http\.connect has no text/);
    writeFileSync(
      cases,
      `- { principal: bot, target: fils, action: http.request, expect: allow }
- { principal: bot, target: files, action: http.request, text: DELETE /x, expect: deny, policy: posting }
- { principal: bto, target: files, action: http.request, expect: allow }
- { principal: bot, target: files, action: http.request, text: DELETE /x, expect: deny, policy: no-posting }
`,
    );
    const wrong = gateway.command(['policy', 'test', cases]);
    assert.match(wrong.stdout, /cases\.yaml:1:\d+: there is no target "fils": is files meant\?\n/);
    assert.match(wrong.stdout, /posting was expected to decide, the verdict is deny by agents\.cedar:no-posting\n/);
    assert.match(wrong.stdout, /cases\.yaml:3:\d+: there is no principal "bto": is bot meant\?\nFAIL .*: is agents\.cedar:no-posting meant\?\n$/);
    assert.match(wrong.stderr, /4 of 4 cases are not as expected/);
    writeFileSync(
      cases,
      '- { principal: bot, target: files, action: http.request, expect: allow }\n- { principal: bot, target: files, action: http.request, clientAddress: here, expect: allow }\n',
    );
    assert.match(gateway.command(['policy', 'test', cases]).stderr, /cases\.yaml:2:\d+: case 2: clientAddress: an IP address is expected/);
    const alone = join(directory, 'alone.cedar');
    writeFileSync(alone, 'permit (principal == Principal::"ann", action == Action::"http.request", resource == Target::"payments");\n');
    writeFileSync(cases, '- { principal: ann, target: payments, action: http.request, text: GET /x, expect: allow }\n');
    const unreached = gateway.command(['policy', 'test', cases, '--policies', alone]).stdout;
    assert.match(
      unreached,
      /^ok .*: allow by alone\.cedar:1; but http\.connect is denied before: ann was not granted payments: no permit allows http\.connect/,
    );
    assert.match(
      gateway.command(['policy', 'check', alone]).stdout,
      /^NOTE .*alone\.cedar:1:1: permits http\.request at payments, but nobody may http\.connect/,
    );
    const good = gateway.command(['policy', 'check']);
    assert.deepEqual([good.status, good.stdout], [0, '1 policy in 1 file is valid\n']);
    const bad = gateway.command(['policy', 'check', join(directory, 'broken')]);
    assert.equal(bad.status, 1);
    assert.match(bad.stderr, /a\.cedar:1:\d+: .*did you mean/);
    const never = join(directory, 'never.cedar');
    writeFileSync(never, '\n@approval("dba") forbid (principal, action, resource)\n  when { context.hour > 24 };\n');
    const odd = gateway.command(['policy', 'check', never]);
    assert.equal(odd.status, 1);
    assert.match(odd.stderr, /never\.cedar:3:10: this policy can never apply: context\.hour is 0 to 23[^]*never\.cedar:2:1: nobody is in the group "dba"/);
  });

  test('T4.33: a policy speaks of values in JSON bodies, and what cannot be read is not allowed by it', async () => {
    const limited = `${noPosting.replace('"write"', '"destroy"')}
@id("amounts") @reason("At most 100.")
forbid (principal, action == Action::"http.request", resource == Target::"payments")
unless { context.bodyReadable && (context.method == "GET" || (context.bodyNumbers has amount && context.bodyNumbers.amount <= 100)) };
`;
    await write(limited);
    const pay = async (body: string | null, type = 'application/json'): Promise<number> => {
      const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/payments/pay`, {
        method: body === null ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': type },
        body: body === null ? null : body.length > 1000 ? ReadableStream.from([Buffer.from(body)]) : body,
        duplex: 'half',
      });
      await answer.text();
      return answer.status;
    };
    const long = (amount: number): string => JSON.stringify({ pad: 'x'.repeat(200_000), amount });
    assert.deepEqual([await pay('{"amount":100}'), await pay(null), await pay(long(7))], [200, 200, 200]);
    const denied = ['{"amount":101}', '{"amount":1,"amount":500}', '{"amount":"1"}', '{"amount":0.5}', '{}', '{"amount":1', long(700)];
    assert.deepEqual(
      await Promise.all(denied.map(async (body) => pay(body))),
      denied.map(() => 403),
    );
    assert.equal(await pay('{"amount":1}', 'text/plain'), 403);
    const told = (await records()).find(({ kind, target }) => kind === 'request' && target === 'payments');
    assert.deepEqual([told?.attributes['countersign.body'], told?.attributes['countersign.body_readable']], [['amount=100'], true]);
  });

  test('a thousand policies come into force at once while requests are decided; the files as they are last count, and a fault leaves those before', async () => {
    const set = (denied: string, others = 990): string => {
      const denying = `forbid (principal, action == Action::"http.request", resource == Target::"files") when { context.method == "${denied}" };`;
      const about = (i: number): string =>
        `forbid (principal in Group::"agents", action == Action::"http.request", resource) when { context.method == "M${i}" };`;
      return `@id("first") ${denying}\n${Array.from({ length: others }, (_, i) => about(i)).join('\n')}\n@id("last") ${denying}\n`;
    };
    const apply = async (text: string): Promise<number> => {
      writeFileSync(join(policies, 'agents.cedar'), text);
      return (await gateway.api('/api/v1/config/apply', { method: 'POST', body: {} })).status;
    };
    const decided = async (): Promise<readonly number[]> => Promise.all(['POST', 'PUT', 'DELETE'].map(async (method) => (await ask(method, '/x')).status));
    assert.equal(await apply(set('POST', 0)), 200);
    token = await gateway.issueToken('bot');
    assert.deepEqual(await decided(), [403, 200, 200]);
    let isApplied = false;
    const applied = apply(set('PUT')).finally(() => {
      isApplied = true;
    });
    while (!isApplied) {
      await decided();
    }
    assert.equal(await applied, 200);
    assert.deepEqual(await decided(), [200, 403, 200]);
    const requests = (await records()).filter(({ kind }) => kind === 'request');
    const versionOf = ({ attributes }: ShownRecord): string => String(attributes['countersign.policy_version']);
    const [old = '', now = ''] = new Set(requests.map(versionOf));
    const isNew = requests.map((record) => versionOf(record) === now);
    assert.ok(!isNew.slice(isNew.indexOf(true)).includes(false), 'no request is decided by the old set after one by the new set');
    const both = 'agents.cedar:first,agents.cedar:last';
    const granted = 'grant:bot:files';
    const seen = requests.map((record) => `${versionOf(record)} ${String(record.attributes['http.request.method'])} ${record.policies.join()}`);
    const possible = [old, now].flatMap((version, i) => ['POST', 'PUT', 'DELETE'].map((method, j) => `${version} ${method} ${i === j ? both : granted}`));
    assert.deepEqual([...new Set(seen)].toSorted(), possible.toSorted());
    const first = apply(set('DELETE'));
    await decided();
    assert.deepEqual([await apply(set('POST', 0)), await first], [200, 200]);
    assert.deepEqual(await decided(), [403, 200, 200]);
    assert.equal(await apply(`${set('PUT')}forbid`), 400);
    assert.deepEqual(await decided(), [403, 200, 200]);
  });

  test('policy try knows what is a run, and what was too long to be looked at', async () => {
    const candidate = join(directory, 'candidate.cedar');
    writeFileSync(
      candidate,
      '@id("people") forbid (principal == Principal::"ann", action == Action::"http.request", resource) when { !context.attended };\n' +
        '@id("secret") forbid (principal, action in Action::"mcp", resource) when { context.arguments like "*secret*" };\n',
    );
    const call = (text: string): string =>
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: { text: `secret ${text}` } } });
    for (const text of ['', 'x'.repeat(3000)]) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/tools`, { method: 'POST', headers, body: call(text) });
      assert.equal(await answer.text(), 'fine');
    }
    const script = 'fetch(process.argv[1], { headers: { authorization: `Bearer ${process.env.COUNTERSIGN_TOKEN}` } })';
    const url = `http://127.0.0.1:${gateway.port('http')}/t/files/run`;
    const run = gateway.spawnCli(['run', '--as', 'ann', '--', process.execPath, '-e', script, url]);
    assert.equal((await once(run, 'exit'))[0], 0);
    assert.equal((await fetch(url, { headers: { authorization: `Bearer ${await gateway.issueToken('ann')}` } })).status, 200);
    const tried = gateway.command(['policy', 'try', candidate, '--json']).stdout.trim().split('\n');
    assert.deepEqual(
      tried.map((row) => JSON.parse(row)).flatMap(({ policies: by, requests, would }) => (would === 'deny' ? [[by, requests]] : [])),
      [
        [['candidate.cedar:secret'], 1],
        [['candidate.cedar:people'], 1],
      ],
    );
  });
});
