import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { verifyFile } from '@countersign/ledger';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const path = '/api/v1/holds';

interface Asked {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Returns a function that asks as a principal; as the operator without one. */
async function asking({ ask, json }: RunningGateway, principal?: string): Promise<(method: string, path: string, body?: unknown) => Promise<Asked>> {
  const { token } = Object.assign({ token: '' }, principal === undefined ? {} : await json('POST', '/api/v1/tokens', { principal }));
  const headers = token === '' ? {} : { headers: { authorization: `Bearer ${token}` } };
  return async (method, to, body) => {
    const response = await ask(method, to, { ...headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, body: Object.assign({}, await response.json()) };
  };
}

async function runOf({ ask, json }: RunningGateway, principal: string): Promise<void> {
  const { session } = await json('POST', '/api/v1/runs', { principal, recordOutput: true });
  await (await ask('POST', `/api/v1/runs/${String(session)}/output/stdout`, { body: 'apple' })).text();
  await json('POST', `/api/v1/runs/${String(session)}/end`);
}

test('a hold is set by one person and released by another, and says what it keeps', async () => {
  await using running = await openRunningGateway('roles: { keeper: { role: administrator, groups: [agents], may: [hold] } }\n');
  const [operator, ann, bot, wide] = [await asking(running), await asking(running, 'ann'), await asking(running, 'bot'), await asking(running, 'wide')];
  await runOf(running, 'bot');
  const wanted = { matter: 'case 1', query: 'principal:bot target:none', reason: 'letter' };
  assert.equal((await wide('GET', path)).status, 403);
  assert.equal((await wide('POST', path, wanted)).status, 403);
  assert.deepEqual([(await bot('POST', path, wanted)).status, (await bot('GET', path)).status], [403, 200], 'an agent with the right sees holds and sets none');
  assert.equal((await ann('POST', path, { ...wanted, query: 'principal:' })).status, 400);
  assert.match(String((await ann('POST', path, { ...wanted, query: 'apple' })).body['detail']), /for who may read all of it/);

  const mistyped = await ann('POST', path, { ...wanted, query: 'target:shpo principal:bot not target:shop (class:email or class:unknown)' });
  assert.deepEqual([mistyped.status, mistyped.body['records'], mistyped.body['unknown']], [201, 0, ['there is no target "shpo": is shop meant?']]);
  assert.equal((await operator('POST', path, { ...wanted, query: 'principal:bot' })).status, 409);
  const { status, body } = await ann('POST', path, { ...wanted, matter: 'case 2', query: 'principal:bot' });
  const { sessions, records, by } = Object.assign({ sessions: 0, records: 0, by: '' }, body);
  assert.deepEqual([status, sessions, records > 2, by], [201, 1, true, 'ann']);
  assert.deepEqual((await operator('GET', `${path}/case%202`)).body, (await ann('GET', `${path}/case%202`)).body);
  assert.equal((await operator('GET', `${path}/case%203`)).status, 404);
  assert.equal((await ann('POST', `${path}/case%202/release`, { reason: 'over' })).status, 403, 'who set it does not release it');
  assert.equal((await bot('POST', `${path}/case%202/release`, { reason: 'over' })).status, 403);
  assert.equal((await operator('POST', `${path}/case%202/release`, { reason: 'over' })).status, 200);
  assert.equal((await ann('GET', `${path}/case%202`)).status, 404);
  const found = await running.ask('GET', `/api/v1/search?query=${encodeURIComponent('kind:hold principal:ann')}`);
  assert.equal((await found.text()).trimEnd().split('\n').length, 3, 'both are on record, and the summary comes last');
});

test('auditors read what is kept for how long, held and erased, as far as they may read its record, and change nothing', async () => {
  const principals = [
    'aud: { kind: human, groups: [auditors, readers]',
    'part: { kind: human, groups: [auditors, desk]',
    'metrics: { kind: agent, groups: [auditors]',
  ];
  await using running = await openRunningGateway(
    `${principals.map((each) => `  ${each}, targets: [] }\n`).join('')}retention: { erase: { twoPersons: true }, rules: [{ query: 'target:shop', keep: 2y }] }
roles: { readers: { role: auditor, groups: [readers], since: 2020-01-01, until: 2100-01-01 }, desk: { role: analyst, groups: [desk], query: 'target:shop' } }
`,
  );
  const [operator, wide] = [await asking(running), await asking(running, 'wide')];
  const [aud, part, metrics] = [await asking(running, 'aud'), await asking(running, 'part'), await asking(running, 'metrics')];
  await runOf(running, 'bot');
  await runOf(running, 'wide');
  const wanted = { query: 'principal:bot', reason: 'letter' };
  assert.equal((await operator('POST', path, { matter: 'case', ...wanted })).status, 201);
  assert.match(String((await operator('POST', '/api/v1/erasures', { query: 'principal:wide', reason: 'request' })).body['waits']), /^er_/);

  const held = Object.assign({ matter: '', reason: '', by: '', records: 0 }, (await aud('GET', path)).body['0']);
  assert.deepEqual([held.matter, held.reason, held.by, held.records], ['case', 'letter', 'operator', null]);
  assert.deepEqual((await aud('GET', `${path}/case`)).body, held);
  const waiting = Object.assign({ query: '', by: '' }, (await aud('GET', '/api/v1/erasures')).body['0']);
  assert.deepEqual([waiting.query, waiting.by], ['principal:wide', 'operator']);
  assert.match(JSON.stringify((await aud('GET', '/api/v1/retention')).body), /"query":"target:shop"/);
  assert.equal((await aud('POST', '/api/v1/retention/plan', {})).status, 200);

  for (const less of [part, metrics]) {
    assert.deepEqual([(await less('GET', path)).body, (await less('GET', '/api/v1/erasures')).body], [{}, {}], 'whoever may not read the records');
    assert.equal((await less('GET', `${path}/case`)).status, 404);
  }
  for (const [method, to, body] of [
    ['POST', path, { matter: 'other', ...wanted }],
    ['POST', `${path}/case/release`, { reason: 'over' }],
    ['POST', '/api/v1/erasures', wanted],
    ['POST', '/api/v1/retention/run', {}],
  ] as const) {
    assert.equal((await aud(method, to, body)).status, 403, to);
  }
  assert.deepEqual(
    [await wide('GET', path), await wide('GET', '/api/v1/erasures'), await wide('GET', '/api/v1/retention')].map(({ status }) => status),
    [403, 403, 403],
  );
});

test('in evidence, what a hold is about is for who may read that record', async () => {
  await using running = await openRunningGateway('roles: { desk: { role: analyst, groups: [agents], query: "principal:bot" } }\n');
  const [operator, { token }] = [await asking(running), Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'bot' }))];
  await runOf(running, 'bot');
  assert.equal((await operator('POST', path, { matter: 'case', query: 'principal:wide', reason: 'letter' })).status, 201);
  const opened = async (headers?: Readonly<Record<string, string>>): Promise<string> => {
    const answer = await running.ask('GET', '/api/v1/evidence?query=principal:bot', headers === undefined ? {} : { headers });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.equal((await verifyFile(Buffer.from(text))).verdict, 'holds');
    return Array.from(text.matchAll(/"plain":"([^"]*)"/g), ([, plain = '']) => Buffer.from(plain, 'base64').toString()).join('\n');
  };
  const everything = await opened();
  assert.match(everything, /principal:wide/);
  const part = await opened({ authorization: `Bearer ${token}` });
  assert.match(part, /apple/);
  assert.doesNotMatch(part, /principal:wide/);
});
