import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { builtInRoles, type BuiltInRoleName } from '../access/roles.ts';
import { actNames, type Act } from '../domain/recording-acts.ts';
import type { SessionSummary, ShownRecord } from '../feed/shown-record.ts';
import type { FoundRecord, SearchSummary } from '../search/found.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const roles = `
  cora: { kind: human, groups: [compliance] }
  dora: { kind: human, groups: [desk] }
  eve: { kind: human, groups: [case-17] }
  old: { kind: human, groups: [case-16] }
  olga: { kind: human, groups: [operators] }
roles:
  analyst: { groups: [compliance] }
  bot-desk: { role: analyst, groups: [desk], query: "principal:bot" }
  case-17: { role: auditor, groups: [case-17], since: 2020-01-01, until: 2020-12-31 }
  case-16: { role: auditor, groups: [case-16], since: 2020-01-01, expires: 2020-12-31 }
  operator: { groups: [operators], query: "principal:bot" }
  owner: { groups: [agents] }
`;

interface Person {
  readonly get: (path: string) => Promise<Response>;
  readonly post: (path: string, body?: unknown) => Promise<Response>;
  readonly delete: (path: string) => Promise<Response>;
  readonly rows: <Row>(path: string) => Promise<readonly Row[]>;
  readonly search: (
    asked: Readonly<Record<string, string>>,
  ) => Promise<{ readonly found: readonly FoundRecord[]; readonly summary: SearchSummary | undefined }>;
}

async function personOf({ ask, json }: RunningGateway, principal: string): Promise<Person> {
  const { token } = await json('POST', '/api/v1/tokens', { principal });
  const headers = { authorization: `Bearer ${String(token)}` };
  const get = async (path: string): Promise<Response> => ask('GET', path, { headers });
  const rows = async <Row>(path: string): Promise<readonly Row[]> => {
    const answer = await get(path);
    const text = await answer.text();
    assert.equal(answer.status, 200, `${principal} ${path}: ${text}`);
    return text === ''
      ? []
      : text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
  };
  return {
    get,
    post: async (path, body = {}) => ask('POST', path, { headers, body }),
    delete: async (path) => ask('DELETE', path, { headers }),
    rows,
    search: async (asked) => {
      const lines = await rows<FoundRecord & { readonly summary?: SearchSummary }>(`/api/v1/search?${new URLSearchParams(asked).toString()}`);
      return { found: lines.filter(({ summary }) => summary === undefined), summary: lines.at(-1)?.summary };
    },
  };
}

/** Makes a run of a principal that printed a word, and returns its session. */
async function runOf({ ask, json }: RunningGateway, principal: string, word: string): Promise<string> {
  const { session } = Object.assign({ session: '' }, await json('POST', '/api/v1/runs', { principal, recordOutput: true, command: `say ${word}` }));
  assert.equal((await ask('POST', `/api/v1/runs/${session}/output/stdout`, { body: word })).status, 200);
  return session;
}

async function outcome(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const { detail } = Object.assign({ detail: '' }, await response.json());
  return `${response.status} ${detail.replaceAll(/[0-9a-f]{32}/g, 'ID').replaceAll(/\d+/g, 'N')}`;
}

const nowhere = '0'.repeat(32);

test('B21: who sees a part of the records gets these, and what is hidden is answered as what does not exist', async () => {
  await using running = await openRunningGateway(roles);
  const [bots, wides] = [await runOf(running, 'bot', 'apple'), await runOf(running, 'wide', 'pear')];
  const [cora, dora] = [await personOf(running, 'cora'), await personOf(running, 'dora')];

  assert.deepEqual(
    (await cora.search({ query: 'action:process.output bytes:>0' })).found.map(({ session, snippet }) => [session, snippet]),
    [
      [wides, '"pear"'],
      [bots, '"apple"'],
    ],
  );
  const { found, summary } = await dora.search({ query: 'action:process.output bytes:>0' });
  assert.deepEqual(
    [found.map(({ session, snippet }) => [session, snippet]), summary],
    [[[bots, '"apple"']], { count: 1, isExact: true, behind: 0, next: null }],
  );
  assert.equal((await dora.search({ query: 'pear' })).summary?.count, 0);
  assert.deepEqual((await dora.search({ query: '', countBy: 'principal' })).found, [{ value: 'bot', count: 3 }]);
  assert.deepEqual(
    (await dora.rows<SessionSummary>('/api/v1/sessions?all')).map(({ session, records }) => [session, records]),
    [[bots, 3]],
  );
  assert.deepEqual(
    (await dora.rows<ShownRecord>(`/api/v1/sessions/${bots}/records`)).map(({ action, content }) => [action, content?.text ?? null]),
    [
      ['gateway.run', null],
      ['process.output', null],
      ['process.output', '"apple"'],
    ],
  );
  assert.equal((await dora.get(`/api/v1/sessions/${bots}/bundle`)).status, 200);
  const [hidden] = (await cora.search({ query: `session:${wides} pear` })).found;
  const index = hidden?.record ?? '';
  const past = `${index.split('/')[0]}/${2 ** 40}`;
  for (const [there, absent] of [
    [`/api/v1/sessions/${wides}/records`, `/api/v1/sessions/${nowhere}/records`],
    [`/api/v1/sessions/${wides}/watch`, `/api/v1/sessions/${nowhere}/watch`],
    [`/api/v1/sessions/${wides}/bundle`, `/api/v1/sessions/${nowhere}/bundle`],
    [`/api/v1/sessions/${wides}/records/1/bytes?bytes=0-`, `/api/v1/sessions/${nowhere}/records/1/bytes?bytes=0-`],
    [`/api/v1/sessions?after=${wides}`, `/api/v1/sessions?after=${nowhere}`],
    [`/api/v1/records/${index}`, `/api/v1/records/${past}`],
    [`/api/v1/records/${index}/trace`, `/api/v1/records/${past}/trace`],
    [`/api/v1/receipts/${index}`, `/api/v1/receipts/${past}`],
  ] as const) {
    const [a, b] = [await outcome(dora.get(there)), await outcome(dora.get(absent))];
    assert.equal(a, b);
    assert.match(a, /^404 /, there);
  }
  const { seq } = JSON.parse(await (await cora.get(`/api/v1/records/${index}`)).text());
  const [trace] = await cora.rows<{ readonly sessions: readonly string[] }>(`/api/v1/records/${index}/trace`);
  assert.deepEqual(trace?.sessions, [wides]);
  const traces = await cora.search({ query: `kind:access principal:cora countersign.access.session:${wides}` });
  assert.equal(traces.found[0]?.attributes['countersign.access.what'], `trace of record ${seq}`);
  const askFor = async (session: string): Promise<string> => outcome(dora.post('/api/v1/openings', { session, reason: 'curious' }));
  const none = await askFor(nowhere);
  assert.match(none, /^404 /);
  assert.equal(await askFor(wides), none);
  const { opening }: { readonly opening: string } = JSON.parse(await (await cora.post('/api/v1/openings', { session: wides, reason: 'ticket 1' })).text());
  const grant = async (id: string): Promise<string> => outcome(dora.post(`/api/v1/openings/${id}/grant`));
  assert.match(await grant('op_0'), /^404 There is no such opening/);
  assert.equal(await grant(opening), await grant('op_0'));
  const olga = await personOf(running, 'olga');
  assert.equal(await outcome(olga.post(`/api/v1/sessions/${wides}/halt`)), await outcome(olga.post(`/api/v1/sessions/${nowhere}/halt`)));
  const halts = await cora.search({ query: `kind:access principal:olga countersign.access.session:${wides}` });
  assert.equal(halts.found[0]?.attributes['countersign.access.what'], 'halt');
  const tried = await cora.search({ query: 'kind:access principal:dora', limit: '100' });
  const ofHidden = tried.found.filter(({ attributes }) => attributes['countersign.access.session'] === wides);
  assert.deepEqual(
    ofHidden.map(({ attributes }) => String(attributes['countersign.access.what'])).toSorted((a, b) => a.localeCompare(b)),
    ['ask for content', 'bytes 0- of record 1', 'export', 'show', 'watch'],
  );
});

test('B25: an administrator and an operator read facts and no content, a principal without a role nothing, an owner its own', async () => {
  await using running = await openRunningGateway(roles);
  const [bots, wides] = [await runOf(running, 'bot', 'apple'), await runOf(running, 'wide', 'pear')];
  for (const [name, sessions] of [
    ['ann', [wides, bots]],
    ['olga', [bots]],
  ] as const) {
    const person = await personOf(running, name);
    const { found } = await person.search({ query: 'action:process.output bytes:>0' });
    assert.deepEqual(
      found.map(({ session, snippet, attributes }) => [session, snippet, attributes['process.command_line']]),
      sessions.map((session) => [session, null, undefined]),
    );
    for (const query of ['apple', 'not apple', 'process.command_line:*apple', 'kind:event (bot or apple)']) {
      assert.equal((await person.get(`/api/v1/search?query=${encodeURIComponent(query)}`)).status, 400, query);
    }
    assert.equal((await person.get('/api/v1/search?countBy=process.command_line')).status, 200);
    assert.deepEqual((await person.search({ query: '', countBy: 'process.command_line' })).found, []);
    const shown = await person.rows<ShownRecord>(`/api/v1/sessions/${bots}/records`);
    assert.ok(shown.length > 0 && shown.every(({ content }) => content === null));
    assert.doesNotMatch(JSON.stringify(shown), /apple/);
    assert.match(await outcome(person.get(`/api/v1/sessions/${bots}/bundle`)), /^403 .* may not export sessions/);
    assert.match(await outcome(person.get(`/api/v1/sessions/${bots}/records/1/bytes?bytes=0-`)), /^403 .* may not read the content of records/);
  }
  const olga = await personOf(running, 'olga');
  assert.match(await outcome(olga.post(`/api/v1/sessions/${wides}/halt`)), /^404 /);
  assert.equal((await olga.post(`/api/v1/sessions/${bots}/halt`)).status, 200);
  assert.match(await outcome(olga.get('/api/v1/tokens')), /^403 /);
  const wide = await personOf(running, 'wide');
  assert.match(await outcome(wide.get('/api/v1/search?query=principal:bot%20secret')), /^403 wide may not search records/);
  assert.equal((await (await personOf(running, 'bot')).search({ query: 'action:process.output bytes:>0' })).found.length, 1);
  const [refused] = (await (await personOf(running, 'cora')).search({ query: 'verdict:deny principal:wide' })).found;
  assert.equal(refused?.attributes['url.query'], 'query=principal:bot%20secret');
});

test('B21: an auditor reads the records of the time, until the role ends', async () => {
  await using running = await openRunningGateway(roles);
  await runOf(running, 'bot', 'apple');
  const eve = await personOf(running, 'eve');
  assert.deepEqual(await eve.search({ query: '' }), { found: [], summary: { count: 0, isExact: true, behind: 0, next: null } });
  assert.deepEqual(await eve.rows('/api/v1/sessions?all'), []);
  assert.match(await outcome((await personOf(running, 'old')).get('/api/v1/search')), /^403 old may not search records/);
});

test('B25: an administrator makes no token for who may do more with recordings', async () => {
  await using running = await openRunningGateway(roles);
  const ann = await personOf(running, 'ann');
  assert.equal((await ann.post('/api/v1/tokens', { principal: 'olga' })).status, 201);
  assert.equal((await ann.post('/api/v1/tokens', { principal: 'wide' })).status, 201);
  for (const principal of ['cora', 'dora', 'bot']) {
    assert.match(await outcome(ann.post('/api/v1/tokens', { principal })), /^403 ann may not make a token for \w+, who may read the content of records/);
  }
});

test('B25: an administrator makes no token for who may do more with recordings at another time or elsewhere', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-tokens-'));
  context.after(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'rules.cedar');
  const reading = 'Action::"recording.content"';
  writeFileSync(
    file,
    `permit (principal in Group::"later", action == ${reading}, resource) when { context.now > datetime("2090-01-01") };
