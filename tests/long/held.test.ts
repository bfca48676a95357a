import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { openHeldGateway, type HeldGateway } from '../support/held-gateway.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { waitUntil } from '../support/wait-until.ts';

const heldAtOnce = 1000;
const atOnce = 100;

async function listed({ gateway }: HeldGateway): Promise<readonly ApprovalSummary[]> {
  return JSON.parse(await (await gateway.api('/api/v1/approvals')).text());
}

/** The steps of approvals in the gateway's own sessions. */
async function ownSteps({ gateway }: HeldGateway): Promise<readonly ShownRecord[]> {
  const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
  return (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat().filter(({ kind }) => kind === 'approval');
}

/** Sends a request that is not waited for. Resolves with the status, or with 0 if the gateway died. */
async function statusOf(answer: Promise<Response>): Promise<number> {
  return answer.then(
    ({ status }) => status,
    () => 0,
  );
}

test('B20, C28: kill -9 while requests are held, and with a grant that was not used: nothing of it runs, and the next start records that it was refused', async () => {
  await using held = await openHeldGateway();
  const { gateway, heard, post } = held;
  const [ann, bot] = [await gateway.issueToken('ann'), await gateway.issueToken('bot')];
  const waiting = statusOf(post(ann, '/waits'));
  assert.equal(await statusOf(post(bot, '/granted')), 409);
  await waitUntil(async () => (await listed(held)).length === 2);
  const known = (await listed(held)).find(({ principal }) => principal === 'bot');
  assert.equal((await gateway.api(`/api/v1/approvals/${known?.approval}/grant`, { method: 'POST', body: {} })).status, 200);
  const open = (await listed(held)).map(({ approval }) => approval);
  await gateway.signal('SIGKILL');
  assert.equal(await waiting, 0);
  await gateway.start();
  const steps = await ownSteps(held);
  assert.deepEqual(
    steps.map(({ attributes }) => [attributes['countersign.approval.id'], attributes['countersign.approval.state']]),
    open.map((id) => [id, 'withdrawn']),
  );
  assert.ok(
    steps.some(
      ({ attributes }) => attributes['countersign.approval.session'] === known?.session && attributes['countersign.approval.record'] === known?.record,
    ),
  );
  assert.deepEqual(await listed(held), []);
  assert.equal((await gateway.api(`/api/v1/approvals/${known?.approval}`)).status, 404);
  assert.equal(await statusOf(post(bot, '/granted')), 409, 'a grant before the restart lets nothing through after it');
  assert.deepEqual(heard, []);
  const [again] = await listed(held);
  assert.equal(await gateway.signal('SIGTERM'), 0);
  assert.deepEqual(gateway.verify().status, 0);
  await gateway.start();
  assert.equal((await ownSteps(held)).length, 2, 'after a clean stop nothing is left to refuse');
  const last = (await gateway.records(again?.session ?? '')).findLast(({ kind }) => kind === 'approval');
  assert.deepEqual([last?.attributes['countersign.approval.id'], last?.attributes['countersign.approval.state']], [again?.approval, 'withdrawn']);
});

/** Moments of a kill: the journal begins to write the grant, it is written and not synced, and whenever it comes. */
const moments = [{ syscall: 'pwrite64' }, { syscall: 'fdatasync' }, { afterMs: 0 }, { afterMs: 2 }, { afterMs: 5 }] as const;

test('B20, C28: kill -9 between grant and execution: what ran was approved and on record before, and it ran once', requireStrace(), async (context) => {
  await using held = await openHeldGateway();
  const { gateway, heard, post } = held;
  const bot = await gateway.issueToken('bot');
  for (const [round, moment] of moments.entries()) {
    const path = `/round${round}`;
    const asking = statusOf(post(bot, path, { 'countersign-hold': 'wait' }));
    await waitUntil(async () => (await listed(held)).length === 1);
    const [waiting] = await listed(held);
    await using tracing =
      'syscall' in moment ? await injectFault(gateway.pid, { syscall: moment.syscall, file: gateway.segment(), what: 'signal=SIGKILL:when=1' }) : null;
    const granting = statusOf(gateway.api(`/api/v1/approvals/${waiting?.approval}/grant`, { method: 'POST', body: {} }));
    if (tracing === null) {
      await delay('afterMs' in moment ? moment.afterMs : 0);
      await gateway.signal('SIGKILL');
    } else {
      await waitUntil(() => gateway.killedBy !== null);
    }
    await Promise.all([asking, granting]);
    await gateway.start();
    const ran = heard.filter((each) => each === `POST ${path}`).length;
    assert.ok(ran <= (tracing === null ? 1 : 0));
    const steps = (await gateway.records(waiting?.session ?? '')).filter(
      ({ kind, attributes }) => kind === 'approval' && attributes['countersign.approval.id'] === waiting?.approval,
    );
    const states = steps.map(({ attributes }) => attributes['countersign.approval.state']);
    assert.ok(ran === 0 || states.includes('spent'), `it ran, and the record says ${states.join()}`);
    assert.equal(await statusOf(post(bot, path)), 409);
    assert.equal(heard.filter((each) => each === `POST ${path}`).length, ran, 'it does not run again');
    context.diagnostic(`${JSON.stringify(moment)}: it ran ${ran} times, and the record says ${states.join()}`);
    for (const { approval } of await listed(held)) {
      await gateway.api(`/api/v1/approvals/${approval}/deny`, { method: 'POST', body: { reason: 'the round is over' } });
    }
  }
  assert.equal(await gateway.signal('SIGTERM'), 0);
  assert.equal(gateway.verify().status, 0);
});

test('1,000 held requests take no thread, and others are served meanwhile', async (context) => {
  await using held = await openHeldGateway('limits: { connectionsPerAddressMax: 1500, heldAnswerMs: 600000 }\n');
  const { gateway, post } = held;
  const bot = await gateway.issueToken('bot');
  const get = async (): Promise<number> =>
    (await fetch(`http://127.0.0.1:${gateway.port('http')}/t/files/read`, { headers: { authorization: `Bearer ${bot}` } })).status;
  const medianMs = async (): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 101; i += 1) {
      const begunMs = performance.now();
      assert.equal(await get(), 200);
      times.push(performance.now() - begunMs);
    }
    return times.toSorted((a, b) => a - b)[50] ?? 0;
  };
  const threads = (): string => /^Threads:\s+(\d+)$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1] ?? '';
  // The thread of the index starts with the first search, or some seconds after the gateway.
  await (await gateway.api('/api/v1/search?query=kind:key&limit=1')).text();
  const before = await medianMs();
  const known = threads();
  const asking: Promise<number>[] = [];
  // One part after the other: of so many connections that say nothing yet, the oldest are cut.
  while (asking.length < heldAtOnce) {
    for (let i = 0; i < atOnce; i += 1) {
      asking.push(statusOf(post(bot, `/held${asking.length}`, { 'countersign-hold': 'wait' })));
    }
    await waitUntil(async () => (await listed(held)).length === asking.length);
  }
  const during = await medianMs();
  assert.equal(threads(), known);
  context.diagnostic(`median of a request that is not held: ${before.toFixed(2)} ms before, ${during.toFixed(2)} ms beside ${heldAtOnce} held`);
  const approvals = await listed(held);
  for (const [i, { approval }] of approvals.entries()) {
    const [act, body] = i % 2 === 0 ? (['grant', {}] as const) : (['deny', { reason: 'every second' }] as const);
    assert.equal((await gateway.api(`/api/v1/approvals/${approval}/${act}`, { method: 'POST', body })).status, 200);
  }
  const statuses = await Promise.all(asking);
  assert.deepEqual(
    [200, 403].map((status) => statuses.filter((each) => each === status).length),
    [heldAtOnce / 2, heldAtOnce / 2],
  );
});
