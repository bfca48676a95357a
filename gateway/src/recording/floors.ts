import type { Sqlite } from '../store/sqlite.ts';
import type { DaySpan } from './key-store.ts';

/** A row for each change: from this day on, what is recorded under the class has this floor, in days; 0: none. */
export const floorsSchema = `
  CREATE TABLE IF NOT EXISTS floors (class INTEGER NOT NULL, day INTEGER NOT NULL, floor INTEGER NOT NULL, PRIMARY KEY (class, day)) STRICT, WITHOUT ROWID;
`;

/** For how long nothing of a class is erased: what is recorded keeps the floor that its class had on that day, whatever the configuration says later. */
export class Floors {
  readonly #database: Sqlite;

  constructor(database: Sqlite) {
    this.#database = database;
  }

  /** Notes the floor of a class from a day on. Of several on one day the longest counts. Throws GatewayError `cannot_record`. */
  note(classId: number, day: number, floor: number | null): void {
    const last = this.#database.get('SELECT floor FROM floors WHERE class = ? ORDER BY day DESC LIMIT 1', [classId]);
    if (Number(last?.['floor'] ?? 0) !== (floor ?? 0)) {
      const upsert = 'INSERT INTO floors (class, day, floor) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET floor = max(floor, excluded.floor)';
      this.#database.run(upsert, [classId, day, floor ?? 0]);
    }
  }

  /** Returns the longest floor that a class had on some days, that of before a change on the first of them included; null: none. */
  of(classId: number, { first, last }: DaySpan): number | null {
    const longest =
      'SELECT max(floor) AS floor FROM floors WHERE class = ? AND day <= ? AND day >= coalesce((SELECT max(day) FROM floors WHERE class = ? AND day < ?), 0)';
    const floor = Number(this.#database.get(longest, [classId, last, classId, first])?.['floor'] ?? 0);
    return floor === 0 ? null : floor;
  }
}
