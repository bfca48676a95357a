import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtInClasses } from '../gateway/src/classes/catalogue.ts';
import { printAims, type Aim } from './aims.ts';
import { alternate } from './alternate.ts';
import { cpuMeaning, withCpuTime } from './cpu-time.ts';
import { startDatabaseGateway, startModelGateway, type Start } from './gateway.ts';
import { loadModel, modelThroughGateway, type ModelWay } from './model-load.ts';
import { startScript } from './peer.ts';
import { pgbench, startDatabase, throughGateway, type DatabaseWay } from './pgbench.ts';
import { median, printTable, ratio, thousands } from './table.ts';

const rounds = 4;
const roundSeconds = 2;
/** Before anything is measured, under each load and each way: just-in-time compilers need some ten thousand requests. */
const warmUpSeconds = 4;
const clients = 8;
const classes = builtInClasses.map(({ name }) => name);
const wayNames = ['no mask', 'inspection', 'a mask'] as const;

/** A load that is sent through gateways that differ in what they look for. */
interface Load<Way> {
  readonly title: string;
  /** True if the answers have values of the classes. */
  readonly hasValues: boolean;
  /** Sends requests through a gateway for so many seconds. Returns how many were answered, and how many a second. */
  readonly run: (way: Way, seconds: number) => { readonly count: number; readonly rate: number };
}

/** Statements of pgbench, besides its own: a row of six columns with text that holds nothing, and one with an e-mail address and the number of a phone. */
const rowWithout =
  "select 17 as id, 'Item of 17' as name, 'shipped' as state, 12.50 as total, date '2024-05-06' as day, 'left at the door of the house' as note";
const rowWith =
  "select 17 as id, 'Jane Doe' as name, 'jane.doe@example.com' as email, '+1 555-555-0123' as phone, date '2024-05-06' as day, 'please write or call' as note";

/** Prints what inspection and a mask of all built-in classes cost in the path of statements and of requests to a model, and compares it with the aim. */
export async function benchMaskLoads(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-mask-'));
  try {
    const policy = join(directory, 'mask.cedar');
    writeFileSync(policy, `@mask("${classes.join(', ')}") permit (principal == Principal::"bench", action, resource);\n`);
    const starts: readonly Start[] = [{}, { inspect: classes }, { config: `policies: ${policy}\n` }];
    const measured = [...(await measurePostgres(starts, directory)), ...(await measureModel(starts))];
    console.log(
      `\nAll classes are looked for, or masked; ${clients} clients, ${rounds} rounds of ${roundSeconds} s in alternation after a warm-up, medians, durability process; ${cpuMeaning}\n`,
    );
    printTable([['load', 'values', 'way', 'a second', 'CPU µs each', 'rate of no mask', 'CPU of no mask'], ...measured.flatMap(({ rows }) => rows)]);
    printAims(measured.flatMap(({ aims }) => aims));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measurePostgres(starts: readonly Start[], directory: string): Promise<Measured[]> {
  await using database = await startDatabase();
  await using gateways = new AsyncDisposableStack();
  const ways: DatabaseWay[] = [];
  for (const start of starts) {
    ways.push(throughGateway('', gateways.use(await startDatabaseGateway(database, start)), 'process'));
  }
  const loadOf = (title: string, hasValues: boolean, statement: string | null): Load<DatabaseWay> => {
    const script = statement === null ? null : join(directory, `${hasValues}.sql`);
    if (script !== null) {
      writeFileSync(script, `${statement};\n`);
    }
    return {
      title,
      hasValues,
      run: (way, seconds) => {
        const { transactions, rate } = pgbench(way, { mode: 'prepared', clients, seconds, script });
        return { count: transactions, rate };
      },
    };
  };
  const loads = [loadOf('`pgbench -S`', false, null), loadOf('a row of six columns', false, rowWithout), loadOf('a row of six columns', true, rowWith)];
  // The gateways serve until everything is measured.
  return await measure(loads, ways);
}

async function measureModel(starts: readonly Start[]): Promise<Measured[]> {
  await using model = await startScript('model-server.ts');
  await using gateways = new AsyncDisposableStack();
  const ways: ModelWay[] = [];
  for (const start of starts) {
    ways.push(modelThroughGateway('', gateways.use(await startModelGateway(model, start)), 'process'));
  }
  const loads = [false, true].flatMap((streams) =>
    [false, true].map((hasValues): Load<ModelWay> => ({
      title: streams ? 'an answer of a model, 22 events' : 'an answer of a model, whole',
      hasValues,
      run: (way, seconds) => {
        const result = loadModel(way, { connections: clients, seconds, streams, hasValues });
        return { count: result.requests, rate: result.requests / result.seconds };
      },
    })),
  );
  // The gateways serve until everything is measured.
  return await measure(loads, ways);
}

/** The rows of one load in the table, and the aims for it. */
interface Measured {
  readonly rows: readonly (readonly string[])[];
  readonly aims: readonly Aim[];
}

async function measure<Way extends { readonly pid: number | null }>(loads: readonly Load<Way>[], ways: readonly Way[]): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const { title, hasValues, run } of loads) {
    for (const way of ways) {
      run(way, warmUpSeconds);
    }
    const results = await alternate(ways, rounds, async (way) => {
      const { result, cpu } = await withCpuTime(way.pid, () => run(way, roundSeconds));
      return { rate: result.rate, cpu: cpu / result.count };
    });
    const medians = results.map((of) => ({ rate: median(of.map(({ rate }) => rate)), cpu: median(of.map(({ cpu }) => cpu)) }));
    const [plain] = medians;
    const rows = medians.map(({ rate, cpu }, i) => [
      i === 0 ? title : '',
      i > 0 ? '' : hasValues ? 'yes' : 'no',
      wayNames[i] ?? '',
      thousands(rate),
      cpu.toFixed(1),
      ...(i === 0 ? ['', ''] : [ratio(rate, plain?.rate), ratio(cpu, plain?.cpu)]),
    ]);
    const aims = medians.flatMap(({ rate }, i) =>
      i === 0 || hasValues ? [] : [{ text: `rate with ${wayNames[i]} ≥ 0.85, ${title}`, measured: rate / (plain?.rate ?? Number.NaN), least: 0.85 }],
    );
    all.push({ rows, aims });
  }
  return all;
}
