import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { SessionSummary, ShownRecord } from '../feed/shown-record.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const boss = '  boss: { kind: human, groups: [admins], targets: [shop] }\n';

interface Run {
  readonly session: string;
  readonly token: string;
}

async function openRun({ ask, operator }: RunningGateway, body: unknown, token: string = operator): Promise<Run> {
  const response = await ask('POST', '/api/v1/runs', { body, headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 201, await response.clone().text());
  const { session, token: made } = Object.assign({ session: '', token: '' }, await response.json());
  return { session, token: made };
}

/** Returns the status of an answer and the code of its error. */
async function outcome({ ask, operator }: RunningGateway, path: string, body: unknown, token: string = operator): Promise<string> {
  const response = await ask('POST', path, { body, headers: { authorization: `Bearer ${token}` } });
  return response.ok ? String(response.status) : `${response.status} ${Object.assign({ title: '' }, await response.json()).title}`;
}

async function rows<Row>({ ask }: RunningGateway, path: string): Promise<Row[]> {
  const lines = await (await ask('GET', path)).text();
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

async function recordOf(running: RunningGateway, { session }: Run, action: string): Promise<ShownRecord | undefined> {
  return (await rows<ShownRecord>(running, `/api/v1/sessions/${session}/records`)).find((record) => record.action === action);
}

async function stateOf(running: RunningGateway, { session }: Run): Promise<string | undefined> {
  return (await rows<SessionSummary>(running, '/api/v1/sessions')).find((each) => each.session === session)?.state;
}

test('a run opens a run inside itself: each names the other, and they end together', async () => {
  await using running = await openRunningGateway(boss);
  const outer = await openRun(running, { principal: 'bot' });
  const inner = await openRun(running, { command: 'inner --words' }, outer.token);
  const innermost = await openRun(running, {}, inner.token);
  const link = (await recordOf(running, outer, 'gateway.nested_run'))?.attributes;
  assert.deepEqual([link?.['countersign.child_session'], link?.['process.command_line']], [inner.session, 'inner --words']);
  const opened = (await recordOf(running, inner, 'gateway.run'))?.attributes;
  assert.deepEqual([opened?.['countersign.parent_session'], opened?.['countersign.opened_by'], opened?.['user.id']], [outer.session, 'bot', 'bot']);
  assert.deepEqual((await recordOf(running, outer, 'gateway.run'))?.attributes['countersign.parent_session'], undefined);
  assert.equal(await outcome(running, `/api/v1/runs/${inner.session}/end`, { exitCode: 3 }, outer.token), '200');
  assert.equal((await recordOf(running, inner, 'process.exit'))?.attributes['process.exit.code'], 3);
  const states = async (): Promise<unknown> => Promise.all([outer, inner, innermost].map(async (run) => stateOf(running, run)));
  assert.deepEqual(await states(), ['open', 'closed', 'closed']);
  const second = await openRun(running, {}, outer.token);
  await running.json('POST', `/api/v1/sessions/${outer.session}/halt`, { reason: 'enough' });
  assert.equal(await stateOf(running, second), 'halted');
  assert.equal(await outcome(running, '/api/v1/runs', {}, second.token), '401 unauthenticated');
});

test('an administrator opens a run of another principal inside a run by showing its token', async () => {
  await using running = await openRunningGateway(boss);
  const outer = await openRun(running, { principal: 'bot' });
  const inner = await openRun(running, { principal: 'boss', parent: outer.token });
  const opened = await recordOf(running, inner, 'gateway.run');
  assert.deepEqual([opened?.principal, opened?.attributes['countersign.parent_session']], ['boss', outer.session]);
});

test('T4.3, E49: a run reaches what was named and no more than the run that it is inside of', async () => {
  await using running = await openRunningGateway('  narrow: { kind: agent, targets: [wiki, shop] }\n');
  /** 502: it may, and nobody is there. */
  const reach = async ({ token }: Run): Promise<number[]> => {
    const answers = ['api', 'wiki'].map(
      async (target) => (await running.ask('GET', `/t/${target}/`, { headers: { authorization: `Bearer ${token}` } })).status,
    );
    return Promise.all(answers);
  };
  const all = await openRun(running, { principal: 'wide' });
  assert.deepEqual(await reach(all), [502, 502], 'without a name: all that the principal was granted');
  const one = await openRun(running, { principal: 'wide', targets: ['api'] });
  assert.deepEqual(await reach(one), [502, 403]);
  const inner = await openRun(running, {}, one.token);
  assert.deepEqual(await reach(inner), [502, 403], 'a run inside of it has its targets');
  assert.deepEqual(await reach(await openRun(running, {}, inner.token)), [502, 403]);
  assert.equal(await outcome(running, '/api/v1/runs', { targets: ['wiki'] }, one.token), '403 refused');
  assert.deepEqual(await reach(await openRun(running, { targets: ['wiki'] }, all.token)), [403, 502]);
  const other = { principal: 'narrow', parent: one.token };
  assert.deepEqual(await reach(await openRun(running, other)), [403, 403], 'nor does one of another principal reach more');
  assert.equal(await outcome(running, '/api/v1/runs', { ...other, targets: ['wiki'] }), '403 refused');
  assert.deepEqual(await reach(await openRun(running, { principal: 'narrow', parent: all.token })), [403, 502]);
  const none = await openRun(running, { principal: 'narrow', parent: (await openRun(running, { principal: 'wide', targets: ['api'] })).token });
  assert.equal(await outcome(running, '/api/v1/runs', { targets: ['shop'] }, none.token), '403 refused');
});

test('B19: nobody names a run that is not their own', async () => {
  await using running = await openRunningGateway(boss);
  const { token: own } = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'boss' }));
  const [run, other] = [await openRun(running, { principal: 'bot' }), await openRun(running, { principal: 'bot' })];
  const inner = await openRun(running, {}, run.token);
  const ended = await openRun(running, { principal: 'bot' });
  await running.json('POST', `/api/v1/runs/${ended.session}/end`);
  const parents = { 'a session': run.session, 'a token that is no run’s': own, 'an ended run': ended.token, nothing: '' };
  for (const [what, parent] of Object.entries(parents)) {
    assert.equal(await outcome(running, '/api/v1/runs', { principal: 'bot', parent }), '401 unauthenticated', what);
  }
  assert.equal(await outcome(running, '/api/v1/runs', { principal: 'boss' }, run.token), '403 refused', 'another principal');
  for (const [what, token, { session }] of [
    ['itself', run.token, run],
    ['another run', other.token, run],
    ['the run that it is inside of', inner.token, run],
    ['a run inside of another', other.token, inner],
  ] as const) {
    assert.equal(await outcome(running, `/api/v1/runs/${session}/end`, {}, token), '403 refused', what);
  }
  for (const each of [run, other, inner]) {
    assert.equal(await stateOf(running, each), 'open');
  }
  const [gateway] = await rows<SessionSummary>(running, '/api/v1/sessions?all');
  const refusals = (await rows<ShownRecord>(running, `/api/v1/sessions/${gateway?.session ?? ''}/records`)).filter(({ verdict }) => verdict === 'deny');
  assert.equal(refusals.length, 9, 'each is on the record');
});

