import assert from 'node:assert/strict';
import pg from 'pg';
import { openOffline } from '../../gateway/src/offline/offline-store.ts';
import type { Shop } from './shop.ts';

/** A load in which every statement leaves a mark in a table of the target. The table shows which statements reached the target. */
export interface MarkLoad {
  /** The marks of this load begin with this name. */
  readonly name: string;
  readonly clients: number;
  /** A text that is inserted beside each mark, to make the statements longer. */
  readonly padding?: string;
  /** Called with each acknowledged mark. */
  readonly onAcknowledged?: (mark: string) => void;
}

export interface MarkResult {
  /** The marks whose insertion was acknowledged to the client. */
  readonly acknowledged: readonly string[];
  /** The errors that ended the clients. */
  readonly errors: readonly Error[];
}

export async function createMarks(shop: Shop): Promise<void> {
  await inTarget(shop, 'create table marks (mark text primary key, padding text not null)');
}

/** Connects through the gateway as the agent that may use the target. */
export async function connectThrough(shop: Shop): Promise<pg.Client> {
  const { PGHOST: host = '', PGUSER: user = '', PGDATABASE: database = '' } = shop.through;
  const client = new pg.Client({ host, port: shop.gateway.port('postgres'), user, password: shop.token, database });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Runs clients that insert marks until an error ends each of them. */
export async function insertMarks(shop: Shop, { name, clients, padding = '', onAcknowledged }: MarkLoad): Promise<MarkResult> {
  const acknowledged: string[] = [];
  const errors = await Promise.all(
    Array.from({ length: clients }, async (_, number) => {
      let client: pg.Client | undefined;
      try {
        client = await connectThrough(shop);
        for (let i = 0; ; i++) {
          const mark = `${name}-${number}-${i}`;
          await client.query(insertion(mark, padding));
          acknowledged.push(mark);
          onAcknowledged?.(mark);
        }
      } catch (error) {
        return error instanceof Error ? error : new Error(String(error));
      } finally {
        // This is not awaited, because on a broken connection it may never resolve.
        void client?.end().catch(() => undefined);
      }
    }),
  );
  return { acknowledged, errors };
}

/** Checks that every statement that reached the target is in the record with its content. Returns the marks. */
export async function assertMarksRecorded(shop: Shop): Promise<ReadonlySet<string>> {
  const statements = new Set(await recordedStatements(shop));
  const rows = await inTarget<{ mark: string; padding: string }>(shop, 'select mark, padding from marks');
  for (const { mark, padding } of rows) {
    assert.ok(statements.has(insertion(mark, padding)), `${mark} reached the database and is not in the record`);
  }
  return new Set(rows.map(({ mark }) => mark));
}

/** Connects to the target directly, not through the gateway. */
export async function openTarget(shop: Shop): Promise<pg.Client> {
  const { port, user, password } = shop.database;
  const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
  await client.connect();
  return client;
}

export async function inTarget<Row extends pg.QueryResultRow>(shop: Shop, statement: string): Promise<Row[]> {
  const client = await openTarget(shop);
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Reads the statements from the store's files, whether or not a gateway runs on them. */
async function recordedStatements(shop: Shop): Promise<string[]> {
  await using store = await openOffline(shop.gateway.data, {});
  const statements: string[] = [];
  for await (const { session } of store.sessions({ which: 'clients' })) {
    for await (const { kind, attributes } of store.records(session)) {
      if (kind === 'request') {
        statements.push(String(attributes['db.query.text']));
      }
    }
  }
  return statements;
}

function insertion(mark: string, padding: string): string {
  return `insert into marks values ('${mark}', '${padding}')`;
}
