import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import type { SessionSummary, ShownRecord } from '../feed/shown-record.ts';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

async function rows<Row>({ ask }: RunningGateway, path: string): Promise<Row[]> {
  const lines = (await (await ask('GET', path)).text()).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

async function sessionsOf(running: RunningGateway): Promise<SessionSummary[]> {
  return rows<SessionSummary>(running, '/api/v1/sessions');
}

async function link(running: RunningGateway, { session }: SessionSummary, name: string): Promise<unknown> {
  const records = await rows<ShownRecord>(running, `/api/v1/sessions/${session}/records`);
  return records.find(({ attributes }) => attributes[name] !== undefined)?.attributes[name];
}

/** One connection that is kept, and asks when it is told to. */
function connection({ url }: RunningGateway, token: string, agent: Agent): (target: string) => Promise<void> {
  return async (target) => {
    const asked = request(`${url}/t/${target}/`, { agent, headers: { authorization: `Bearer ${token}` } }).end();
    const [answer] = await once(asked, 'response');
    await answer.resume().toArray();
  };
}

for (const [what, limits] of [
  ['records', 'sessionRecordsMax: 10'],
  ['age', 'sessionAgeMs: 100'],
] as const) {
  test(`T4.51: activity that never pauses is gone on with in the next session at its limit of ${what}, and each names the other`, async () => {
    await using running = await openRunningGateway(`limits: { ${limits} }\n`);
    const { token } = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'wide' }));
    const agents = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: true, maxSockets: 1 })] as const;
    const [busy, quiet] = [connection(running, token, agents[0]), connection(running, token, agents[1])];
    await quiet('wiki');
    for (let sessions = 0; sessions < 3; sessions = (await sessionsOf(running)).length) {
      await busy('api');
    }
    const known = await sessionsOf(running);
    assert.deepEqual(
      known.slice(0, 3).map(({ state }) => state),
      ['closed', 'closed', 'open'],
      'nor does a quiet connection keep one open',
    );
    assert.ok(known[0]?.targets.includes('wiki'));
    for (const [i, each] of known.entries()) {
      assert.equal(await link(running, each, 'countersign.next_session'), known[i + 1]?.session);
      assert.equal(await link(running, each, 'countersign.previous_session'), known[i - 1]?.session);
    }
    for (const agent of agents) {
      agent.destroy();
    }
  });
}
