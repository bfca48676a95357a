import { createHash } from 'node:crypto';
import type { KeyRows } from '@countersign/ledger/key-check.ts';
import { openSqliteReadOnly, type SqliteRow } from '../store/sqlite.ts';

/** A key store for the verifier, who needs no root key for it. Dispose of it after use. */
export function openKeyRows(file: string): KeyRows & Disposable {
  const database = openSqliteReadOnly(file);
  return {
    secrets: (id) => hashOf(database.get('SELECT meta, content FROM session_secrets WHERE id = ?', [id])),
    classKey: (retentionClass, day) => hashOf(database.get('SELECT wrapped FROM class_key WHERE class = ? AND day = ?', [retentionClass, day])),
    [Symbol.dispose]: () => {
      database.close();
    },
  };
}

/** Over the columns of a row, in order. What is no bytes hashes as nothing, and so as no key. */
function hashOf(row: SqliteRow | undefined): string | null {
  if (row === undefined) {
    return null;
  }
  const hash = createHash('sha256');
  for (const value of Object.values(row)) {
    hash.update(value instanceof Uint8Array ? value : '');
  }
  return hash.digest('hex');
}
