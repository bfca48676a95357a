import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Gateway } from '../../gateway/src/gateway.ts';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../cli/src/store-files.ts';
import { openKeyRows } from '../../gateway/src/recording/key-rows.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { importBundled } from '../support/main-file.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { waitUntil } from '../support/wait-until.ts';

const config = `retention: { default: { keep: 1d, facts: 2d } }
targets: { shop: { url: http://127.0.0.1:1 } }
principals: { bot: { kind: agent, targets: [shop] }, ann: { kind: human, groups: [admins], targets: [] } }
`;
/** So long ago the sessions were recorded: contents and facts have had their day. */
const agoMs = 4 * 86_400_000;
const matter = 'case-1';

interface Recorded {
  readonly data: string;
  readonly held: string;
  readonly other: string;
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-held-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Records two sessions with a gateway that believes that it is some days ago, and sets a hold on one of them. */
async function recordLongAgo(t: TestContext): Promise<Recorded> {
  const directory = temporaryDirectory(t);
  const data = join(directory, 'data');
  const configFile = join(directory, 'countersign.yaml');
  writeFileSync(configFile, `data: ${data}\nlisten: { http: 127.0.0.1:0 }\n${config}`);
  const { Gateway: Bundled } = await importBundled<{ Gateway: typeof Gateway }>('gateway', async () => import('../../gateway/src/gateway.ts'));
  const gateway = await Bundled.open({ logLevel: 'silent', configFile, clock: () => Date.now() - agoMs });
  const authorization = `Bearer ${readFileSync(join(data, 'admin.token'), 'utf8').trim()}`;
  const ask = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`http://${gateway.addresses['http']}/api/v1/${path}`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify(body),
    });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return Object.assign({}, await answer.json());
  };
  const say = async (words: string): Promise<string> => {
    const { session } = await ask('runs', { principal: 'bot', recordOutput: true });
    await ask(`runs/${String(session)}/output/stdout`, words);
    await ask(`runs/${String(session)}/end`, {});
    return String(session);
  };
  const [held, other] = [await say('marmalade jar'), await say('marmalade spoon')];
  await ask('holds', { matter, query: `session:${held}`, reason: 'letter' });
  await gateway.stop();
  return { data, held, other };
}

/** Returns the sessions that are found by a word of their content, and those by a fact. */
async function found(gateway: GatewayProcess, { held, other }: Recorded): Promise<{ readonly byWord: readonly string[]; readonly byFact: readonly string[] }> {
  await gateway.whenIndexed();
  const sessions = (query: string): readonly string[] => {
    const all = new Set(gateway.rows<{ readonly session?: string }>(['search', query]).map(({ session }) => session));
    return [held, other].filter((session) => all.has(session));
  };
  return { byWord: sessions('marmalade'), byFact: sessions('principal:bot') };
}

async function run(gateway: GatewayProcess): Promise<void> {
  const answer = await gateway.api('/api/v1/retention/run', { method: 'POST', body: {} });
  assert.equal(answer.status, 200, await answer.text());
}

/** Returns whether the keys of days that are over were destroyed. */
function areDestroyed(data: string): boolean {
  using keyRows = openKeyRows(join(data, 'keys.db'));
  const today = Date.now() / 86_400_000 - 1;
  return [...keyRows.classDays()].every(({ day }) => day >= today);
}

test('what only a hold keeps is found past its day, what nothing keeps is not, and after the release neither is', async (t) => {
  const recorded = await recordLongAgo(t);
  const { data, held, other } = recorded;
  await using gateway = await GatewayProcess.start({ config, data });
  assert.deepEqual((await found(gateway, recorded)).byWord, [held, other]);
  await run(gateway);
  assert.deepEqual(await found(gateway, recorded), { byWord: [held], byFact: [held] });
  await gateway.signal('SIGTERM');
  rmSync(join(data, 'records.db'));
  await gateway.start();
  assert.deepEqual(await found(gateway, recorded), { byWord: [held], byFact: [held] }, 'an index that is made again has it too');
  const token = await gateway.issueToken('ann');
  const released = await gateway.api(`/api/v1/holds/${matter}/release`, { method: 'POST', body: { reason: 'settled' }, token });
  assert.equal(released.status, 200, await released.text());
  await run(gateway);
  assert.deepEqual(await found(gateway, recorded), { byWord: [], byFact: [] });
  const { status, stdout } = gateway.command(['verify', '--retention', '--data', data]);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /retention, judged for .*, 1 key of holds released$/m);
  // The copy that an auditor gets has no key store.
  const copy = join(gateway.directory, 'copy');
  for (const part of ['journal', 'log']) {
    cpSync(join(data, part), join(copy, part), { recursive: true });
  }
  assert.match(gateway.command(['verify', '--retention', '--data', copy]).stdout, /1 key of holds released; .* was not judged without the key store$/m);
});

test('a gateway that is killed while it takes up again what a hold keeps goes on at its next start', requireStrace(), async (t) => {
  const recorded = await recordLongAgo(t);
  // Later and later, until the keys are destroyed: then some of the blocks lack what the hold keeps.
  let isDestroyed = false;
  for (let when = 1; !isDestroyed; when += when === 1 ? 12 : 2) {
    const data = join(temporaryDirectory(t), 'data');
    cpSync(recorded.data, data, { recursive: true });
    await using gateway = await GatewayProcess.start({ config, data });
    assert.equal((await found(gateway, recorded)).byWord.length, 2);
    const fault = { syscall: 'pwrite64', file: join(data, 'records.db-wal'), what: `signal=SIGKILL:when=${when}` };
    await using tracing = await injectFault(gateway.pid, fault);
    // The gateway may be killed before it answers, or afterwards.
    await run(gateway).catch(() => undefined);
    await waitUntil(() => gateway.killedBy !== null, 60_000);
    assert.match(tracing.hits(), /killed by SIGKILL/);
    isDestroyed = areDestroyed(data);
    await gateway.start();
    if (isDestroyed) {
      // The erasure that was announced is completed without a further run.
      await waitUntil(async () => {
        using keyRows = openKeyRows(join(data, 'keys.db'));
        const { retention } = await verifyStore(openStoreFiles(data), { keyRows, retentionAtMs: Date.now() });
        return retention !== undefined && retention.erased.length > 0 && retention.pending === 0;
      }, 120_000);
    }
    await run(gateway);
    assert.deepEqual(await found(gateway, recorded), { byWord: [recorded.held], byFact: [recorded.held] }, `killed at write ${when}`);
  }
});
