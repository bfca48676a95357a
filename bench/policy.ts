import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { loadModel, modelThroughGateway } from './model-load.ts';
import { startScript } from './peer.ts';
import { pgbench, startDatabase, throughGateway } from './pgbench.ts';
import { median, printMachine, printTable, ratio, thousands } from './table.ts';

const policyCounts = [2, 10, 100];
/** Decisions that are timed together, and how often; the median counts. */
const knownAtOnce = 20_000;
const newAtOnce = 500;
const times = 9;
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
 * `postgres` and `llm` through a gateway with ten policies and a limit beside one without. `policy decisions` measures only the first part.
 */
export async function benchPolicy([part]: readonly string[]): Promise<void> {
  printMachine();
  measureDecisions();
  if (part !== 'decisions') {
    await measureLoads();
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