permit (principal in Group::"elsewhere", action == ${reading}, resource) when { context.clientAddress.isInRange(ip("192.0.2.0/24")) };
forbid (principal in Group::"at-night", action == Action::"recording.search", resource) unless { context.hour < 4 };
forbid (principal in Group::"early", action == Action::"recording.search", resource) when { context.now > datetime("2090-01-01") };
forbid (principal, action in Action::"recording", resource) unless { context.clientAddress.isLoopback() };
permit (principal is Principal, action == Action::"recording.export", resource == Target::"wiki") when { context.hour >= 0 };
@approval("deciders") forbid (principal, action, resource == Target::"wiki");
`,
  );
  await using running = await openRunningGateway(
    `  amy: { kind: human, groups: [admins, some-time] }
  abe: { kind: human, groups: [admins, early, some-time] }
  lea: { kind: human, groups: [later] }
  eli: { kind: human, groups: [elsewhere] }
  nat: { kind: human, groups: [at-night] }
  max: { kind: human, groups: [searchers] }
  dan: { kind: human, groups: [deciders] }
  may: { kind: human, groups: [some-time] }
  ben: { kind: human, groups: [reading-ends] }
  bea: { kind: human, groups: [reading-ends, reading-goes-on] }
policies: ${file}
roles:
  some-time: { role: analyst, groups: [some-time], expires: 2090-01-01 }
  searchers: { role: operator, groups: [searchers, at-night], may: [search] }
  reading-ends: { role: analyst, groups: [reading-ends], may: [content], expires: 2080-01-01 }
  reading-goes-on: { role: analyst, groups: [reading-goes-on], may: [content] }
