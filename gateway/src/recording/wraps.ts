import { createHash, type KeyObject } from 'node:crypto';
import type { Sqlite } from '../store/sqlite.ts';
import type { ClassDay } from './key-store.ts';
import { unwrapKey, wrapKey } from './wrapping.ts';

/** `told` is the size of the log when the wrap was on record; 0: it is not yet. */
export const wrapsSchema = `
  CREATE TABLE IF NOT EXISTS wraps (
    key INTEGER NOT NULL, slot INTEGER NOT NULL, class INTEGER NOT NULL, day INTEGER NOT NULL, wrapped BLOB NOT NULL, told INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key, slot, class, day)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS wraps_under ON wraps (class, day);
  CREATE INDEX IF NOT EXISTS wraps_untold ON wraps (class, day) WHERE told = 0;
`;

/** Names a secret: the number of its row, and which of the two in the row it is. */
export interface SecretName {
  readonly key: number;
  readonly slot: 'meta' | 'content';
}

/** A wrap as the log announces it. */
export interface NewWrap extends SecretName {
  readonly wrappedHash: string;
}

/** The slots as they are in the table and in the log. */
export const slotNumbers = { meta: 1, content: 2 } as const;

interface WrapsParts {
  readonly database: Sqlite;
  /** Returns the key of a class and day; null: it is not there. */
  readonly findClassKey: (kept: ClassDay) => KeyObject | null;
}

/** The further wraps of secrets, which keep them longer than the key of their class and day: a secret can be opened as long as one of the keys that wrap it is there. */
export class Wraps {
  readonly #database: Sqlite;
  readonly #findClassKey: WrapsParts['findClassKey'];

  constructor({ database, findClassKey }: WrapsParts) {
    this.#database = database;
    this.#findClassKey = findClassKey;
  }

  /** Returns a secret by one of its wraps that are on record; null: none of them can be opened. Throws GatewayError `key_unavailable`. */
  find({ key, slot }: SecretName): KeyObject | null {
    for (const row of this.#database.all('SELECT class, day, wrapped FROM wraps WHERE key = ? AND slot = ? AND told > 0 ORDER BY day DESC, class DESC', [
      key,
      slotNumbers[slot],
    ])) {
      const under = { class: Number(row['class']), day: Number(row['day']) };
      const classKey = this.#findClassKey(under);
      if (classKey !== null) {
        return unwrapKey(classKey, purposeOf({ key, slot }, under), blob(row['wrapped']));
      }
    }
    return null;
  }

  /** Adds the wraps that are not there yet. To be called in a transaction. `secrets` have the bytes of each. */
  add(secrets: readonly (SecretName & { readonly secret: KeyObject })[], under: ClassDay, classKey: KeyObject): void {
    for (const { key, slot, secret } of secrets) {
      const bytes = secret.export();
      const wrapped = wrapKey(classKey, purposeOf({ key, slot }, under), bytes);
      bytes.fill(0);
      this.#database.run('INSERT INTO wraps (key, slot, class, day, wrapped) VALUES (?, ?, ?, ?, ?)', [
        key,
        slotNumbers[slot],
        under.class,
        under.day,
        wrapped,
      ]);
    }
  }

  /** Returns the classes and days that wrap a secret and have a key. */
  of({ key, slot }: SecretName): readonly ClassDay[] {
    const rows = this.#database.all('SELECT class, day FROM wraps JOIN class_key USING (class, day) WHERE key = ? AND slot = ?', [key, slotNumbers[slot]]);
    return rows.map((row) => ({ class: Number(row['class']), day: Number(row['day']) }));
  }

  /** Returns the class and day by whose key `find` opens a secret; null: there is none. */
  keeperOf({ key, slot }: SecretName): ClassDay | null {
    const row = this.#database.get(
      'SELECT class, day FROM wraps JOIN class_key USING (class, day) WHERE key = ? AND slot = ? AND told > 0 ORDER BY day DESC, class DESC LIMIT 1',
      [key, slotNumbers[slot]],
    );
    return row === undefined ? null : { class: Number(row['class']), day: Number(row['day']) };
  }

  /** Returns whether a secret that belongs under a class and day is wrapped by another key too. */
  keepsOf({ class: classId, day }: ClassDay): boolean {
    const kept = `SELECT 1 FROM wraps w JOIN class_key USING (class, day) JOIN session_secrets s ON s.id = w.key WHERE told > 0 AND (
      (slot = 1 AND ifnull(s.meta_class, s.class) = ? AND s.meta_day = ?) OR (slot = 2 AND s.class = ? AND s.content_day = ?)) LIMIT 1`;
    return this.#database.get(kept, [classId, day, classId, day]) !== undefined;
  }

  has({ key, slot }: SecretName, { class: classId, day }: ClassDay): boolean {
    return this.#database.get('SELECT 1 FROM wraps WHERE key = ? AND slot = ? AND class = ? AND day = ?', [key, slotNumbers[slot], classId, day]) !== undefined;
  }

  /** The first of the classes and days with wraps that are not on record, and at most `limit` of these; null if there are none. */
  untold(limit: number): { readonly under: ClassDay; readonly wraps: readonly NewWrap[] } | null {
    const first = this.#database.get('SELECT class, day FROM wraps WHERE told = 0 LIMIT 1');
    if (first === undefined) {
      return null;
    }
    const under = { class: Number(first['class']), day: Number(first['day']) };
    const rows = this.#database.all('SELECT key, slot, wrapped FROM wraps WHERE told = 0 AND class = ? AND day = ? LIMIT ?', [under.class, under.day, limit]);
    const wraps = rows.map((row) => ({
      key: Number(row['key']),
      slot: row['slot'] === slotNumbers.meta ? ('meta' as const) : ('content' as const),
      wrappedHash: createHash('sha256').update(blob(row['wrapped'])).digest('hex'),
    }));
    return { under, wraps };
  }

  /** Removes wraps by the key of a class and day if it is gone, at most `limit`. Returns whether there may be more. */
  drop({ class: classId, day }: ClassDay, limit: number): boolean {
    const dead = `DELETE FROM wraps WHERE class = ? AND day = ? AND (key, slot) IN (SELECT key, slot FROM wraps WHERE class = ? AND day = ? LIMIT ?)
      AND NOT EXISTS (SELECT 1 FROM class_key WHERE class = ? AND day = ?)`;
    return Number(this.#database.change(dead, [classId, day, classId, day, limit, classId, day]).changes) === limit;
  }

  /** Notes that wraps are on record in a log of so many records. */
  note(wraps: readonly SecretName[], { class: classId, day }: ClassDay, size: number): void {
    this.#database.transaction(() => {
      for (const { key, slot } of wraps) {
        this.#database.run('UPDATE wraps SET told = ? WHERE key = ? AND slot = ? AND class = ? AND day = ?', [size, key, slotNumbers[slot], classId, day]);
      }
    });
  }
}

/** Takes wraps for not on record that were told to a longer log: this one lost its end, or is a copy of its beginning. */
export function untellWraps(database: Sqlite, size: number): void {
  database.run('UPDATE wraps SET told = 0 WHERE told > ?', [size]);
}

function purposeOf({ key, slot }: SecretName, { class: classId, day }: ClassDay): string {
  return `countersign/wrap/${key}/${slot}/${classId}/${day}`;
}

function blob(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError('the key store holds a wrap that is no key');
  }
  return value;
}
