import { startPostgres as start, type PostgresOptions as StartOptions, type PostgresServer } from '../../cli/src/demo/postgres-server.ts';

export type { PostgresServer };
export type PostgresOptions = Omit<StartOptions, 'password'>;

/** Debian's server, of the same version as its `pg_dump`, which takes no newer one. */
export const debianPostgres = '/usr/lib/postgresql/15/bin';

/** A PostgreSQL of a test's own, whose log has every statement. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  return start({ ...options, password: 'target-password-canary-5f1d', settings: { fsync: 'off', log_statement: 'all', ...options.settings } });
}
