import { Kysely, SqliteDialect } from 'kysely';
import type { Sqlite, SqliteValue } from './sqlite.ts';

/** Queries as types: what a repository asks is the same for another database, which is another dialect. Transactions are `Sqlite`'s. */
export function openDatabase<Schema>(sqlite: Sqlite): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: new SqliteDialect({
      database: {
        close: () => {
          sqlite.close();
        },
        prepare: (sql) => ({
          reader: sqlite.returnsRows(sql),
          all: (values) => sqlite.all(sql, known(values)),
          run: (values) => sqlite.change(sql, known(values)),
          iterate: (values) => sqlite.iterate(sql, known(values)),
        }),
      },
    }),
  });
}

function known(values: readonly unknown[]): readonly SqliteValue[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema's columns have the types that SQLite stores, and Kysely lets nothing else in
  return values as readonly SqliteValue[];
}
