import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { GatewayProcess } from '../tests/support/gateway-process.ts';
import { measureConversation } from './conversation.ts';
import type { LoadResult } from './http-load.ts';
import type { Peer } from './peer.ts';
import { startModelServer, startNginx, startPortkey } from './peers.ts';
import { median, percentile, printMachine, printTable, thousands } from './table.ts';

const connectionCounts = [1, 10, 50];
const rounds = 3;
const roundSeconds = 4;
/** Before anything is measured, of each way and kind of answer: just-in-time compilers go on for some ten thousand requests. */
const warmUpSeconds = 8;
const warmUpConnections = 10;
const outputBytesMax = 256 * 1024 * 1024;
const path = '/v1/chat/completions';

/** One way to the model: where, and with which headers. */
interface Way {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly string[];
}

/**
 * Requests to a model that answers at once, whole and streamed: directly, through nginx, through Portkey's gateway and through a gateway with everything
 * on, durability `process` and `disk`; every round takes the ways in turn. Needs nginx: `sh tools/debian.sh nginx`.
 */
export async function benchLlm(): Promise<void> {
  printMachine();
  await using model = await startModelServer();
  await using nginx = await startNginx(model.port);
  await using portkey = await startPortkey();
  await using gateway = await startGateway(model);
  const ways = waysTo({ model, nginx, portkey, gateway });
  for (const streams of [false, true]) {
    console.log(`\n${streams ? 'Streamed, 22 events' : 'Whole answers'}; ${rounds} rounds of ${roundSeconds} s in alternation after a warm-up, medians\n`);
    // Its stream handling fails on Node 20 and 26 alike: "TypeError: immutable", as an answer with status 500.
    const compared = streams ? ways.filter(({ name }) => name !== 'Portkey') : ways;
    for (const way of compared) {
      load(way, { connections: warmUpConnections, seconds: warmUpSeconds, streams });
    }
    const head = ['connections', 'way', 'requests/s', 'p50 ms', 'p99 ms', 'first byte p50 ms', 'p99 ms', 'of direct', 'of Portkey'];
    printTable([head, ...connectionCounts.flatMap((connections) => measure(compared, connections, streams))]);
  }
  await measureConversation(gateway, `http://127.0.0.1:${gateway.port('http')}/t/process${path}`);
}

function startGateway(model: Peer): Promise<GatewayProcess> {
  const target = `protocol: llm, url: "http://127.0.0.1:${model.port}", password: { env: BENCH_KEY }`;
  return GatewayProcess.start({
    environment: { BENCH_KEY: 'sk-bench' },
    config: `targets:
  process: { ${target}, durability: process }
  disk: { ${target}, durability: disk }
principals:
  bench: { kind: agent, targets: [process, disk] }
`,
  });
}

interface Parties {
  readonly model: Peer;
  readonly nginx: Peer;
  readonly portkey: Peer | null;
  readonly gateway: GatewayProcess;
}

function waysTo({ model, nginx, portkey, gateway }: Parties): Way[] {
  const bearer = ['authorization: Bearer sk-bench'];
  const port = gateway.port('http');
  const own = [`authorization: Bearer ${gateway.token('bench')}`];
  const provider = ['x-portkey-provider: openai', `x-portkey-custom-host: http://127.0.0.1:${model.port}/v1`];
  return [
    { name: 'direct', port: model.port, path, headers: bearer },
    { name: 'nginx', port: nginx.port, path, headers: bearer },
    ...(portkey === null ? [] : [{ name: 'Portkey', port: portkey.port, path, headers: [...bearer, ...provider] }]),
    { name: 'Countersign, process', port, path: `/t/process${path}`, headers: own },
    { name: 'Countersign, disk', port, path: `/t/disk${path}`, headers: own },
  ];
}

function measure(ways: readonly Way[], connections: number, streams: boolean): string[][] {
  const results = ways.map((): LoadResult[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, way] of ways.entries()) {
      results[i]?.push(load(way, { connections, seconds: roundSeconds, streams }));
    }
  }
  const rates = results.map((of) => median(of.map(({ requests, seconds }) => requests / seconds)));
  const direct = rates[0] ?? Number.NaN;
  const portkey = rates[ways.findIndex(({ name }) => name === 'Portkey')] ?? Number.NaN;
  return ways.map(({ name }, i) => {
    const of = results[i] ?? [];
    const at = (pick: (result: LoadResult) => readonly number[], part: number): string => median(of.map((result) => percentile(pick(result), part))).toFixed(2);
    const rate = rates[i] ?? Number.NaN;
    const times = [at(({ whole }) => whole, 0.5), at(({ whole }) => whole, 0.99), at(({ first }) => first, 0.5), at(({ first }) => first, 0.99)];
    return [String(connections), name, thousands(rate), ...times, (rate / direct).toFixed(2), Number.isNaN(portkey) ? 'fails' : (rate / portkey).toFixed(2)];
  });
}

function load(way: Way, { connections, seconds, streams }: { readonly connections: number; readonly seconds: number; readonly streams: boolean }): LoadResult {
  const body = JSON.stringify({
    model: 'bench-1',
    messages: [
      { role: 'system', content: 'You answer briefly.' },
      { role: 'user', content: 'Say a word twenty times.' },
    ],
    temperature: 0,
    ...(streams ? { stream: true } : {}),
  });
  const head = [`POST ${way.path} HTTP/1.1`, `host: 127.0.0.1:${way.port}`, 'content-type: application/json', `content-length: ${body.length}`, ...way.headers];
  const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`).toString('base64');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'http-load.ts'), String(way.port), String(connections), String(seconds)],
    { encoding: 'utf8', env: { ...process.env, LOAD_REQUEST: request }, maxBuffer: outputBytesMax },
  );
  if (status !== 0) {
    throw new Error(`the load on ${way.name} failed: ${stderr}`);
  }
  return JSON.parse(stdout);
}
