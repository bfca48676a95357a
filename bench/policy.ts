import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Attributes } from '../gateway/src/domain/action.ts';
import { ownAttributes } from '../gateway/src/domain/own-attributes.ts';
import type { Principal } from '../gateway/src/domain/principal.ts';
import type { Target } from '../gateway/src/domain/target.ts';
import { cedarPolicy } from '../gateway/src/policy/cedar-policy.ts';
import { grantPolicy } from '../gateway/src/policy/grants.ts';
import type { PolicyEngine, Question } from '../gateway/src/policy/policy.ts';
import { protocols } from '../gateway/src/protocols/registry.ts';
import { LiveHistory } from '../gateway/src/domain/session-history.ts';
import { printAims } from './aims.ts';
import { alternate } from './alternate.ts';
import { cpuMeaning, withCpuTime } from './cpu-time.ts';
import { startDatabaseGateway, startModelGateway } from './gateway.ts';
import { evaluate, inspect, inspectable } from './inspector.ts';
import { loadModel, modelThroughGateway } from './model-load.ts';
import { startScript } from './peer.ts';
import { pgbench, startDatabase, throughGateway } from './pgbench.ts';
import { median, printMachine, printTable, ratio, thousands } from './table.ts';

const policyCounts = [2, 10, 100];
/** Decisions that are timed together, and how often; the median counts. */
const knownAtOnce = 20_000;
const newAtOnce = 500;
const times = 9;
/** The sizes of sets that are put into force while a client is served, and how often each. */
const reloadedCounts = [12, 100, 1000];
const reloads = 9;
/** The time in ms of the same without a reload. */
const quietMs = 500;
/**
 * Keeps the most processor time of the main thread between two ticks of a timer of 1 ms, in microseconds: that of the longest turn of its loop, and of what else
 * fell into that millisecond. Other than the time on the wall, it does not depend on what else the machine does.
 */
const watchTurns = `globalThis.turn = { most: 0, used: process.threadCpuUsage() };
(function tick() {
  const { user, system } = process.threadCpuUsage(turn.used);
  turn = { most: Math.max(turn.most, user + system), used: process.threadCpuUsage() };
  setTimeout(tick, 1);
})();`;
const rounds = 5;
const roundSeconds = 4;
const clients = 8;

const bot: Principal = { id: 'bench', kind: 'agent', groups: ['agents'], targets: ['process'] };
const orders: Target = {
  name: 'process',
  protocol: 'postgres',
  scheme: 'postgres',
  host: 'h',
  port: 1,
  path: '',
  user: '',
  durability: 'disk',
  options: {},
  tags: { environment: 'production' },
};

/**
 * The time of a decision: of one for a request whose facts were decided on before, and of a new one, by sets of policies of different sizes; and the load of
 * `postgres` and `llm` through a gateway with ten policies and a limit beside one without; and how long nobody is served when policies are put into force.
 * `policy decisions` and `policy reloads` measure only the first part and the last.
 */
export async function benchPolicy([part]: readonly string[]): Promise<void> {
  printMachine();
  if (part !== 'reloads') {
    measureDecisions();
  }
  if (part === undefined) {
    await measureLoads();
  }
  if (part !== 'decisions') {
    await measureReloads();
  }
}

/** Policies as people write them: about statements, tables, effects, models and tools. `andSession` adds one that looks at a count of the session. */
function policiesOf(count: number, andSession = false): string {
  const about = (i: number): string =>
    [
      `@reason("Say which rows.") forbid (principal in Group::"agents", action == Action::"postgres.query", resource) when { context.statements.containsAny(["delete", "update"]) && !context.hasWhere };`,
      `forbid (principal in Group::"agents", action in Action::"postgres", resource) when { context.tables.contains("secret.t${i}") };`,
      `@approval("dba") forbid (principal in Group::"agents", action, resource) when { resource.protocol == "postgres" && context.effects.contains("define") };`,
      `forbid (principal in Group::"agents", action in Action::"llm", resource) when { context.model == "model-${i}" };`,
      `permit (principal == Principal::"p${i}", action in Action::"postgres", resource) when { context.effects.contains("read") };`,
    ][i % 5] ?? '';
  const session = andSession ? ['forbid (principal, action, resource) when { context.session.denials > 1000 && context.session.requests > 1000000000 };'] : [];
  return [...Array.from({ length: count - session.length }, (_, i) => about(i)), ...session].join('\n');
}

function policyOf(count: number, andSession = false): PolicyEngine {
  const source = { file: 'bench.cedar', path: 'bench.cedar', text: policiesOf(count, andSession) };
  return cedarPolicy(grantPolicy([bot]), [source], { protocols, targets: [orders], principals: [bot], classes: [] });
}