`,
  );
  for (const [administrator, principal, expected] of [
    ['ann', 'wide', /^201/],
    ['ann', 'lea', /^403 ann may not make a token for lea, who may read the content of records/],
    ['ann', 'eli', /^403 ann may not make a token for eli, who may read the content of records/],
    ['ann', 'nat', /^201/],
    ['ann', 'max', /^201/],
    ['ann', 'dan', /^403 ann may not make a token for dan, for whoever holds it is a second person/],
    ['ann', 'amy', /^403 ann may not make a token for amy/],
    ['abe', 'wide', /^201/],
    ['abe', 'max', /^403 abe may not make a token for max, who may search records/],
    ['amy', 'may', /^403 amy may not make a token for may, for whoever holds it is a second person/],
    ['amy', 'ben', /^403 amy may not make a token for ben, for whoever holds it is a second person/],
    ['amy', 'amy', /^201/],
    ['amy', 'bea', /^403 amy may not make a token for bea, who may read the content of records/],
    ['amy', 'lea', /^403 amy may not make a token for lea, who may read the content of records/],
  ] as const) {
    const { post } = await personOf(running, administrator);
    assert.match(await outcome(post('/api/v1/tokens', { principal })), expected, `${administrator} for ${principal}`);
  }
});

test('B25: who sees some records learns of no saved search of others, shares none, and takes none away', async () => {
  await using running = await openRunningGateway(roles);
  const [cora, dora] = [await personOf(running, 'cora'), await personOf(running, 'dora')];
  const save = async (person: Person, name: string): Promise<number> => (await person.post('/api/v1/saved-searches', { name, query: 'principal:wide' })).status;
  assert.deepEqual([await save(cora, 'suspects'), await save(dora, 'mine'), await save(dora, 'suspects'), await save(cora, 'mine')], [201, 201, 201, 201]);
  const names = async ({ get }: Person): Promise<unknown> => {
    const saved: readonly { readonly name: string; readonly by: string }[] = JSON.parse(await (await get('/api/v1/saved-searches')).text());
    return saved.map(({ name, by }) => `${name} of ${by}`).toSorted();
  };
  const ofDora = ['mine of dora', 'suspects of dora'];
  assert.deepEqual([await names(cora), await names(dora)], [['mine of cora', 'suspects of cora', ...ofDora].toSorted(), ofDora]);
  const remove = async ({ delete: ask }: Person, name: string): Promise<number> => (await ask(`/api/v1/saved-searches/${name}`)).status;
  assert.deepEqual([await remove(dora, 'mine'), await remove(dora, 'mine'), await remove(cora, 'suspects')], [200, 404, 200]);
  assert.deepEqual([await names(cora), await names(dora)], [['mine of cora', 'suspects of dora'], ['suspects of dora']]);
  assert.equal(await remove(cora, 'suspects'), 200, 'who sees what others saved may delete it');
  assert.deepEqual([await names(cora), await names(dora)], [['mine of cora'], []]);
});

test('B21: a watch shows the records of the role as they come, and ends with the role', async () => {
  await using running = await openRunningGateway(roles);
  const bots = await runOf(running, 'bot', 'apple');
  const olga = await personOf(running, 'olga');
  const watched = (await olga.get(`/api/v1/sessions/${bots}/watch`)).body?.getReader() ?? assert.fail();
  const decoder = new TextDecoder();
  const next = async (): Promise<string> => decoder.decode((await watched.read()).value);
  assert.match(await next(), /process\.output/);
  const output = async (): Promise<unknown> => running.ask('POST', `/api/v1/runs/${bots}/output/stdout`, { body: 'pear' });
  await output();
  const line = await next();
  assert.match(line, /process\.output/);
  assert.doesNotMatch(line, /pear/);
  const file = join(running.data, '..', 'countersign.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('operator: { groups: [operators]', 'operator: { groups: [nobody]'));
  await running.json('POST', '/api/v1/config/apply', {});
  await output();
  await assert.rejects(next());
});

test('who has limited roles is told their bounds; facts alone, queries that were asked, refused logins and methods are shown and said', async () => {
  await using running = await openRunningGateway(roles);
  const bots = await runOf(running, 'bot', 'apple');
  const [dora, eve, cora] = [await personOf(running, 'dora'), await personOf(running, 'eve'), await personOf(running, 'cora')];
  const rolesHeld = async (person: Person): Promise<unknown> => {
    const { roles: held }: { readonly roles: readonly Record<string, unknown>[] } = JSON.parse(await (await person.get('/api/v1/whoami')).text());
    return held.map(({ name, role, own, query, expires }) => [name, role, own, query, expires]);
  };
  assert.deepEqual(await rolesHeld(dora), [['bot-desk', 'analyst', false, ['principal:bot'], null]]);
  assert.deepEqual(await rolesHeld(eve), [['case-17', 'auditor', false, ['since:2020-01-01', 'until:2020-12-31'], null]]);
  assert.deepEqual(await rolesHeld(await personOf(running, 'bot')), [['owner', 'owner', true, [], null]]);

  const shown = await cora.rows<ShownRecord>(`/api/v1/sessions/${bots}/records?facts`);
  assert.ok(shown.length > 2 && shown.every(({ content }) => content === null));
  assert.doesNotMatch(JSON.stringify(shown), /apple/);

  const found = await cora.search({ query: 'kind:access principal:dora' });
  assert.deepEqual(found.found, []);
  await dora.search({ query: 'verdict:deny pear' });
  const [asked] = (await cora.search({ query: 'kind:access principal:dora' })).found;
  assert.equal(asked?.snippet, 'verdict:deny pear');

  for (const [method, path, allow] of [
    ['GET', '/api/v1/mcp', 'POST'],
    ['DELETE', `/api/v1/sessions/${bots}`, 'GET, HEAD'],
  ] as const) {
    const answer = await fetch(running.url + path, { method });
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow]);
    assert.partialDeepStrictEqual(await answer.json(), { status: 405, code: 'unsupported' });
  }

  const answer = await fetch(`${running.url}/t/api/x`, { headers: { authorization: 'Bearer cs_wrong' } });
  assert.equal(answer.status, 401);
  const logins = await cora.search({ query: 'target:api action:gateway.authenticate verdict:deny' });
  assert.equal(logins.found.length, 1, 'a refused login is found by the target that it asked for');

  assert.equal((await cora.get('/api/v1/export?follow&query=verdict:perhaps')).status, 400);
  const following = await cora.get('/api/v1/export?follow&query=principal:nobody');
  assert.equal(following.status, 200, 'an export that follows begins at once');
  await following.body?.cancel();
});

test('B25: each act can be given by a role alone, and withheld from one that has all others', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-acts-'));
  const policies = join(directory, 'held.cedar');
  writeFileSync(policies, '@approval("dba") forbid (principal, action == Action::"http.request", resource);\n');
  const rolesOf: Readonly<Record<Act, BuiltInRoleName>> = {
    list: 'analyst',
    search: 'analyst',
    facts: 'analyst',
    content: 'analyst',
    watch: 'analyst',
    export: 'analyst',
    halt: 'operator',
    approve: 'administrator',
    hold: 'administrator',
    erase: 'administrator',
    administer: 'administrator',
  };
  const entry = (act: Act, which: string, may: readonly Act[]): string =>
    `  ${act}-${which}: { role: ${rolesOf[act]}, groups: [${act}-${which}], may: [${may.join(', ')}] }\n`;
  const lines = actNames.map(
    (act) =>
      `${entry(act, 'only', [act])}${entry(
        act,
        'not',
        builtInRoles[rolesOf[act]].may.filter((each) => each !== act),
      )}`,
  );
  const people = actNames.flatMap((act) => ['only', 'not'].map((which) => `  ${act}-${which}: { kind: human, groups: [${act}-${which}] }\n`));
  await using running = await openRunningGateway(`${people.join('')}roles:\n${lines.join('')}policies: ${policies}\n`);
  const session = await runOf(running, 'bot', 'apple');
  const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'wide' });
  await (await fetch(`${running.url}/t/api/x`, { method: 'POST', headers: { authorization: `Bearer ${String(token)}` } })).text();
  const path = `/api/v1/sessions/${session}`;
  const records = (await (await running.ask('GET', `${path}/records`)).text()).trimEnd().split('\n');
  const said = records.findIndex((line) => /"content":\{[^}]*"text":"[^}]*apple/.test(line));
  const paths: Readonly<Record<Act, string>> = {
    list: '/api/v1/sessions',
    search: '/api/v1/search?query=principal:nobody',
    facts: `${path}/records`,
    content: `${path}/records/${said}/bytes?bytes=0-`,
    watch: `${path}/watch`,
    export: '/api/v1/export?query=principal:nobody',
    halt: `${path}/halt`,
    approve: '/api/v1/approvals',
    hold: '/api/v1/holds/none/release',
    erase: '/api/v1/erasures',
    administer: '/api/v1/tokens',
  };
  const bodies: Readonly<Partial<Record<Act, object>>> = { hold: { reason: 'over' }, erase: { query: 'principal:nobody', reason: 'none is there' } };
  for (const act of actNames) {
    const told = [];
    for (const which of ['not', 'only']) {
      const { get, post } = await personOf(running, `${act}-${which}`);
      const answer = await (['halt', 'hold', 'erase'].includes(act) ? post(paths[act], bodies[act]) : get(paths[act]));
      told.push(act === 'approve' ? (await answer.text()).includes('"target":"api"') : answer.status === 404 || answer.ok);
      await answer.body?.cancel().catch(() => undefined);
    }
    assert.deepEqual(told, [false, true], act);
  }
  rmSync(directory, { recursive: true });
});

test('B21: of an approval, an administrator reads no text, unless it is one to decide on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-roles-'));
  const policies = join(directory, 'held.cedar');
  writeFileSync(policies, '@approval("dba") forbid (principal, action == Action::"http.request", resource);\n');
  await using running = await openRunningGateway(`  dan: { kind: human, groups: [dba] }\npolicies: ${policies}\n`);
  const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'wide' });
  const held = await fetch(`${running.url}/t/api/canary`, { method: 'POST', body: 'canary', headers: { authorization: `Bearer ${String(token)}` } });
  const { approval } = Object.assign({ approval: '' }, await held.json());
  for (const [name, sees] of [
    ['ann', false],
    ['dan', true],
  ] as const) {
    const person = await personOf(running, name);
    for (const path of ['/api/v1/approvals', `/api/v1/approvals/${approval}`]) {
      const answer = await (await person.get(path)).text();
      assert.match(answer, /"action":"http.request"/, `${name} ${path}`);
      assert.equal(answer.includes('canary'), sees, `${name} ${path}: ${answer}`);
    }
  }
  rmSync(directory, { recursive: true });
});
