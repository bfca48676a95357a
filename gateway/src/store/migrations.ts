import { GatewayError } from '../domain/errors.ts';
import type { Sqlite } from './sqlite.ts';

/**
 * Brings a database to the newest schema. Either all missing migrations are made or none. New migrations are only ever added at the end of the list. Throws
 * GatewayError `unsupported` if a newer version wrote the database.
 */
export function migrate(database: Sqlite, migrations: readonly string[]): void {
  database.transaction(() => {
    const version = Number(database.get('PRAGMA user_version')?.['user_version']);
    if (version > migrations.length) {
      throw new GatewayError(
        'unsupported',
        `The store has schema ${version} and this Countersign knows ${migrations.length}: use the version that wrote it, or a newer one.`,
      );
    }
    for (const migration of migrations.slice(version)) {
      database.exec(migration);
    }
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
