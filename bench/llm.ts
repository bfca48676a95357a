import { printAims, type Aim } from './aims.ts';
import { alternate } from './alternate.ts';
import { measureConversation } from './conversation.ts';
import { cpuMeaning, withCpuTime } from './cpu-time.ts';
import { startModelGateway } from './gateway.ts';
import type { LoadResult } from './http-load.ts';
import { loadModel, modelDirectly, modelPath, modelThroughGateway, type ModelWay } from './model-load.ts';
import { startScript } from './peer.ts';
import { startNginx, startPortkey } from './peers.ts';
import { median, percentile, printMachine, printTable, ratio, thousands } from './table.ts';

const connectionCounts = [1, 10, 50];
const rounds = 3;
const roundSeconds = 4;
/** Before anything is measured, of each way and kind of answer: just-in-time compilers go on for some hundred thousand requests (docs/adr/0052-what-more-was-tried.md). */
const warmUp = { connections: 10, seconds: 25 };
const gatewayName = 'Countersign, process';

/** Medians of one way under one load. */
interface Requests {
  readonly connections: number;
  readonly way: string;
  /** Requests a second. */
  readonly rate: number;
  /** Processor time of the process between client and model, in microseconds a request. */
  readonly cpu: number;
  /** Milliseconds until the first byte of an answer and until its last one. */
  readonly first: Percentiles;
  readonly whole: Percentiles;
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/**
 * Requests to a model that answers at once, whole and streamed: directly, through nginx, through Portkey's gateway, through a bare proxy and through a gateway
 * with everything on, durability `process` and `disk`; every round takes the ways in turn. `llm [whole|streamed] [CONNECTIONS]` measures a part. Needs nginx:
 * `sh tools/debian.sh nginx`.
 */
export async function benchLlm([part, connections]: readonly string[]): Promise<void> {
  printMachine();
  await using model = await startScript('model-server.ts');
  await using nginx = await startNginx(model.port);
  await using portkey = await startPortkey();
  await using proxy = await startScript('proxy.ts', [String(model.port)]);
  await using gateway = await startModelGateway(model);
  const direct = modelDirectly(model);
  const provider = ['x-portkey-provider: openai', `x-portkey-custom-host: http://127.0.0.1:${model.port}/v1`];
  const ways: ModelWay[] = [
    direct,
    { ...direct, name: 'nginx', port: nginx.port, pid: nginx.pid },
    ...(portkey === null ? [] : [{ name: 'Portkey', port: portkey.port, pid: portkey.pid, path: modelPath, headers: [...direct.headers, ...provider] }]),
    { ...direct, name: 'bare proxy', port: proxy.port, pid: proxy.pid },
    modelThroughGateway(gatewayName, gateway, 'process'),
    modelThroughGateway('Countersign, disk', gateway, 'disk'),
  ];
  const counts = connectionCounts.filter((count) => connections === undefined || Number(connections) === count);
  if (part !== 'streamed') {
    printAims(aimsOfWhole(await measureAnswers(ways, counts, false)));
  }
  if (part !== 'whole') {
    // Its stream handling fails on Node 20 and 26 alike: "TypeError: immutable", as an answer with status 500.
    const compared = ways.filter(({ name }) => name !== 'Portkey');
    printAims(aimsOfStreams(await measureAnswers(compared, counts, true)));
  }
  if (part === undefined) {
    await measureConversation(gateway, `http://127.0.0.1:${gateway.port('http')}/t/process${modelPath}`);
  }
}

async function measureAnswers(ways: readonly ModelWay[], counts: readonly number[], streams: boolean): Promise<Requests[]> {
  for (const way of ways) {
    loadModel(way, { ...warmUp, streams });
  }
  const all: Requests[] = [];
  for (const connections of counts) {
    all.push(...(await measureLoad(ways, connections, streams)));
  }
  const kind = streams ? 'Streamed, 22 events' : 'Whole answers';
  console.log(`\n${kind}; ${rounds} rounds of ${roundSeconds} s in alternation after a warm-up, medians; ${cpuMeaning}\n`);
  const times = ['p50 ms', 'p99 ms', 'first byte p50 ms', 'p99 ms', 'added to direct p50 ms', 'p99 ms'];
  const head = ['connections', 'way', 'requests/s', ...times, 'CPU µs each', 'CPU of bare proxy', 'rate of direct', 'rate of Portkey'];
  const rows = all.map(({ connections, way, rate, cpu, first, whole }) => {
    const direct = find(all, connections, 'direct');
    const added = [first.p50 - (direct?.first.p50 ?? Number.NaN), first.p99 - (direct?.first.p99 ?? Number.NaN)];
    return [
      String(connections),
      way,
      thousands(rate),
      ...[whole.p50, whole.p99, first.p50, first.p99, ...added].map((ms) => ms.toFixed(2)),
      Number.isNaN(cpu) ? '' : cpu.toFixed(0),
      ratio(cpu, find(all, connections, 'bare proxy')?.cpu),
      ratio(rate, direct?.rate),
      ratio(rate, find(all, connections, 'Portkey')?.rate),
    ];
  });
  printTable([head, ...rows]);
  return all;
}

async function measureLoad(ways: readonly ModelWay[], connections: number, streams: boolean): Promise<Requests[]> {
  const results = await alternate(ways, rounds, async (way) => {
    const { result, cpu } = await withCpuTime(way.pid, () => loadModel(way, { connections, seconds: roundSeconds, streams }));
    return { ...result, cpu };
  });
  return ways.map(({ name }, i) => {
    const of = results[i] ?? [];
    const at = (pick: (result: LoadResult) => readonly number[], part: number): number => median(of.map((result) => percentile(pick(result), part)));
    return {
      connections,
      way: name,
      rate: median(of.map(({ requests, seconds }) => requests / seconds)),
      cpu: median(of.map(({ cpu, requests }) => cpu / requests)),
      first: { p50: at(({ first }) => first, 0.5), p99: at(({ first }) => first, 0.99) },
      whole: { p50: at(({ whole }) => whole, 0.5), p99: at(({ whole }) => whole, 0.99) },
    };
  });
}

function find(all: readonly Requests[], connections: number, way: string): Requests | undefined {
  return all.find((each) => each.connections === connections && each.way === way);
}

function aimsOfWhole(all: readonly Requests[]): Aim[] {
  const gateway = find(all, 10, gatewayName);
  const portkey = find(all, 10, 'Portkey');
  return gateway === undefined
    ? []
    : [
        { text: 'CPU ≤ 1.8 times the bare proxy, 10 connections', measured: gateway.cpu / (find(all, 10, 'bare proxy')?.cpu ?? Number.NaN), most: 1.8 },
        { text: "rate ≥ 4 times Portkey's, 10 connections", measured: gateway.rate / (portkey?.rate ?? Number.NaN), least: 4 },
        { text: "p99 ≤ Portkey's p50, 10 connections: the quotient", measured: gateway.whole.p99 / (portkey?.whole.p50 ?? Number.NaN), most: 1 },
      ];
}

function aimsOfStreams(all: readonly Requests[]): Aim[] {
  const gateway = find(all, 1, gatewayName)?.first;
  const direct = find(all, 1, 'direct')?.first;
  return gateway === undefined || direct === undefined
    ? []
    : [
        { text: 'added time to first token, p50 < 0.5 ms, 1 connection', measured: gateway.p50 - direct.p50, most: 0.5 },
        { text: 'added time to first token, p99 < 2 ms, 1 connection', measured: gateway.p99 - direct.p99, most: 2 },
      ];
}
