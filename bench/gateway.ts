import { GatewayProcess, type GatewayOptions } from '../tests/support/gateway-process.ts';
import type { PostgresServer } from '../tests/support/postgres-server.ts';

export type Start = Partial<Pick<GatewayOptions, 'environment' | 'wrapper' | 'config'>> & {
  /** Classes that are looked for in what targets answer and are sent. */
  readonly inspect?: readonly string[];
};

/** A gateway with everything on, in front of a database: the targets `process` and `disk` differ in durability, and `bench` is the principal that may have both. */
export function startDatabaseGateway(database: PostgresServer, start: Start = {}): Promise<GatewayProcess> {
  return startGateway(`url: "${database.url}"`, database.password, start);
}

/** Starts a gateway in front of a model. */
export function startModelGateway(model: { readonly port: number }, start: Start = {}): Promise<GatewayProcess> {
  return startGateway(`protocol: llm, url: "http://127.0.0.1:${model.port}"`, 'sk-bench', start);
}

function startGateway(address: string, secret: string, start: Start): Promise<GatewayProcess> {
  const { inspect = [], ...others } = start;
  const target = `${address}, password: { env: BENCH_SECRET }${inspect.length === 0 ? '' : `, inspect: [${inspect.join(', ')}]`}`;
  return GatewayProcess.start({
    ...others,
    environment: { ...start.environment, BENCH_SECRET: secret },
    config: `targets:
  process: { ${target}, durability: process }
  disk: { ${target}, durability: disk }
principals:
  bench: { kind: agent, targets: [process, disk] }
${start.config ?? ''}`,
  });
}
