import { GatewayProcess, type GatewayOptions } from './gateway-process.ts';
import { startPostgres, type PostgresOptions, type PostgresServer } from './postgres-server.ts';

export interface Shop extends AsyncDisposable {
  readonly database: PostgresServer;
  readonly gateway: GatewayProcess;
  /** A token of the agent that may use the target. */
  readonly token: string;
  /** The variables by which libpq reaches the target through the gateway. */
  readonly through: Readonly<Record<string, string>>;
  /** The variables by which libpq reaches the database directly. */
  readonly around: Readonly<Record<string, string>>;
}

export interface ShopOptions {
  readonly postgres?: PostgresOptions;
  readonly durability?: 'disk' | 'process';
  /** Further lines of its targets. */
  readonly targets?: string;
  /** Further lines of the configuration. */
  readonly config?: string;
  readonly query?: string;
  /** Further options of the target `shop`, with a comma before each. */
  readonly options?: string;
  /** The targets that the agent may use, as a list in YAML. By default the target `shop` alone. */
  readonly granted?: string;
  readonly gateway?: Partial<GatewayOptions>;
}

/** Starts a database and a gateway in front of it with the target `shop`. One agent may use the target, another may not. */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  await using starting = new AsyncDisposableStack();
  const database = starting.use(await startPostgres(options.postgres));
  const config = shopConfig(database, options);
  const environment = { SHOP_PASSWORD: database.password, ...options.gateway?.environment };
  const gateway = starting.use(await GatewayProcess.start({ ...options.gateway, config, environment }));
  const token = await gateway.issueToken('agent');
  const started = starting.move();
  return {
    database,
    gateway,
    token,
    through: libpq(gateway.port('postgres'), { user: 'agent', password: token, database: 'shop' }),
    around: libpq(database.port, { user: database.user, password: database.password, database: 'postgres' }),
    [Symbol.asyncDispose]: async () => started.disposeAsync(),
  };
}

function shopConfig(database: PostgresServer, options: ShopOptions): string {
  return `targets:
  shop: { url: "${database.url}${options.query ?? ''}", password: { env: SHOP_PASSWORD }, durability: ${options.durability ?? 'process'}${options.options ?? ''} }
${options.targets ?? ''}principals:
  agent: { kind: agent, groups: [agents], targets: ${options.granted ?? '[shop]'} }
  stranger: { kind: agent, targets: [] }
${options.config ?? ''}`;
}

function libpq(port: number, login: { user: string; password: string; database: string }): Readonly<Record<string, string>> {
  return { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: login.user, PGPASSWORD: login.password, PGDATABASE: login.database, PGCONNECT_TIMEOUT: '20' };
}
