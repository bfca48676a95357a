import { createHash } from 'node:crypto';
import { MalformedError, type KeyRows } from '@countersign/ledger';
import type { Sqlite, SqliteRow, SqliteValue } from '../store/sqlite.ts';
import { openAsFound, type FoundSqlite } from '../store/found-sqlite.ts';
import { wrappedSecretBytes } from './wrapping.ts';

const tables = ['session_secrets', 'class_key'];
/** So many wraps are read at a time: there may be millions. */
const wrapsAtOnce = 1000;

/** Reads one byte more than a wrapped secret may have, so that a longer one is noticed. */
const secretsQuery = (
  metaClass: 'class' | 'meta_class',
): string => `SELECT class, ${metaClass} AS metaClass, CAST(meta_day AS REAL) AS metaDay, CAST(content_day AS REAL) AS contentDay,
  substr(meta, 1, ${wrappedSecretBytes + 1}) AS meta, substr(content, 1, ${wrappedSecretBytes + 1}) AS content FROM session_secrets WHERE id = ?`;
const metaClassQuery = `SELECT 1 FROM pragma_table_info('session_secrets') WHERE name = 'meta_class'`;
const classKeyQuery = `SELECT substr(wrapped, 1, ${wrappedSecretBytes + 1}) AS wrapped FROM class_key WHERE class = ? AND day = ?`;
const wrapsTableQuery = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'wraps'";
const wrapsQuery = `SELECT key, slot, class, day FROM wraps WHERE told > 0 AND (key, slot, class, day) > (?, ?, ?, ?) ORDER BY key, slot, class, day LIMIT ${wrapsAtOnce}`;
const wrapQuery = `SELECT substr(wrapped, 1, ${wrappedSecretBytes + 1}) AS wrapped FROM wraps WHERE key = ? AND slot = ? AND class = ? AND day = ?`;
const hasSecretQuery = 'SELECT length(CASE ? WHEN 1 THEN meta ELSE content END) > 0 AS isThere FROM session_secrets WHERE id = ?';

/**
 * Opens a key store for the verifier, which needs no root key and changes nothing. If a change was left unfinished, the store is read as its gateway would find
 * it. Must be disposed of after use.
 */
export function openKeyRows(file: string): KeyRows & Disposable {
  let store: FoundSqlite | null = null;
  const read = <T>(act: (database: Sqlite) => T): T =>
    orMalformed(() => {
      store ??= openAsFound(file);
      return act(store.database);
    });
  const get = (sql: string, values: readonly SqliteValue[]): SqliteRow | undefined => read((database) => database.get(sql, values));
  /** A key store of before has no wraps. */
  const hasWraps = (): boolean => get(wrapsTableQuery, []) !== undefined;
  /** A key store of before has one class for facts and contents. */
  let query: string | null = null;
  return {
    check: () => {
      for (const name of tables) {
        const found = get('SELECT type FROM sqlite_schema WHERE name = ?', [name]);
        if (found?.['type'] !== 'table') {
          throw new MalformedError(`it has no table ${name}`);
        }
      }
    },
    secrets: (id) => {
      query ??= secretsQuery(get(metaClassQuery, []) === undefined ? 'class' : 'meta_class');
      const row = get(query, [id]);
      return row === undefined
        ? null
        : {
            hash: hashOf([row['meta'], row['content']]),
            meta: { class: Number(row['metaClass'] ?? row['class']), day: Number(row['metaDay']) },
            content: { class: Number(row['class']), day: Number(row['contentDay']) },
          };
    },
    classKey: (retentionClass, day) => {
      const row = get(classKeyQuery, [retentionClass, day]);
      return row === undefined ? null : hashOf([row['wrapped']]);
    },
    *wraps() {
      let after: readonly SqliteValue[] = [-1, 0, 0, 0];
      for (let isMore = hasWraps(); isMore;) {
        const from = after;
        const rows = read((database) => database.all(wrapsQuery, from));
        for (const row of rows) {
          const name = { key: Number(row['key']), slot: Number(row['slot']), class: Number(row['class']), day: Number(row['day']) };
          yield name;
          after = [name.key, name.slot, name.class, name.day];
        }
        isMore = rows.length === wrapsAtOnce;
      }
    },
    wrap: ({ key, slot, class: classId, day }) => {
      const row = hasWraps() ? get(wrapQuery, [key, slot, classId, day]) : undefined;
      return row === undefined ? null : hashOf([row['wrapped']]);
    },
    hasSecret: (key, slot) => get(hasSecretQuery, [slot, key])?.['isThere'] === 1,
    classDays: () =>
      read((database) => database.all('SELECT class, day FROM class_key ORDER BY day, class')).map((row) => ({
        class: Number(row['class']),
        day: Number(row['day']),
      })),
    [Symbol.dispose]: () => {
      store?.[Symbol.dispose]();
    },
  };
}

/** Stands for a key store that is missing from a gateway's own directory: it has no rows. */
export const noKeyRows: KeyRows & Disposable = {
  check: () => undefined,
  secrets: () => null,
  classKey: () => null,
  wraps: () => [],
  wrap: () => null,
  hasSecret: () => false,
  classDays: () => [],
  [Symbol.dispose]: () => undefined,
};

function orMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new MalformedError(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** SHA-256, in hex, over wrapped keys in order. If a value is not a wrapped key the result is empty, which equals no hash. */
function hashOf(wrapped: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const value of wrapped) {
    if (!(value instanceof Uint8Array) || value.length !== wrappedSecretBytes) {
      return '';
    }
    hash.update(value);
  }
  return hash.digest('hex');
}