function questionOf(attributes: Attributes, history: LiveHistory): Question {
  const asker = { principal: bot, onBehalfOf: null, run: null, within: null, session: 's', address: '127.0.0.1', history };
  return { asker, target: orders, action: { name: 'postgres.query', attributes }, timeMs: Date.now() };
}

function factsOf(table: string): Attributes {
  return {
    'db.query.text': `select * from ${table} where id = 1`,
    [ownAttributes.statements]: ['select'],
    [ownAttributes.tables]: [table],
    [ownAttributes.reads]: [table],
    [ownAttributes.effects]: ['read'],
  };
}

/** Returns the median processor time of one decision in microseconds. */
function microsecondsOf(decide: (i: number) => unknown, atOnce: number): number {
  const measured: number[] = [];
  for (let time = 0, i = 0; time <= times; time += 1) {
    const before = process.cpuUsage();
    for (const end = i + atOnce; i < end; i += 1) {
      decide(i);
    }
    const { user, system } = process.cpuUsage(before);
    measured.push((user + system) / atOnce);
  }
  // The first one warms up.
  return median(measured.slice(1));
}

function measureDecisions(): void {
  const rows = policyCounts.map((count) => {
    const policy = policyOf(count);
    const history = new LiveHistory();
    const same = factsOf('public.orders');
    const known = microsecondsOf(() => policy.decide(questionOf(same, history)), knownAtOnce);
    const again = microsecondsOf(() => policy.decide(questionOf(factsOf('public.orders'), history)), knownAtOnce);
    const unknown = microsecondsOf((i) => policy.decide(questionOf(factsOf(`public.t${i}`), history)), newAtOnce);
    const counting = policyOf(count, true);
    const counted = microsecondsOf(() => {
      history.allowed('process', same);
      return counting.decide(questionOf(same, history));
    }, newAtOnce);
    return { count, known, again, unknown, counted };
  });
  console.log(`Processor time of one decision in µs, in one process, medians of ${times}\n`);
  printTable([
    ['policies', 'the same facts', 'equal facts, read again', 'new facts', 'same facts, a policy looks at counts of the session'],
    ...rows.map((row) => [String(row.count), ...[row.known, row.again, row.unknown, row.counted].map((us) => us.toFixed(1))]),
  ]);
  const most = rows.at(-1);
  printAims([
    { text: 'µs of a decision that is known, 100 policies < 5', measured: most?.known ?? Number.NaN, most: 5 },
    { text: 'µs of a new decision, 100 policies < 300', measured: most?.unknown ?? Number.NaN, most: 300 },
  ]);
}

/** The load that went through a gateway. */
interface Load {
  readonly rate: number;
  /** Processor time of the gateway in microseconds a request. */
  readonly cpu: number;
}

