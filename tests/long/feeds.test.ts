import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import type { AlertSummary } from '../../gateway/src/api/alerts.ts';
import type { FoundRecord } from '../../gateway/src/search/found.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const kills = 8;
/** A rule raises at most fifty alerts in an hour. */
const bots = 45;
const files = ['records.db', 'alerts', 'sinks', 'outbox'] as const;
type Kept = (typeof files)[number];

describe('what follows the record, whatever becomes of the process and of its files', () => {
  const noticed: string[] = [];
  let gateway: GatewayProcess;
  let other: GatewayProcess;
  let bot = 0;
  const parts = suiteParts();
  before(async () => {
    const receiver = parts.use(
      await openServer(async (request, response) => {
        noticed.push(JSON.parse(await text(request)).data.alert);
        response.writeHead(204).end();
      }),
    );
    const target = parts.use(await openServer(async (_request, response) => void response.end('fine'))).url;
    const directory = mkdtempSync(join(tmpdir(), 'countersign-feeds-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const policy = join(directory, 'no-posts.cedar');
    writeFileSync(policy, '@id("no-posts")\nforbid (principal, action == Action::"http.request", resource) when { context.method == "POST" };\n');
    const start = async (): Promise<GatewayProcess> => {
      const begun = parts.use(
        await GatewayProcess.start({
          config: `policies: ${policy}
targets: { files: { url: "${target}" } }
principals:
${Array.from({ length: bots }, (_, i) => `  bot-${i}: { kind: agent, targets: [files] }\n`).join('')}sinks:
  siem: { ocsf: { file: events.ndjson } }
  soc: { webhook: "${receiver.url}", secret: { env: HOOK_SECRET } }
alerts: { refused: { query: 'verdict:deny target:files', count: 3, by: principal, severity: low, to: [soc] } }
`,
          environment: { HOOK_SECRET: secret },
        }),
      );
      return begun;
    };
    gateway = await start();
    other = await start();
    await burst(other, 'bot-0');
    await waitUntil(() => noticed.length > 0);
    await other.signal('SIGTERM');
  });

  /** Sends requests that are denied, and resolves with whether all of them were answered. */
  async function burst(to: GatewayProcess, principal: string): Promise<boolean> {
    try {
      const token = await to.issueToken(principal);
      for (let i = 0; i < 3; i++) {
        const answer = await fetch(`http://127.0.0.1:${to.port('http')}/t/files/a`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
        await answer.text();
      }
      return true;
    } catch {
      return false;
    }
  }

  function alertsOf(principal: string): readonly AlertSummary[] {
    return gateway.rows<AlertSummary>(['alert', 'list', '--all']).filter(({ rule, by }) => rule === 'refused' && by.includes(`principal=${principal}`));
  }

  /** The indexes in the log of the records that the sink got, in the order in which it got them. */
  function delivered(): readonly number[] {
    const file = join(gateway.directory, 'events.ndjson');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    return lines.flatMap((line) => /"uid":"[0-9a-f]{16}\/(\d+)"/.exec(line)?.[1] ?? []).map(Number);
  }

  /** Waits until everything that was recorded before the call was taken. */
  async function settled(): Promise<void> {
    const size = Number(/^countersign_records_total (\d+)/m.exec(await (await gateway.api('/metrics')).text())?.[1]);
    await waitUntil(() => delivered().includes(size - 1));
  }

  async function raises(principal: string): Promise<void> {
    assert.ok(await burst(gateway, principal));
    await waitUntil(() => alertsOf(principal).some(({ alert }) => noticed.includes(alert)));
    assert.equal(alertsOf(principal).length, 1, principal);
  }

  test('C28: however often the gateway is killed while alerts are raised, each is on record once, told at least once, and a sink gets all in order', async () => {
    const names = Array.from({ length: kills * 2 }, (_, i) => `bot-${i}`);
    bot = names.length;
    for (let kill = 0; kill < kills; kill++) {
      const bursts = names.slice(2 * kill, 2 * kill + 2).map(async (name) => burst(gateway, name));
      await delay(kill * 60);
      await gateway.signal('SIGKILL');
      await Promise.all(bursts);
      await gateway.start();
    }
    for (const name of names) {
      await raises(name);
    }
    await settled();
    const raised = gateway
      .rows<FoundRecord>(['search', 'action:gateway.raise_alert', '--limit', '1000'])
      .map(({ attributes }) => String(attributes['countersign.alert.id']));
    assert.equal(new Set(raised).size, raised.length);
    const firsts = [...new Set(delivered())];
    assert.deepEqual(
      firsts,
      Array.from({ length: firsts.length }, (_, i) => (firsts[0] ?? 0) + i),
    );
  });

  const faults: Readonly<Record<string, (file: string, name: Kept) => void>> = {
    'is missing': (file) => {
      rmSync(file);
    },
    'is an older one': (file, name) => {
      cpSync(join(gateway.directory, 'early', name), file);
    },
    'is of another store': (file, name) => {
      cpSync(join(other.data, name), file);
    },
    'is cut': (file) => {
      truncateSync(file, Math.floor(statSync(file).size / 2));
    },
    'has other bytes': (file) => {
      writeFileSync(file, 'no such file');
    },
  };
  for (const name of files) {
    test(`C28: alerts are raised once and told, sinks get what is recorded, and searches find it, where ${name} ${Object.keys(faults).join(', ')}`, async () => {
      mkdirSync(join(gateway.directory, 'early'), { recursive: true });
      await gateway.signal('SIGTERM');
      cpSync(join(gateway.data, name), join(gateway.directory, 'early', name));
      await gateway.start();
      await raises(`bot-${bot}`);
      await settled();
      for (const [what, change] of Object.entries(faults)) {
        await gateway.signal('SIGTERM');
        change(join(gateway.data, name), name);
        await gateway.start();
        bot += 1;
        await raises(`bot-${bot}`);
        await settled();
        for (const i of [0, bot - 1, bot]) {
          assert.equal(alertsOf(`bot-${i}`).length, 1, `bot-${i} where ${name} ${what}`);
          assert.equal(gateway.rows(['search', `principal:bot-${i} verdict:deny target:files`]).length >= 3, true);
        }
      }
    });
  }

  test('C28: a directory in the place of a file is said, and nothing else is harmed', async () => {
    for (const name of files) {
      await gateway.signal('SIGTERM');
      const file = join(gateway.data, name);
      rmSync(file);
      mkdirSync(file);
      if (name === 'outbox') {
        await assert.rejects(gateway.start(), /The file outbox cannot be written: it is a directory/);
      } else {
        const said = gateway.log.length;
        await gateway.start();
        assert.ok(await burst(gateway, 'bot-0'));
        await waitUntil(() => new RegExp(`directory.*/data/${name}`).test(gateway.log.slice(said)));
        await gateway.signal('SIGTERM');
      }
      rmSync(file, { recursive: true });
      await gateway.start();
    }
  });
});
