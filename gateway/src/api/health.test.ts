import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { test } from 'node:test';
import { openRunningGateway, type RunningGateway } from './testdata/running-gateway.ts';

const auditors = '  eve: { kind: human, groups: [auditors], targets: [] }\n';

/** Samples by name and labels, read as the text format of Prometheus says; its order of lines and its types are checked. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const described = new Set<string>();
  let family = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line) ?? [];
    if (what === 'HELP') {
      assert.ok(!described.has(name), `${name} is described once`);
      described.add(name);
      family = name;
    } else if (what === 'TYPE') {
      assert.equal(name, family);
      assert.match(rest, /^(counter|gauge|histogram)$/);
      assert.equal(name.endsWith('_total'), rest === 'counter', name);
    } else {
      const [, sample = '', labels = '', value = ''] = /^([a-z_]+)((?:\{[a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*\})?) (\S+)$/.exec(line) ?? assert.fail(line);
      assert.ok(sample.startsWith(family), `${sample} is of ${family}`);
      assert.ok(Number.isFinite(Number(value)), line);
      samples.set(sample + labels, Number(value));
    }
  }
  assert.ok(text.endsWith('\n'));
  return samples;
}

async function metricsOf({ ask }: RunningGateway): Promise<Map<string, number>> {
  const response = await ask('GET', '/metrics');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return parseMetrics(await response.text());
}

test('T4.36: /metrics counts sessions, records, bytes, commits, refusals, and says how far index, disk and checkpoint are', async () => {
  await using running = await openRunningGateway();
  const before = await metricsOf(running);
  const { session } = await running.json('POST', '/api/v1/runs', { principal: 'bot' });
  const during = await metricsOf(running);
  const rise = (name: string, from = before, to = during): number => (to.get(name) ?? Number.NaN) - (from.get(name) ?? 0);
  assert.equal(rise('countersign_sessions_open'), 1);
  assert.equal(rise('countersign_sessions_opened_total'), 1);
  assert.ok(rise('countersign_records_total') >= 2);
  assert.ok(rise('countersign_journal_bytes_total') > 300);
  await running.json('POST', `/api/v1/runs/${String(session)}/end`);
  assert.equal((await running.ask('GET', '/api/v1/sessions', { headers: { authorization: 'Bearer cs_wrong' } })).status, 401);
  assert.equal((await running.ask('GET', `/api/v1/sessions/${String(session)}/records`)).status, 200);
  const end = await metricsOf(running);
  assert.equal(end.get('countersign_sessions_open'), before.get('countersign_sessions_open'));
  assert.equal(end.get('countersign_refusals_total{reason="unauthenticated"}'), 1);
  assert.ok((end.get('countersign_index_behind_records') ?? 99) < 6, 'reading brings the index up to date, and is recorded behind that');
  for (const durability of ['process', 'disk']) {
    const counts = [...end].filter(([name]) => name.startsWith(`countersign_commit_seconds_bucket{durability="${durability}"`)).map(([, count]) => count);
    assert.equal(counts.length, 16);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    );
    assert.equal(counts.at(-1), end.get(`countersign_commit_seconds_count{durability="${durability}"}`));
  }
  assert.ok((end.get('countersign_commit_seconds_count{durability="disk"}') ?? 0) > 0);
  assert.ok((end.get('countersign_commit_seconds_sum{durability="disk"}') ?? 0) > 0);
  assert.ok((end.get('countersign_disk_free_bytes') ?? 0) > 0 && (end.get('countersign_disk_bytes') ?? 0) > (end.get('countersign_disk_free_bytes') ?? 0));
  assert.ok((end.get('countersign_checkpoint_age_seconds') ?? 99) < 60);
  const [, size] = (await (await running.ask('GET', '/log/checkpoint')).text()).split('\n');
  assert.ok((end.get('countersign_checkpoint_size') ?? 0) <= Number(size) && Number(size) > 0);
  assert.equal(end.get('countersign_ready'), 1);
});

test('T4.36: metrics are for administrators and auditors; whether it is well may be asked by everybody, but no web page', async () => {
  await using running = await openRunningGateway(auditors);
  const status = async (path: string, principal: string | null): Promise<number> => {
    const headers: Record<string, string> = {};
    if (principal !== null) {
      const { token } = await running.json('POST', '/api/v1/tokens', { principal });
      headers['authorization'] = `Bearer ${String(token)}`;
    }
    return (await running.ask('GET', path, { headers })).status;
  };
  assert.deepEqual(
    [await status('/metrics', 'eve'), await status('/metrics', 'ann'), await status('/metrics', 'bot'), await status('/metrics', null)],
    [200, 200, 403, 401],
  );
  const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'bot' });
  const refused: unknown = await (await running.ask('GET', '/metrics', { headers: { authorization: `Bearer ${String(token)}` } })).json();
  assert.partialDeepStrictEqual(refused, {
    detail: 'bot may not read the log and the metrics: that needs a member of the group auditors, or an administrator.',
  });
  for (const path of ['/healthz', '/readyz']) {
    assert.equal(await status(path, null), 200);
    assert.equal((await running.ask('GET', path, { headers: { origin: 'https://example.com' } })).status, 403);
  }
  assert.deepEqual(await (await running.ask('GET', '/readyz', { headers: {} })).json(), { status: 'ready' });
});

test('T4.36: /readyz says why nothing is served, /healthz that the process is there', async () => {
  await using running = await openRunningGateway();
  rmSync(join(running.data, 'journal'), { recursive: true });
  let response = await running.ask('GET', '/readyz', { headers: {} });
  while (response.status === 200) {
    await after(20);
    response = await running.ask('GET', '/readyz', { headers: {} });
  }
  assert.equal(response.status, 503);
  const body = Object.assign({ reasons: [''] }, await response.json());
  assert.match(body.reasons.join(' '), /The journal failed, so nothing is let through/);
  assert.equal((await running.ask('GET', '/healthz', { headers: {} })).status, 200);
  assert.equal((await metricsOf(running)).get('countersign_ready'), 0);
});
