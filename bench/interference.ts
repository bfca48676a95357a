import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { GatewayProcess } from '../tests/support/gateway-process.ts';
import { printAims } from './aims.ts';
import { whenAtRest } from './cpu-time.ts';
import type { WholeExport } from './export-load.ts';
import { startModelGateway } from './gateway.ts';
import { evaluate, inspect, inspectable, type InspectedThread } from './inspector.ts';
import { loadModel, modelThroughGateway, type ModelWay } from './model-load.ts';
import { startScript } from './peer.ts';
import { median, percentile, printMachine, printTable, ratio, thousands } from './table.ts';

const exportsAtOnce = 5;
const recordsDefault = 300_000;
/** The most that the configuration takes: the session that is exported is not to go on in another one. */
const sessionRecordsMax = 1_000_000;
const recording = { connections: 10, seconds: 3, streams: false };
const client = { connections: 1, seconds: 5, streams: false };
const quietWindows = 3;
const busyWindowsMin = 3;
const busyWindowsMax = 240;
/** An export whose reader has left may be worked on for a while. */
const restLimitMs = 300_000;
/** Each turn of the loop is one sample, without the time in which the loop waits for something to happen. */
const watchTurns =
  "globalThis.turns = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ samplePerIteration: true }); globalThis.turns.enable()";

/** Requests of a client, and how the event loop of the gateway's main thread turned meanwhile, in milliseconds. */
interface Window {
  readonly whole: readonly number[];
  readonly longestTurn: number;
}

/**
 * A client's small requests to a model, one after the other, while others export a long session, beside the same before and after that.
 * `interference [RECORDS]` says how long the session is.
 */
export async function benchInterference([records = String(recordsDefault)]: readonly string[]): Promise<void> {
  printMachine();
  await using model = await startScript('model-server.ts');
  const { port, environment } = await inspectable();
  await using gateway = await startModelGateway(model, { environment, config: `limits: { sessionRecordsMax: ${sessionRecordsMax} }\n` });
  const session = await recordSession(gateway, Math.min(Number(records), sessionRecordsMax));
  using inspected = await inspect(port);
  const [main] = inspected.threads;
  await evaluate(main, watchTurns);
  const way = modelThroughGateway('client', gateway, 'process');
  loadModel(way, client);
  await whenAtRest(gateway.pid, restLimitMs);
  const quiet = await measureWindows(way, main, quietWindows);
  const { busy, exported } = await measureBusy(gateway, session.id, () => measureWindow(way, main));
  await whenAtRest(gateway.pid, restLimitMs);
  quiet.push(...(await measureWindows(way, main, quietWindows)));
  printResult(session.records, { quiet, busy, exported });
}

/** A session of at least so many records, all of one token's requests. */
async function recordSession(gateway: GatewayProcess, records: number): Promise<{ readonly id: string; readonly records: number }> {
  const way = modelThroughGateway('recording', gateway, 'process');
  for (;;) {
    loadModel(way, recording);
    const session = await gateway.newest();
    if (session.records >= records) {
      return { id: session.session, records: session.records };
    }
  }
}

async function measureWindows(way: ModelWay, main: InspectedThread, count: number): Promise<Window[]> {
  const windows: Window[] = [];
  while (windows.length < count) {
    windows.push(await measureWindow(way, main));
  }
  return windows;
}

async function measureWindow(way: ModelWay, main: InspectedThread): Promise<Window> {
  await evaluate(main, 'globalThis.turns.reset()');
  const { whole } = loadModel(way, client);
  return { whole, longestTurn: await evaluate<number>(main, 'globalThis.turns.max / 1e6') };
}

interface Busy {
  readonly busy: Window[];
  readonly exported: WholeExport[];
}

/** Windows beside exports, until as many exports as run at once were whole: what they do at their beginning and at their end is in it. */
async function measureBusy(gateway: GatewayProcess, session: string, measure: () => Promise<Window>): Promise<Busy> {
  const words = [`http://127.0.0.1:${gateway.port('http')}/api/v1/sessions/${session}/bundle`, String(exportsAtOnce)];
  const credential = readFileSync(join(gateway.data, 'admin.token'), 'utf8').trim();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'export-load.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LOAD_CREDENTIAL: credential },
  });
  const exited = once(child, 'exit');
  const busy: Window[] = [];
  const exported: WholeExport[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => exported.push(JSON.parse(line)));
  while ((exported.length < exportsAtOnce || busy.length < busyWindowsMin) && busy.length < busyWindowsMax) {
    busy.push(await measure());
    if (child.exitCode !== null) {
      throw new Error('the exports failed');
    }
  }
  child.kill('SIGTERM');
  await exited;
  return { busy, exported };
}

function printResult(records: number, { quiet, busy, exported }: Busy & { readonly quiet: readonly Window[] }): void {
  const spans = exported.map(({ seconds }) => seconds);
  const done = exported.length === 0 ? 'none was whole' : `${exported.length} were whole, after ${median(spans).toFixed(1)} s each (median)`;
  console.log(
    `A client's requests, one after the other, beside ${exportsAtOnce} exports at once of a session of ${thousands(records)} records, each begun again when it is whole; ${done}.\n` +
      `Cores: ${availableParallelism()}, shared by the gateway, the client, the model and who exports. The aims are for a core for each export.\n`,
  );
  const of = [quiet, busy].map((windows) => {
    const whole = windows.flatMap((window) => window.whole);
    const turns = windows.map(({ longestTurn }) => longestTurn);
    return { windows: windows.length, count: whole.length, p50: percentile(whole, 0.5), p99: percentile(whole, 0.99), turn: Math.max(...turns), turns };
  });
  const [calm] = of;
  const head = ['exports', 'seconds', 'requests/s', 'p50 ms', 'p99 ms', 'p50 of quiet', 'p99 of quiet', 'longest turn ms', 'median of windows'];
  const rows = of.map(({ windows, count, p50, p99, turn, turns }, i) => {
    const seconds = windows * client.seconds;
    const times = [p50.toFixed(2), p99.toFixed(2), ratio(p50, calm?.p50), ratio(p99, calm?.p99), turn.toFixed(1), median(turns).toFixed(1)];
    return [i === 0 ? 'none' : String(exportsAtOnce), String(seconds), thousands(count / seconds), ...times];
  });
  printTable([head, ...rows]);
  printAims([
    { text: 'p99 with exports ≤ 1.5 times the quiet one', measured: (of[1]?.p99 ?? Number.NaN) / (calm?.p99 ?? Number.NaN), most: 1.5 },
    { text: 'longest turn with exports ≤ 20 ms', measured: of[1]?.turn ?? Number.NaN, most: 20 },
  ]);
}