async function measureLoads(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-policy-'));
  try {
    const limited = `@id("rows") @limit("rows 1000000000000 per 1h") permit (principal == Principal::"bench", action in Action::"postgres", resource);
@id("tokens") @limit("tokens 1000000000000 per 1h") permit (principal == Principal::"bench", action in Action::"llm", resource);`;
    writeFileSync(join(directory, 'bench.cedar'), `${policiesOf(10)}\n${limited}\n`);
    const config = `policies: ${directory}\n`;
    await measurePostgres(config);
    await measureLlm(config);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measurePostgres(config: string): Promise<void> {
  await using database = await startDatabase();
  await using without = await startDatabaseGateway(database);
  await using withPolicies = await startDatabaseGateway(database, { config });
  for (const mode of ['simple', 'prepared']) {
    const ways = [without, withPolicies].map((gateway, i) => throughGateway(i === 0 ? 'grants' : 'policies', gateway, 'process'));
    for (const way of ways) {
      pgbench(way, { mode, clients, seconds: roundSeconds });
    }
    const loads = await alternate(ways, rounds, async (way): Promise<Load> => {
      const { result, cpu } = await withCpuTime(way.pid, () => pgbench(way, { mode, clients, seconds: roundSeconds }));
      return { rate: result.rate, cpu: cpu / result.transactions };
    });
    printLoads(`pgbench -S ${mode}, ${clients} clients`, loads);
  }
}

async function measureLlm(config: string): Promise<void> {
  await using model = await startScript('model-server.ts');
  await using without = await startModelGateway(model);
  await using withPolicies = await startModelGateway(model, { config });
  const ways = [without, withPolicies].map((gateway, i) => modelThroughGateway(i === 0 ? 'grants' : 'policies', gateway, 'process'));
  for (const way of ways) {
    loadModel(way, { connections: clients, seconds: roundSeconds, streams: false });
  }
  const loads = await alternate(ways, rounds, async (way): Promise<Load> => {
    const { result, cpu } = await withCpuTime(way.pid, () => loadModel(way, { connections: clients, seconds: roundSeconds, streams: false }));
    return { rate: result.requests / result.seconds, cpu: cpu / result.requests };
  });
  printLoads(`requests to a model, whole answers, ${clients} connections`, loads);
}

function printLoads(what: string, [grants = [], policies = []]: readonly (readonly Load[])[]): void {
  const of = (loads: readonly Load[]): Load => ({ rate: median(loads.map(({ rate }) => rate)), cpu: median(loads.map(({ cpu }) => cpu)) });
  const [plain, decided] = [of(grants), of(policies)];
  console.log(`\n${what}; ${rounds} rounds of ${roundSeconds} s in alternation, medians; ${cpuMeaning}\n`);
  printTable([
    ['way', 'a second', 'CPU µs each', 'rate of grants alone', 'CPU of grants alone'],
    ['grants alone', thousands(plain.rate), plain.cpu.toFixed(1), '', ''],
    ['12 policies, one a limit', thousands(decided.rate), decided.cpu.toFixed(1), ratio(decided.rate, plain.rate), ratio(decided.cpu, plain.cpu)],
  ]);
  printAims([{ text: `rate ≥ 0.9 of grants alone, ${what}`, measured: decided.rate / plain.rate, least: 0.9 }]);
}

/** Puts sets of policies into force while a client asks one request after the other, and takes the longest turn of the gateway's main thread each time. */
async function measureReloads(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-reload-'));
  const file = join(directory, 'bench.cedar');
  writeFileSync(file, policiesOf(1));
  const { port, environment } = await inspectable();
  await using model = await startScript('model-server.ts');
  await using gateway = await startModelGateway(model, { environment, config: `policies: ${directory}\n` });
  const token = await gateway.issueToken('bench');
  using inspected = await inspect(port);
  const [main] = inspected.threads;
  await evaluate(main, watchTurns);
  const rows: { readonly count: number; readonly turns: readonly number[]; readonly waits: readonly number[]; readonly spans: readonly number[] }[] = [];
  const measure = async (apply: () => Promise<unknown>): Promise<{ readonly turn: number; readonly wait: number; readonly span: number }> => {
    await evaluate(main, 'turn.most = 0');
    const begin = performance.now();
    let span: number | null = null;
    const applied = apply().finally(() => {
      span = performance.now() - begin;
    });
    let wait = 0;
    // The request after the last one that began before the end is the first that the new set decides.
    for (let isLast = false; !isLast;) {
      isLast = span !== null;
      const before = performance.now();
      await askModel(gateway.port('http'), token);
      wait = Math.max(wait, performance.now() - before);
    }
    await applied;
    return { turn: await evaluate<number>(main, 'turn.most / 1000'), wait, span: span ?? Number.NaN };
  };
  for (const count of [0, ...reloadedCounts]) {
    const measured = [];
    for (let i = 0; i < reloads; i += 1) {
      writeFileSync(file, `${policiesOf(Math.max(0, count - 1))}\n${policiesOf(1).replace('Say which rows.', `Say which rows: ${i}.`)}`);
      measured.push(await measure(async () => (count === 0 ? delay(quietMs) : gateway.api('/api/v1/config/apply', { method: 'POST', body: {} }))));
    }
    rows.push({ count, turns: measured.map(({ turn }) => turn), waits: measured.map(({ wait }) => wait), spans: measured.map(({ span }) => span) });
  }
  rmSync(directory, { recursive: true });
  console.log(
    `\nA client's requests to a model, one after the other, while a set of policies is put into force; medians (most) of ${reloads}, in ms; a turn in processor time\n`,
  );
  const both = (values: readonly number[]): string => `${median(values).toFixed(1)} (${Math.max(...values).toFixed(1)})`;
  printTable([
    ['policies', 'longest turn', "client's longest request", 'until it is in force'],
    ...rows.map(({ count, turns, waits, spans }) => [
      count === 0 ? 'none is put into force' : String(count),
      both(turns),
      both(waits),
      count === 0 ? '' : both(spans),
    ]),
  ]);
  printAims([{ text: `longest turn ≤ 20 ms, ${reloadedCounts.at(-1)} policies (median)`, measured: median(rows.at(-1)?.turns ?? []), most: 20 }]);
}

async function askModel(port: number, token: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/t/process/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'How are you?' }] }),
  });
  await answer.arrayBuffer();
}
