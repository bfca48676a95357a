import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const path = '/api/v1/erasures';

type Ask = (method: string, path: string, body?: unknown) => Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;

/** Returns a function that asks as a principal; as the operator without one. */
async function asking({ ask, json }: RunningGateway, principal?: string): Promise<Ask> {
  const { token } = Object.assign({ token: '' }, principal === undefined ? {} : await json('POST', '/api/v1/tokens', { principal }));
  const headers = token === '' ? {} : { headers: { authorization: `Bearer ${token}` } };
  return async (method, to, body) => {
    const response = await ask(method, to, { ...headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, body: Object.assign({}, await response.json()) };
  };
}

/** A run that goes on, and a function that records what it prints. */
async function runOf({ ask, json }: RunningGateway): Promise<{ readonly session: string; readonly print: (text: string) => Promise<void> }> {
  const session = String((await json('POST', '/api/v1/runs', { principal: 'bot', recordOutput: true }))['session']);
  return {
    session,
    print: async (text) => {
      await (await ask('POST', `/api/v1/runs/${session}/output/stdout`, { body: text })).text();
    },
  };
}

async function recordsOf({ ask }: RunningGateway, session: string): Promise<string> {
  return (await ask('GET', `/api/v1/sessions/${session}/records`)).text();
}

async function found({ ask }: RunningGateway, query: string): Promise<number> {
  const lines = (await (await ask('GET', `/api/v1/search?query=${encodeURIComponent(query)}`)).text()).trimEnd().split('\n');
  return lines.length - 1;
}

test('what a query finds is erased with what its secrets seal, unless a hold keeps it; a session that goes on takes new secrets', async () => {
  await using running = await openRunningGateway('');
  const [ann, operator, bot] = [await asking(running, 'ann'), await asking(running), await asking(running, 'bot')];
  const { session, print } = await runOf(running);
  const other = await runOf(running);
  await print('apple');
  await print('pear');
  await other.print('plum');
  const wanted = { query: 'apple', reason: 'request' };
  assert.equal((await bot('POST', path, wanted)).status, 403);
  assert.equal((await ann('POST', path, wanted)).status, 403, 'who may not read contents does not ask about them');

  const { records, besides, sessions, refused, erased } = (await operator('POST', path, { ...wanted, plan: true })).body;
  assert.deepEqual(
    { records, besides: Number(besides) > 0, sessions, refused, erased },
    { records: 1, besides: true, sessions: 1, refused: [], erased: false },
  );
  assert.match(await recordsOf(running, session), /apple/);

  assert.equal((await ann('POST', '/api/v1/holds', { matter: 'case', query: `session:${session}`, reason: 'letter' })).status, 201);
  const kept = await operator('POST', path, wanted);
  assert.equal(kept.status, 409);
  assert.ok(String(kept.body['detail']).includes(`the hold for case (session ${session})`), String(kept.body['detail']));
  assert.equal((await operator('POST', '/api/v1/holds/case/release', { reason: 'over' })).status, 200);

  const gone = await operator('POST', path, wanted);
  assert.deepEqual([gone.status, gone.body['erased']], [200, true]);
  await print('cherry');
  const shown = await recordsOf(running, session);
  assert.doesNotMatch(shown, /apple|pear/);
  assert.match(shown, /"countersign.withheld":"erased"/);
  assert.match(shown, /cherry/);
  assert.match(await recordsOf(running, other.session), /plum/);
  // The record of the erasure says what was asked for.
  assert.deepEqual(
    [await found(running, 'apple not kind:erasure'), await found(running, 'pear'), await found(running, 'cherry'), await found(running, 'plum')],
    [0, 0, 1, 1],
  );
  assert.equal((await operator('POST', path, { ...wanted, plan: true })).body['records'], 0);

  const facts = await operator('POST', path, { query: `session:${session}`, reason: 'request', facts: true });
  assert.deepEqual([facts.status, facts.body['erased']], [200, true]);
  assert.doesNotMatch(await recordsOf(running, session), /cherry/);
  assert.equal(await found(running, `session:${session} principal:bot`), 0);
  assert.ok((await found(running, 'kind:erasure')) >= 4, 'each is on record');
  assert.ok(Number((await operator('POST', path, { query: 'kind:access', reason: 'x' })).body['own']) > 0, 'who did what with the gateway stays');
  assert.ok((await found(running, 'kind:access')) > 0);
  const rest = { query: `session:${other.session}`, reason: 'request' };
  assert.ok(Number((await operator('POST', path, rest)).body['records']) > 0);
  assert.equal((await operator('POST', path, { ...rest, plan: true })).body['records'], 0, 'what was erased does not go again');
  const again = (await operator('POST', path, { ...rest, query: `target:shpo class:emial ${rest.query}` })).body;
  assert.deepEqual(
    [again['records'], again['erased'], again['unknown']],
    [0, false, ['there is no target "shpo": is shop meant?', 'there is no class "emial": is email meant?']],
  );
  await running.gateway.stop();
  using keyRows = openKeyRows(join(running.data, 'keys.db'));
  const { verdict, findings } = await verifyStore(openStoreFiles(running.data), { keyRows, retentionAtMs: Date.now() });
  assert.equal(`${verdict} ${findings.map(({ what }) => what).join('; ')}`, 'holds ');
});

test('a floor refuses, and where two persons erase, another one confirms', async () => {
  await using running = await openRunningGateway(
    "retention: { erase: { twoPersons: true }, rules: [{ query: 'plum', keep: 2y, floor: 1y }] }\nroles: { analyst: { groups: [admins] } }\n",
  );
  const [ann, operator] = [await asking(running, 'ann'), await asking(running)];
  const [one, other] = [await runOf(running), await runOf(running)];
  await one.print('apple');
  await other.print('plum');
  const refused = await ann('POST', path, { query: '(apple or plum)', reason: 'request' });
  assert.equal(refused.status, 409);
  assert.match(String(refused.body['detail']), /the floor of the rule plum, until 20\d\d-\d\d-\d\d/);
  const nothing = await ann('POST', path, { query: 'target:none', reason: 'request' });
  assert.deepEqual([nothing.status, nothing.body['erased'], nothing.body['waits'], nothing.body['secrets']], [200, false, null, 0]);
  assert.deepEqual((await operator('GET', path)).body, {}, 'where there is nothing to erase, nothing waits');
  const { body } = await ann('POST', path, { query: 'apple', reason: 'request' });
  assert.deepEqual([body['erased'], body['records']], [false, 1]);
  const id = String(body['waits']);
  assert.match(await recordsOf(running, one.session), /apple/);
  assert.equal((await ann('POST', `${path}/${id}/confirm`, {})).status, 403, 'who asks does not confirm');
  assert.equal((await operator('GET', path)).body['0'] !== undefined, true);
  assert.equal((await operator('POST', '/api/v1/principals/ann/suspend', { reason: 'left' })).status, 200);
  assert.equal((await operator('POST', `${path}/${id}/confirm`, {})).status, 403, 'who asked is suspended');
  assert.equal((await operator('POST', '/api/v1/principals/ann/resume', { reason: 'back' })).status, 200);
  const letter = { matter: 'case', query: `session:${one.session}`, reason: 'letter' };
  assert.equal((await operator('POST', '/api/v1/holds', letter)).status, 201);
  assert.equal((await operator('POST', `${path}/${id}/confirm`, {})).status, 409, 'it is held');
  assert.equal((await ann('POST', '/api/v1/holds/case/release', { reason: 'over' })).status, 200);
  assert.equal((await operator('POST', `${path}/${id}/confirm`, {})).body['erased'], true, 'it waited on');
  assert.doesNotMatch(await recordsOf(running, one.session), /apple/);
  assert.equal((await operator('POST', `${path}/${id}/confirm`, {})).status, 404);
  let line = '';
  await waitUntil(async () => {
    const lines = (await (await running.ask('GET', '/api/v1/search?query=kind:erasure')).text()).split('\n');
    line = lines.find((each) => each.includes('"principal":"')) ?? '';
    return line !== '';
  });
  assert.equal(Object.assign({ principal: '' }, JSON.parse(line)).principal, 'ann, operator', 'both are named');
});

test('the floor of a rule holds where another rule keeps for longer', async () => {
  await using running = await openRunningGateway(
    "retention: { rules: [{ query: 'principal:bot', keep: 2y, floor: 1y }, { query: 'not target:shop', keep: 9y }] }\n",
  );
  const operator = await asking(running);
  const { session, print } = await runOf(running);
  await print('apple');
  const { body } = await operator('POST', path, { query: `session:${session}`, reason: 'request', plan: true });
  const refused = /"the floor of the rule principal:bot, until 20\d\d-\d\d-\d\d","secrets":1,/;
  assert.match(JSON.stringify(body['refused']), refused);
  const file = join(running.data, '..', 'countersign.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^retention: .*$/m, ''));
  await running.json('POST', '/api/v1/config/apply', {});
  const { body: after } = await operator('POST', path, { query: `session:${session}`, reason: 'request', plan: true });
  assert.match(JSON.stringify(after['refused']), refused, 'also once the rule is taken out of the configuration');
});

test('one administrator is not two persons', async () => {
  await using running = await openRunningGateway(
    '  cat: { kind: human, groups: [admins], targets: [] }\nretention: { erase: { twoPersons: true } }\nroles: { analyst: { groups: [admins] } }\n',
  );
  const ann = await asking(running, 'ann');
  const { session, print } = await runOf(running);
  await print('apple');
  const id = String((await ann('POST', path, { query: 'apple', reason: 'request' })).body['waits']);
  assert.equal((await ann('POST', '/api/v1/holds', { matter: 'case', query: 'pear', reason: 'letter' })).status, 201);
  for (const [made, body] of [
    ['/api/v1/tokens', { principal: 'cat' }],
    ['/api/v1/runs', { principal: 'cat' }],
  ] as const) {
    const answer = await ann('POST', made, body);
    const headers = { authorization: `Bearer ${String(answer.body['token'])}` };
    for (const act of [`${path}/${id}/confirm`, '/api/v1/holds/case/release']) {
      const { status } = await running.ask('POST', act, { headers, body: act.endsWith('release') ? { reason: 'over' } : {} });
      assert.ok(status === 401 || status === 403, `${act} after ${made}: ${answer.status} and ${status}`);
    }
  }
  assert.match(await recordsOf(running, session), /apple/);
  assert.equal((await ann('POST', '/api/v1/tokens', { principal: 'ann' })).status, 201, 'a token of her own');
  assert.equal((await ann('POST', '/api/v1/tokens', { principal: 'bot' })).status, 201, 'and one of an agent');
  const cat = await asking(running, 'cat');
  const both = await Promise.all([cat('POST', `${path}/${id}/confirm`, {}), cat('POST', `${path}/${id}/confirm`, {})]);
  assert.ok(both.some(({ body }) => body['erased'] === true));
  assert.doesNotMatch(await recordsOf(running, session), /apple/);
  assert.equal((await cat('POST', `${path}/${id}/confirm`, {})).status, 404, 'what was confirmed waits no more');
});
