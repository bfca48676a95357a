import type { KeyObject } from 'node:crypto';
import { firstHoldClass, neverExpires } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { Sqlite, SqliteRow } from '../store/sqlite.ts';
import type { ClassDay } from './key-store.ts';
import { unwrapBytes, wrapKey } from './wrapping.ts';

const holdClassMax = 65_535;

/**
 * A number is not given again, because the log named it. `told` is the size of the log when it was on record that the hold was set, `released` when it was that it is released; 0: it is
 * not yet. `covered`: see `HoldRow`.
 */
export const holdsSchema = `
  CREATE TABLE IF NOT EXISTS holds (
    number INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL, told INTEGER NOT NULL DEFAULT 0, covered INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0, oldest_ms INTEGER, released INTEGER NOT NULL DEFAULT 0) STRICT;
`;

/** How much a hold keeps. */
export interface HeldAmount {
  /** The number of records, from the beginning of the log, that were looked at for the hold. */
  readonly covered: number;
  readonly records: number;
  /** The time of the oldest of them, in ms since 1970; null: there are none. */
  readonly oldestMs: number | null;
}

export interface HoldRow extends HeldAmount {
  readonly class: number;
  /** The subject of the hold, as it was given to `add` or `change`; null: its key was destroyed. */
  readonly facts: string | null;
  /** Whether it is on record that it was set, and that it is released. */
  readonly isTold: boolean;
  readonly isReleaseTold: boolean;
}

interface HoldRowsParts {
  readonly database: Sqlite;
  readonly findClassKey: (kept: ClassDay) => KeyObject | null;
  readonly makeClassKey: (kept: ClassDay) => KeyObject;
}

/** The holds of a key store. What each is about is sealed with the key that keeps what it holds, so that both end together. */
export class HoldRows {
  readonly #parts: HoldRowsParts;

  constructor(parts: HoldRowsParts) {
    this.#parts = parts;
  }

  /** Adds a hold with a number and a key of its own. Throws GatewayError `limit_exceeded`, `cannot_record`. */
  add(facts: string): HoldRow {
    const { database, makeClassKey } = this.#parts;
    return database.transaction(() => {
      const classId = firstHoldClass - 1 + database.run('INSERT INTO holds (sealed) VALUES (?)', [new Uint8Array()]);
      if (classId > holdClassMax) {
        throw new GatewayError('limit_exceeded', `A store has numbers for ${holdClassMax - firstHoldClass + 1} holds, and all were given.`);
      }
      const key = makeClassKey(underOf(classId));
      database.run('UPDATE holds SET sealed = ? WHERE number = ?', [seal(key, classId, facts), numberOf(classId)]);
      return { class: classId, facts, isTold: false, isReleaseTold: false, covered: 0, records: 0, oldestMs: null };
    });
  }

  /** Returns all holds, the oldest first. Throws GatewayError `store_damaged` if there is a key of a hold of which nothing more is known, `key_unavailable`. */
  all(): readonly HoldRow[] {
    const { database } = this.#parts;
    const unknown = database.get(`SELECT class FROM class_key WHERE class >= ? AND class - ? NOT IN (SELECT number FROM holds)`, [
      firstHoldClass,
      firstHoldClass - 1,
    ]);
    if (unknown !== undefined) {
      throw new GatewayError(
        'store_damaged',
        `keys.db has the key of the hold ${Number(unknown['class'])}, and not what it is about. Restore a whole copy of keys.db.`,
      );
    }
    return database.all('SELECT * FROM holds ORDER BY number').map((row) => this.#read(row));
  }

  /** Puts something else in the place of what a hold is about. Throws GatewayError `cannot_record`; `key_unavailable` if its key was destroyed. */
  change(classId: number, facts: string): void {
    const key = this.#parts.findClassKey(underOf(classId));
    if (key === null) {
      throw new GatewayError('key_unavailable', `The key of the hold ${classId} was destroyed.`);
    }
    this.#parts.database.run('UPDATE holds SET sealed = ? WHERE number = ?', [seal(key, classId, facts), numberOf(classId)]);
  }

  noteTold(classId: number, size: number): void {
    this.#parts.database.run('UPDATE holds SET told = ? WHERE number = ?', [size, numberOf(classId)]);
  }

  noteReleaseTold(classId: number, size: number): void {
    this.#parts.database.run('UPDATE holds SET released = ? WHERE number = ?', [size, numberOf(classId)]);
  }

  noteAmount(classId: number, { covered, records, oldestMs }: HeldAmount): void {
    this.#parts.database.run('UPDATE holds SET covered = ?, records = ?, oldest_ms = ? WHERE number = ?', [covered, records, oldestMs, numberOf(classId)]);
  }

  /** Returns of how many rows of the key store the hold keeps secrets. */
  countKeys(classId: number): number {
    const { class: of, day } = underOf(classId);
    return Number(this.#parts.database.get('SELECT count(DISTINCT key) AS count FROM wraps WHERE class = ? AND day = ?', [of, day])?.['count']);
  }

  remove(classId: number): void {
    this.#parts.database.run('DELETE FROM holds WHERE number = ?', [numberOf(classId)]);
  }

  #read(row: SqliteRow): HoldRow {
    const classId = Number(row['number']) + firstHoldClass - 1;
    const key = this.#parts.findClassKey(underOf(classId));
    const sealed = row['sealed'];
    return {
      class: classId,
      facts: key === null || !(sealed instanceof Uint8Array) ? null : unwrapBytes(key, purposeOf(classId), sealed).toString(),
      isTold: row['told'] !== 0,
      isReleaseTold: Number(row['released'] ?? 0) > 0,
      covered: Number(row['covered']),
      records: Number(row['records']),
      oldestMs: row['oldest_ms'] === null ? null : Number(row['oldest_ms']),
    };
  }
}

/** Forgets what was told to a longer log, and what of it was looked at: this one lost its end, or is a copy of its beginning. */
export function untellHolds(database: Sqlite, size: number): void {
  database.run('UPDATE holds SET told = 0 WHERE told > ?', [size]);
  database.run('UPDATE holds SET released = 0 WHERE released > ?', [size]);
  database.run('UPDATE holds SET covered = ? WHERE covered > ?', [size, size]);
}

/** The class and day of a hold, which never comes. */
export function underOf(classId: number): ClassDay {
  return { class: classId, day: neverExpires };
}

function numberOf(classId: number): number {
  return classId - firstHoldClass + 1;
}

function seal(key: KeyObject, classId: number, facts: string): Buffer {
  return wrapKey(key, purposeOf(classId), Buffer.from(facts));
}

function purposeOf(classId: number): string {
  return `countersign/hold/${classId}`;
}
