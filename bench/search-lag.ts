import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { openServer } from '../cli/src/demo/sample-server.ts';
import type { GatewayProcess } from '../tests/support/gateway-process.ts';
import { printAims } from './aims.ts';
import { startDatabaseGateway } from './gateway.ts';
import { pgbenchMeanwhile, startDatabase, throughGateway, type DatabaseWay, type PgbenchLoad } from './pgbench.ts';
import { median, percentile, printMachine, printTable, thousands } from './table.ts';

const full: PgbenchLoad = { mode: 'prepared', clients: 8, seconds: 10 };
const moderate: PgbenchLoad = { ...full, seconds: 20, rateMax: 500 };
const warmUp: PgbenchLoad = { ...full, seconds: 5 };
const rounds = 3;
const sampleMs = 200;
/** A rule raises at most 50 alerts in an hour. */
const probeMs = 1300;
const tailMs = 20;
const chunkBytes = 64 * 1024;
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
/** Finds the statements of the principal `probe`: each of its sessions raises an alert, and both sinks get them. */
const probes = 'principal:probe kind:request action:postgres.query';

/** In seconds: how far the index was behind, each time somebody looked, and the times from a record to a sink, each with the time of the record. */
interface Lags {
  readonly index: number[];
  readonly file: number[];
  readonly webhook: number[];
}

interface Window {
  readonly rate: number;
  readonly lags: Lags;
  /** How long after the load the index had everything, in seconds. */
  readonly caughtUp: number;
}

/** Prints how far the index, and what goes to sinks, falls behind under load, and how much the index takes from those who are served. */
export async function benchLag(): Promise<void> {
  printMachine();
  await using database = await startDatabase();
  const arrived: Lags = { index: [], file: [], webhook: [] };
  await using receiver = await openServer(async (request, response) => {
    const { data } = JSON.parse(await text(request));
    arrived.webhook.push((Date.now() - Date.parse(data.first)) / 1000);
    response.writeHead(204).end();
  });
  const start = (more: Readonly<Record<string, string>>): Promise<GatewayProcess> =>
    startDatabaseGateway(database, {
      environment: { HOOK_SECRET: secret, ...more },
      config: `  probe: { kind: agent, targets: [process] }
alerts: { probe: { query: '${probes}', by: session, severity: low, to: [soc] } }
sinks:
  soc: { webhook: "${receiver.url}", secret: { env: HOOK_SECRET } }
  siem: { ocsf: { file: "events.ndjson" }, query: '${probes}' }
`,
    });
  await using indexed = await start({});
  await using plain = await start({ NODE_OPTIONS: `--import ${join(import.meta.dirname, 'no-index.mjs')}` });
  using _tail = followFile(join(indexed.directory, 'events.ndjson'), (line) => {
    arrived.file.push((Date.now() - JSON.parse(line).time) / 1000);
  });
  const measure = async (gateway: GatewayProcess, load: PgbenchLoad): Promise<Window> => {
    const lags: Lags = { index: [], file: [], webhook: [] };
    const before = { file: arrived.file.length, webhook: arrived.webhook.length };
    const ending = new AbortController();
    const beside = Promise.all([sample(gateway, lags.index, ending.signal), probe(gateway, ending.signal)]);
    const { rate } = await pgbenchMeanwhile(throughGateway('', gateway, 'process'), load);
    ending.abort();
    await beside;
    const begun = performance.now();
    while (gateway === indexed && (await metric(gateway, 'countersign_search_behind_records')) > 0) {
      await delay(sampleMs);
    }
    const caughtUp = (performance.now() - begun) / 1000;
    // A notice is sent after the alert was recorded.
    await delay(gateway === indexed ? 2000 : 0);
    lags.file.push(...arrived.file.slice(before.file));
    lags.webhook.push(...arrived.webhook.slice(before.webhook));
    return { rate, lags, caughtUp };
  };
  process.stderr.write('warming up\n');
  await measure(plain, warmUp);
  await measure(indexed, warmUp);
  const windows = { plain: [] as Window[], indexed: [] as Window[] };
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    windows.plain.push(await measure(plain, full));
    windows.indexed.push(await measure(indexed, full));
  }
  process.stderr.write('moderate load\n');
  const calm = await measure(indexed, moderate);
  printLags(windows, calm);
}

