import type { KeyObject } from 'node:crypto';
import type { Sqlite } from '../store/sqlite.ts';
import type { DaySpan } from './key-store.ts';
import { unwrapBytes, wrapKey } from './wrapping.ts';

/** A row of `floors` for each change: from this day on, what is recorded under the class has this floor, in days; 0: none. `floor_rules` has the queries of classes with a floor, sealed. */
export const floorsSchema = `
  CREATE TABLE IF NOT EXISTS floors (class INTEGER NOT NULL, day INTEGER NOT NULL, floor INTEGER NOT NULL, PRIMARY KEY (class, day)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS floor_rules (class INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
`;

/** The floor of a class, or of the rule of the configuration that it is. */
interface Floor {
  readonly class: number;
  /** Null: the default. */
  readonly query: string | null;
  /** In days. Null: it has none. */
  readonly floor: number | null;
}

/** For how long nothing is erased, by class: what is recorded keeps the floor that a rule had on that day, whatever the configuration says later. */
export class Floors {
  readonly #database: Sqlite;
  readonly #key: () => KeyObject;

  /** `key` seals queries, which may name somebody. */
  constructor(database: Sqlite, key: () => KeyObject) {
    this.#database = database;
    this.#key = key;
  }

  /** Notes the floors in force from a day on; a class that is not named has none from then on. Of several on one day the longest counts. Throws GatewayError `cannot_record`. */
  enforce(floors: readonly Floor[], day: number): void {
    this.#database.transaction(() => {
      for (const { class: classId, query, floor } of floors) {
        this.#note(classId, day, floor ?? 0);
        if (query !== null && floor !== null) {
          const sealed = wrapKey(this.#key(), purposeOf(classId), Buffer.from(query));
          this.#database.run('INSERT OR IGNORE INTO floor_rules (class, sealed) VALUES (?, ?)', [classId, sealed]);
        }
      }
      const named = new Set(floors.map((each) => each.class));
      for (const row of this.#database.all('SELECT DISTINCT class FROM floors')) {
        const classId = Number(row['class']);
        if (!named.has(classId)) {
          this.#note(classId, day, 0);
          if (this.#lastDay(classId) < day) {
            this.#database.run('DELETE FROM floor_rules WHERE class = ?', [classId]);
          }
        }
      }
    });
  }

  /** Returns the longest floor that a class had on some days, that of before a change on the first of them included; null: none. */
  of(classId: number, { first, last }: DaySpan): number | null {
    const longest =
      'SELECT max(floor) AS floor FROM floors WHERE class = ? AND day <= ? AND day >= coalesce((SELECT max(day) FROM floors WHERE class = ? AND day < ?), 0)';
    const floor = Number(this.#database.get(longest, [classId, last, classId, first])?.['floor'] ?? 0);
    return floor === 0 ? null : floor;
  }

  /** Returns the rules with a floor that is not over for all that was recorded while they were in force. Throws GatewayError `key_unavailable` if one was changed. */
  rules(): readonly { readonly class: number; readonly query: string }[] {
    return this.#database.all('SELECT class, sealed FROM floor_rules ORDER BY class').map(({ class: of, sealed }) => {
      const classId = Number(of);
      return { class: classId, query: unwrapBytes(this.#key(), purposeOf(classId), sealed instanceof Uint8Array ? sealed : Buffer.alloc(0)).toString() };
    });
  }

  #note(classId: number, day: number, floor: number): void {
    const last = this.#database.get('SELECT floor FROM floors WHERE class = ? ORDER BY day DESC LIMIT 1', [classId]);
    if (Number(last?.['floor'] ?? 0) !== floor) {
      const upsert = 'INSERT INTO floors (class, day, floor) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET floor = max(floor, excluded.floor)';
      this.#database.run(upsert, [classId, day, floor]);
    }
  }

  /** Returns the last day of the floors that a class had, which it has no more. A floor ends so many days after the day of the next change. */
  #lastDay(classId: number): number {
    const rows = this.#database.all('SELECT day, floor FROM floors WHERE class = ? ORDER BY day', [classId]);
    return Math.max(0, ...rows.map(({ day, floor }, i) => (floor === 0 ? 0 : Number(rows[i + 1]?.['day'] ?? day) + Number(floor))));
  }
}

function purposeOf(classId: number): string {
  return `countersign/floor/${classId}`;
}