test('output of a run: from whoever opened it, in pieces of bounded size, until its end', async () => {
  await using running = await openRunningGateway();
  const send = async (path: string, bytes: Uint8Array, token: string = running.operator): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${running.url}/api/v1/runs/${path}`, { method: 'POST', body: Buffer.from(bytes), headers })).status;
  };
  const piece = Buffer.from('a\u0007b');
  const run = await openRun(running, { principal: 'bot', recordOutput: true });
  const silent = await openRun(running, { principal: 'bot' });
  const inner = await openRun(running, { recordOutput: true }, run.token);
  assert.equal(await send(`${run.session}/output/stdout`, piece), 200);
  assert.equal(await send(`${inner.session}/output/stderr`, piece, run.token), 200);
  assert.equal(await send(`${run.session}/output/stdout`, Buffer.alloc(256 * 1024), running.operator), 200);
  assert.equal(await send(`${run.session}/output/stdout`, Buffer.alloc(256 * 1024 + 1)), 413);
  assert.equal(await send(`${run.session}/output/stdin`, piece), 404);
  assert.equal(await send(`${silent.session}/output/stdout`, piece), 409);
  assert.equal(await send(`${run.session}/output/stdout`, piece, run.token), 403, 'a command does not say what it printed');
  assert.equal(await send(`${run.session}/output/stdout`, piece, silent.token), 403);
  await running.json('POST', `/api/v1/runs/${run.session}/end`, { exitCode: 0 });
  assert.equal(await send(`${run.session}/output/stdout`, piece), 409);
  assert.equal(await send(`${inner.session}/output/stdout`, piece), 409);
  const records = await rows<ShownRecord>(running, `/api/v1/sessions/${run.session}/records`);
  assert.deepEqual(
    records.map(({ kind, action, channel, content }) => [kind, action, channel, content?.bytes ?? null]),
    [
      ['open', null, null, null],
      ['decision', 'gateway.run', 0, null],
      ['event', 'process.output', 1, null],
      ['event', 'gateway.nested_run', 0, null],
      ['response', 'process.output', 1, 3],
      ['response', 'process.output', 1, 256 * 1024],
      ['event', 'process.exit', 0, null],
      ['close', null, null, null],
    ],
  );
  assert.deepEqual(records[4]?.content, { mediaType: 'text/plain; charset=utf-8', text: 'a\u0007b', bytes: 3 });
});