function printLags(windows: Readonly<Record<'plain' | 'indexed', readonly Window[]>>, calm: Window): void {
  const rateOf = (of: readonly Window[]): number => median(of.map(({ rate }) => rate));
  const busy = joined(windows.indexed);
  const row = (name: string, rate: number, lags: Lags | null, caughtUp: number): readonly string[] => [
    name,
    thousands(rate),
    ...(['index', 'file', 'webhook'] as const).flatMap((of) =>
      lags === null ? ['', '', ''] : [0.5, 0.99, 1].map((part) => percentile(lags[of], part).toFixed(2)),
    ),
    lags === null ? '' : caughtUp.toFixed(1),
  ];
  const of = (what: string): readonly string[] => [`${what} p50 s`, 'p99', 'most'];
  printTable([
    ['load', 'statements/s', ...of('index behind'), ...of('record to file'), ...of('record to webhook'), 'behind after it, s'],
    row(`${full.clients} clients, no index`, rateOf(windows.plain), null, 0),
    row(`${full.clients} clients`, rateOf(windows.indexed), busy, median(windows.indexed.map(({ caughtUp }) => caughtUp))),
    row(`at most ${moderate.rateMax ?? 0} a second`, calm.rate, calm.lags, calm.caughtUp),
  ]);
  printAims([
    { text: 'rate with the index, as a part of that without', measured: rateOf(windows.indexed) / rateOf(windows.plain), least: 0.95 },
    ...[
      { name: 'full load', lags: busy },
      { name: 'moderate load', lags: calm.lags },
    ].flatMap(({ name, lags }) => [
      { text: `index behind, ${name}, most, s`, measured: percentile(lags.index, 1), most: 1 },
      { text: `record to file, ${name}, p99, s`, measured: percentile(lags.file, 0.99), most: 2 },
      { text: `record to webhook, ${name}, p99, s`, measured: percentile(lags.webhook, 0.99), most: 2 },
    ]),
  ]);
}

function joined(windows: readonly Window[]): Lags {
  const all = (of: keyof Lags): number[] => windows.flatMap(({ lags }) => lags[of]);
  return { index: all('index'), file: all('file'), webhook: all('webhook') };
}

async function sample(gateway: GatewayProcess, into: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    into.push(await metric(gateway, 'countersign_search_lag_seconds'));
    await delay(sampleMs, null, { signal }).catch(() => undefined);
  }
}

/** Asks the database for something in a session of its own, again and again. */
async function probe(gateway: GatewayProcess, signal: AbortSignal): Promise<void> {
  const way = throughGateway('', gateway, 'process');
  while (!signal.aborted) {
    const client = new pg.Client(clientOptions(way, gateway.token('probe')));
    await client.connect();
    await client.query('SELECT 1');
    await client.end();
    await delay(probeMs, null, { signal }).catch(() => undefined);
  }
}

function clientOptions({ environment: { PGHOST = '', PGPORT, PGDATABASE = '' } }: DatabaseWay, token: string): pg.ClientConfig {
  return { host: PGHOST, port: Number(PGPORT), user: 'probe', password: token, database: PGDATABASE };
}

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const answer = await gateway.api('/metrics');
  const [, value] = new RegExp(`^${name} (.+)$`, 'm').exec(await answer.text()) ?? [];
  return Number(value);
}

/** Calls back with each line that comes to the end of a file. */
function followFile(path: string, onLine: (line: string) => void): Disposable {
  let offset = 0;
  let held = '';
  const chunk = Buffer.alloc(chunkBytes);
  const look = (): void => {
    if (!existsSync(path)) {
      return;
    }
    const file = openSync(path, 'r');
    for (let bytes = readSync(file, chunk, 0, chunkBytes, offset); bytes > 0; bytes = readSync(file, chunk, 0, chunkBytes, offset)) {
      offset += bytes;
      held += chunk.toString('utf8', 0, bytes);
    }
    closeSync(file);
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    lines.forEach(onLine);
  };
  const timer = setInterval(look, tailMs);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}
