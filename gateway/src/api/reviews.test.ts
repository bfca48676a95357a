import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReviewCoverage, ReviewedSession, SavedSearch, SessionOverview } from '../search/found.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

async function read<Answer>({ ask }: RunningGateway, path: string): Promise<Answer> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each answer is checked against the schema of its endpoint
  return (await (await ask('GET', path)).json()) as Answer;
}

/** Makes a token for each, and asks as them. */
async function personsOf(running: RunningGateway, principal: string): Promise<(method: string, path: string, body?: unknown) => Promise<Response>> {
  const { token } = await running.json('POST', '/api/v1/tokens', { principal });
  return async (method, path, body) => running.ask(method, path, { body, headers: { authorization: `Bearer ${String(token)}` } });
}

async function ended({ json }: RunningGateway): Promise<string> {
  const { session } = await json('POST', '/api/v1/runs', { principal: 'bot' });
  await json('POST', `/api/v1/runs/${String(session)}/end`);
  return String(session);
}

test('sessions that have ended are reviewed by a person who had no part in them; the list and the coverage are made of the records', async () => {
  await using running = await openRunningGateway('  bea: { kind: human, groups: [admins, readers], targets: [] }\nroles: { analyst: { groups: [readers] } }\n');
  const [asBea, asAnn] = [await personsOf(running, 'bea'), await personsOf(running, 'ann')];
  const first = await ended(running);
  const second = await ended(running);
  const open = String((await running.json('POST', '/api/v1/runs', { principal: 'bot' }))['session']);
  const { session: own } = Object.assign({ session: '' }, await (await asBea('POST', '/api/v1/runs', { principal: 'bot' })).json());
  await running.json('POST', `/api/v1/runs/${own}/end`);

  const listed = async (query: string): Promise<readonly string[]> =>
    (await read<readonly ReviewedSession[]>(running, `/api/v1/reviews?threshold=0${query}`)).map(({ session }) => session).toSorted();
  assert.deepEqual(await listed(''), [first, second, own].toSorted());
  assert.deepEqual(await read<readonly ReviewedSession[]>(running, '/api/v1/reviews?threshold=90'), []);

  const sign = async (session: string, note = 'looked at'): Promise<number> => (await asBea('POST', `/api/v1/reviews/${session}/sign`, { note })).status;
  assert.equal((await asAnn('POST', `/api/v1/reviews/${first}/sign`, { note: 'fine' })).status, 403, 'who may not read the content');
  assert.equal(await sign(first), 200);
  assert.equal(await sign(first, ''), 400, 'a review needs a note');
  assert.equal(await sign(open), 409, 'a session that goes on is not reviewed');
  assert.equal(await sign(own), 403, 'nobody reviews a session that he opened');
  assert.equal(await sign('0'.repeat(32)), 404);

  assert.deepEqual(await listed(''), [second, own].toSorted());
  const all = await read<readonly ReviewedSession[]>(running, '/api/v1/reviews?threshold=0&all');
  const signed = all.find(({ session }) => session === first)?.review;
  assert.partialDeepStrictEqual(signed, { by: 'bea', note: 'looked at' });
  const [log, index] = String(signed?.record).split('/');
  const record = await read<Record<string, unknown>>(running, `/api/v1/records/${log}/${index}`);
  assert.equal(record['action'], 'gateway.review_session');
  const coverage = await read<ReviewCoverage>(running, '/api/v1/reviews/coverage?threshold=0&since=1d');
  assert.deepEqual(coverage, { threshold: 0, ended: 3, toReview: 3, reviewed: 1 });
});

test('an agent reviews nothing, whatever its groups', async () => {
  await using running = await openRunningGateway('  robot: { kind: agent, groups: [admins], targets: [] }\nroles: { analyst: { groups: [admins] } }\n');
  const session = await ended(running);
  const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'robot' });
  const headers = { authorization: `Bearer ${String(token)}` };
  const refused = await running.ask('POST', `/api/v1/reviews/${session}/sign`, { headers, body: { note: 'fine' } });
  assert.equal(refused.status, 403);
});

test('a search is saved under a name, with who saved it, is run, replaced and deleted; all of it is on record', async () => {
  await using running = await openRunningGateway();
  const asAnn = await personsOf(running, 'ann');
  await ended(running);
  const path = '/api/v1/saved-searches';
  const save = async (name: string, query: string): Promise<Response> => asAnn('POST', path, { name, query });
  assert.equal((await save('runs', 'action:gateway.run')).status, 201);
  assert.equal((await running.ask('POST', path, { body: { name: 'closed', query: 'kind:close' } })).status, 201);
  assert.equal((await save('runs', 'action:gateway.run principal:bot')).status, 201);
  assert.deepEqual(
    (await read<readonly SavedSearch[]>(running, path)).map(({ name, query, by }) => [name, query, by]),
    [
      ['closed', 'kind:close', 'operator'],
      ['runs', 'action:gateway.run principal:bot', 'ann'],
    ],
  );
  const found = async (query: string): Promise<number> =>
    (await (await running.ask('GET', `/api/v1/search?${query}`)).text()).split('\n').filter((line) => line.includes('"verified":true')).length;
  assert.equal(await found('saved=runs'), 1);
  assert.equal(await found('saved=runs&query=kind:close'), 0);
  assert.equal((await running.ask('GET', '/api/v1/search?saved=none')).status, 404);

  const wrong = await save('wrong', 'tabel:x');
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /is table meant/);
  assert.equal((await save('Wrong name', 'kind:close')).status, 400);

  assert.equal((await asAnn('DELETE', `${path}/closed`)).status, 200);
  assert.equal((await asAnn('DELETE', `${path}/closed`)).status, 404);
  assert.deepEqual(
    (await read<readonly SavedSearch[]>(running, path)).map(({ name }) => name),
    ['runs'],
  );
  assert.equal(await found('query=action:gateway.save_search'), 3);
  assert.equal(await found('query=action:gateway.delete_search%20principal:ann'), 1);
});

test('a session is shown by itself, and who was shown its title is on record', async () => {
  await using running = await openRunningGateway();
  const session = await ended(running);
  const shown = await read<SessionOverview>(running, `/api/v1/sessions/${session}`);
  assert.partialDeepStrictEqual(shown, { session, principal: 'bot', state: 'closed', title: null, unindexed: 0 });
  assert.equal((await running.ask('GET', `/api/v1/sessions/${'0'.repeat(32)}`)).status, 404);
  const access = await (await running.ask('GET', `/api/v1/search?query=countersign.access.session:${session}`)).text();
  assert.match(access, /"countersign.access.what":"overview"/);
});
