import type { KeyObject } from 'node:crypto';
import { encodeHex } from '@countersign/ledger/format';
import type { TargetNote } from '../domain/service.ts';
import type { Turn } from '../recording/turn.ts';
import type { SessionSummary } from './shown-record.ts';
import { rmSync } from 'node:fs';
import { GatewayError } from '../domain/errors.ts';
import type { DamagedPlace, JournalPlace } from '../recording/journal-reader.ts';
import type { AnnouncedPair, SessionPart } from '../recording/session-reader.ts';
import { isUnreadable, openSqlite, type Sqlite, type SqliteRow, type SqliteValue } from '../store/sqlite.ts';
import { IndexDiffers, RowSeals } from './row-seals.ts';
import { TargetNotes } from './target-notes.ts';

/** The number of the layout of the tables below. An index of another layout is made again. */
const layout = 7;
const tables = ['position', 'sessions', 'parts', 'damage', 'told'];

/** Sessions are numbered in the order in which they began, without a gap. A part is a range of the journal that holds frames of a session, from its record `seq` on. */
const schema = `
  CREATE TABLE IF NOT EXISTS position (
    id INTEGER PRIMARY KEY CHECK (id = 1), segment INTEGER NOT NULL, offset INTEGER NOT NULL, chain BLOB NOT NULL, size INTEGER NOT NULL,
    sessions INTEGER NOT NULL, told INTEGER NOT NULL, seal BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, opened_ms INTEGER NOT NULL, closed_ms INTEGER, reason TEXT, records INTEGER NOT NULL,
    principal TEXT, targets TEXT NOT NULL, keys TEXT NOT NULL, key INTEGER, own INTEGER NOT NULL, token TEXT,
    secrets TEXT NOT NULL, seal BLOB NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS sessions_open ON sessions (id) WHERE closed_ms IS NULL;
  CREATE INDEX IF NOT EXISTS sessions_of_tokens ON sessions (closed_ms) WHERE token IS NOT NULL;
  CREATE TABLE IF NOT EXISTS parts (
    session INTEGER NOT NULL, seq INTEGER NOT NULL, segment INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
    PRIMARY KEY (session, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS damage (segment INTEGER NOT NULL, offset INTEGER NOT NULL, what TEXT NOT NULL, PRIMARY KEY (segment, offset)) STRICT;
  CREATE TABLE IF NOT EXISTS told (
    protocol TEXT NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, seal BLOB NOT NULL,
    PRIMARY KEY (protocol, target, key)) STRICT;
`;

/** The notes that say where versions of the policies are on record have this in place of a protocol. Each has the version as its key, and the value `SESSION/SEQ`. */
export const policyNotes = 'policies';

/** Most rows that are fetched at once. */
const pageRows = 200;

/** Null: the fact is not known, or in a record that cannot be opened. */
interface FactKeys {
  principal: number | null;
  token: number | null;
  /** In the order of the targets. */
  targets: (number | null)[];
}

/** A session as the index knows it, without content. */
export interface IndexedSession {
  /** Counts the sessions of the journal from 1. */
  readonly id: number;
  readonly session: string;
  readonly openedMs: number;
  closedMs: number | null;
  reason: string | null;
  records: number;
  principal: string | null;
  targets: string[];
  /** The numbers of the secrets that seal the records in which these facts are. */
  keys: FactKeys;
  /** The number of its first secrets. */
  key: number | null;
  /** The newest secrets that it announced, in order. Empty once a client's session is closed: it is read from its beginning. */
  secrets: readonly AnnouncedPair[];
  /** True for a session of the gateway itself. */
  readonly own: boolean;
  /** The token whose activity the session is a part of. Null: the session is no part of an activity. */
  token: string | null;
}

/** A session about which more is known than the index has. */
interface TouchedSession {
  readonly indexed: IndexedSession;
  /** The parts of the journal with frames of the session that the index does not have yet. */
  readonly parts: readonly SessionPart[];
}

/** The place up to which the journal was followed. */
export interface IndexPosition extends JournalPlace {
  /** The chain value of the journal at this place. Another journal, or one that ends earlier, has a different value or none. */
  readonly chain: Uint8Array;
  /** Number of records up to this place. */
  readonly size: number;
  readonly sessions: number;
}

/** The findings of one look at the journal. */
export interface IndexProgress {
  readonly position: IndexPosition;
  readonly sessions: Iterable<TouchedSession>;
  readonly told: readonly IndexedTold[];
  readonly damage: readonly DamagedPlace[];
}

/** A note of a protocol about a target. */
export interface IndexedTold extends TargetNote {
  readonly protocol: string;
  /** True if the note counts only when there is no earlier note with the same key. */
  readonly isUnlessTold: boolean;
}

/** Removes the index's files. A process that has them open keeps using the removed files. */
export function removeIndexFile(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(file + suffix, { force: true });
  }
}

/** Opens `index.db`. A file that is no longer a database is replaced by an empty one. */
export function openIndexFile(file: string): Sqlite {
  const database = openIndexDatabase(file);
  // A lock on this cache makes nobody wait: what cannot be written now is written after the next look at the journal.
  database.exec('PRAGMA busy_timeout = 0');
  return database;
}

function openIndexDatabase(file: string): Sqlite {
  try {
    const database = openSqlite(file, { journal: 'wal' });
    database.get('SELECT count(*) FROM sqlite_schema');
    return database;
  } catch (error) {
    if (!(error instanceof GatewayError) && !isUnreadable(error)) {
      throw error;
    }
    removeIndexFile(file);
    return openSqlite(file, { journal: 'wal' });
  }
}

/**
 * `index.db`: the sessions, and where they are in the journal. It is a cache: it can be deleted at any time and is made again from the journal. Its rows are
 * sealed with a key that is derived from the root key, so that changed or missing rows are detected. Every method that reads throws `IndexDiffers` in that
 * case.
 */
export class SessionIndex {
  readonly #database: Sqlite;
  readonly #seals: RowSeals;
  readonly #notes: TargetNotes;

  constructor(database: Sqlite, key: KeyObject) {
    this.#database = database;
    this.#seals = new RowSeals(key);
    this.#notes = new TargetNotes(database, key);
    if (Number(database.get('PRAGMA user_version')?.['user_version']) !== layout) {
      database.exec([...tables.map((table) => `DROP TABLE IF EXISTS ${table};`), `PRAGMA user_version = ${layout};`].join(''));
    }
    // Names that are dropped are in no free page of the file.
    database.exec(`PRAGMA secure_delete = ON; ${schema}`);
  }

  position(): IndexPosition | null {
    const row = this.#database.get('SELECT * FROM position');
    if (row === undefined) {
      return null;
    }
    const chain = row['chain'];
    const position = {
      segment: Number(row['segment']),
      offset: Number(row['offset']),
      chain: chain instanceof Uint8Array ? chain : new Uint8Array(),
      size: Number(row['size']),
      sessions: Number(row['sessions']),
    };
    this.#seals.require(row, [...positionFacts(position), Number(row['told'])]);
    return position;
  }

  /** Removes all rows. The journal must then be followed from its beginning. */
  clear(): void {
    this.#database.transaction(() => {
      for (const table of tables) {
        this.#database.exec(`DELETE FROM ${table}`);
      }
    });
  }

  /** Saves the findings of a look and the new position, all or nothing. */
  save({ position, sessions, told, damage }: IndexProgress): void {
    this.#database.transaction(() => {
      for (const { indexed, parts } of sessions) {
        this.#saveSession(indexed);
        for (const { seq, segment, start, end } of parts) {
          this.#database.run('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?)', [indexed.id, seq, segment, start, end]);
        }
      }
      let toldCount = this.#toldCount();
      for (const { protocol, target, key, value, isUnlessTold } of told) {
        const row = [protocol, target, key, value, this.#seals.of([protocol, target, key, value])];
        const isNew = Number(this.#database.change('INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?, ?)', row).changes) > 0;
        toldCount += isNew ? 1 : 0;
        if (!isNew && !isUnlessTold) {
          this.#database.run('INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)', row);
        }
      }
      for (const { segment, offset, what } of damage) {
        this.#database.run('INSERT OR REPLACE INTO damage VALUES (?, ?, ?)', [segment, offset, what]);
      }
      const { segment, offset, chain, size, sessions: count } = position;
      this.#database.run('INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?, ?, ?, ?, ?)', [
        segment,
        offset,
        chain,
        size,
        count,
        toldCount,
        this.#seals.of([...positionFacts(position), toldCount]),
      ]);
    });
  }

  /** Drops the facts of sessions that are in no record any more that somebody can open. `hasFacts` says of the number of secrets whether they are there. */
  async dropErased(hasFacts: (key: number) => boolean, turn: Turn): Promise<void> {
    for (let from = 0; ;) {
      const rows = this.#database
        .all(`SELECT * FROM sessions WHERE id > ? AND (principal IS NOT NULL OR token IS NOT NULL OR targets <> '[]') ORDER BY id LIMIT ?`, [from, pageRows])
        .map((row) => this.#parseRow(row));
      this.#database.transaction(() => {
        for (const row of rows) {
          const left = withoutErased(row, hasFacts);
          if (left !== null) {
            this.#saveSession(left);
          }
        }
      });
      from = rows.at(-1)?.id ?? from;
      if (rows.length < pageRows) {
        break;
      }
      await turn.spend(0);
    }
    // Until then the names are also in the write-ahead log. Where somebody reads the index just now, a later checkpoint overwrites it.
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  find(session: string): IndexedSession | null {
    const row = this.#database.get('SELECT * FROM sessions WHERE session = ?', [session]);
    if (row === undefined && Number(this.#database.get('SELECT count(*) AS rows FROM sessions')?.['rows']) !== (this.position()?.sessions ?? 0)) {
      throw new IndexDiffers('sessions are missing');
    }
    return row === undefined ? null : this.#parseRow(row);
  }

  /** The parts of a session in order, from the part that holds record `seq` on. They are not sealed: the reader checks them against the journal. */
  *parts(id: number, seq: number): Generator<SessionPart> {
    const first = this.#database.get('SELECT max(seq) AS seq FROM parts WHERE session = ? AND seq <= ?', [id, seq]);
    for (let from = Number(first?.['seq'] ?? 0); ;) {
      const rows = this.#database.all('SELECT * FROM parts WHERE session = ? AND seq >= ? ORDER BY seq LIMIT ?', [id, from, pageRows]);
      for (const row of rows) {
        yield { seq: Number(row['seq']), segment: Number(row['segment']), start: Number(row['start']), end: Number(row['end']) };
        from = Number(row['seq']) + 1;
      }
      if (rows.length < pageRows) {
        return;
      }
    }
  }

  open(): IndexedSession[] {
    return this.#database.all('SELECT * FROM sessions WHERE closed_ms IS NULL').map((row) => this.#parseRow(row));
  }

  /** Returns the sessions of tokens' activities that ended with the gateway, not before a time. */
  leftActivities(sinceMs: number): IndexedSession[] {
    const rows = this.#database.all(
      `SELECT * FROM sessions WHERE token IS NOT NULL AND closed_ms >= ? AND reason IN ('crash', 'stop', 'cannot_record') ORDER BY token, id`,
      [sinceMs],
    );
    return rows.map((row) => this.#parseRow(row));
  }

  /** Returns the place of the journal from which on there are all records of the sessions of clients that were open at a time or later. Null: there are none. */
  placeSince(timeMs: number): JournalPlace | null {
    const row = this.#database.get(
      `SELECT segment, start FROM sessions JOIN parts ON parts.session = sessions.id AND parts.seq = 0
      WHERE own = 0 AND (closed_ms IS NULL OR closed_ms >= ?) ORDER BY segment, start LIMIT 1`,
      [timeMs],
    );
    return row === undefined ? null : { segment: Number(row['segment']), offset: Number(row['start']) };
  }

  damage(): DamagedPlace[] {
    const rows = this.#database.all('SELECT * FROM damage ORDER BY segment, offset LIMIT ?', [pageRows]);
    return rows.map((row) => ({ segment: Number(row['segment']), offset: Number(row['offset']), what: String(row['what']) }));
  }

  /** Returns the sessions after one, at most a page: those that began later, or with `newest` earlier. `after` is null for the first page. */
  page(after: number | null, order: 'oldest' | 'newest' = 'oldest'): IndexedSession[] {
    const count = this.position()?.sessions ?? 0;
    const step = order === 'oldest' ? 1 : -1;
    const from = after ?? (order === 'oldest' ? 0 : count + 1);
    const where = order === 'oldest' ? 'id > ? ORDER BY id' : 'id < ? ORDER BY id DESC';
    const rows = this.#database.all(`SELECT * FROM sessions WHERE ${where} LIMIT ?`, [from, pageRows]).map((row) => this.#parseRow(row));
    const left = order === 'oldest' ? count - from : from - 1;
    if (rows.some(({ id }, i) => id !== from + step * (1 + i)) || rows.length !== Math.min(pageRows, Math.max(0, left))) {
      throw new IndexDiffers('sessions are missing');
    }
    return rows;
  }

  /** Returns sessions whose ids begin with the hex digits, at most one page. */
  beginningWith(digits: string): IndexedSession[] {
    return this.#database
      .all('SELECT * FROM sessions WHERE session >= ? AND session < ? ORDER BY session LIMIT ?', [digits, `${digits}g`, pageRows])
      .map((row) => this.#parseRow(row));
  }

  /** Returns the place of the first record of a version of the policies, which is before every decision that names it; null if there is none. */
  policyRecord(version: string): { readonly session: string; readonly seq: number } | null {
    const [session, seq] = this.#notes.find(policyNotes, '', version)?.split('/') ?? [];
    return session === undefined ? null : { session, seq: Number(seq) };
  }

  /** Checks all notes about targets. Throws `IndexDiffers` if one was changed or is missing. */
  checkNotes(): void {
    if (this.#notes.check() !== this.#toldCount()) {
      throw new IndexDiffers('what was noted of targets is missing');
    }
  }

  #toldCount(): number {
    return Number(this.#database.get('SELECT told FROM position')?.['told'] ?? 0);
  }

  #saveSession(session: IndexedSession): void {
    const facts = sessionFacts(session);
    this.#database.run('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [...facts, this.#seals.of(facts)]);
  }

  #parseRow(row: SqliteRow): IndexedSession {
    this.#seals.require(
      row,
      Object.entries(row).flatMap(([name, value]) => (name === 'seal' ? [] : [value])),
    );
    return parseRow(row);
  }
}

function positionFacts({ segment, offset, chain, size, sessions }: IndexPosition): readonly SqliteValue[] {
  return [segment, offset, encodeHex(chain), size, sessions];
}

/** The values of a session's row, in the order of the columns. */
function sessionFacts(session: IndexedSession): readonly SqliteValue[] {
  return [
    session.id,
    session.session,
    session.openedMs,
    session.closedMs,
    session.reason,
    session.records,
    session.principal,
    JSON.stringify(session.targets),
    JSON.stringify(session.keys),
    session.key,
    session.own ? 1 : 0,
    session.token,
    JSON.stringify(session.secrets),
  ];
}

function parseRow(row: SqliteRow): IndexedSession {
  return {
    id: Number(row['id']),
    session: String(row['session']),
    openedMs: Number(row['opened_ms']),
    closedMs: row['closed_ms'] === null ? null : Number(row['closed_ms']),
    reason: row['reason'] === null ? null : String(row['reason']),
    records: Number(row['records']),
    principal: row['principal'] === null ? null : String(row['principal']),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `save` as an array of names, and sealed
    targets: JSON.parse(String(row['targets'])) as string[],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `save`, and sealed
    keys: JSON.parse(String(row['keys'])) as FactKeys,
    key: row['key'] === null ? null : Number(row['key']),
    own: row['own'] === 1,
    token: row['token'] === null ? null : String(row['token']),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `save`, and sealed
    secrets: JSON.parse(String(row['secrets'])) as AnnouncedPair[],
  };
}

/** Returns a session without the facts whose secrets are gone; null if they are all there. */
function withoutErased(session: IndexedSession, hasFacts: (key: number) => boolean): IndexedSession | null {
  const isGone = (key: number | null | undefined): boolean => typeof key === 'number' && !hasFacts(key);
  const { principal, token, targets } = session.keys;
  if (![principal, token, ...targets].some(isGone)) {
    return null;
  }
  return {
    ...session,
    principal: isGone(principal) ? null : session.principal,
    token: isGone(token) ? null : session.token,
    targets: session.targets.filter((_, at) => !isGone(targets[at])),
    keys: { principal: isGone(principal) ? null : principal, token: isGone(token) ? null : token, targets: targets.filter((key) => !isGone(key)) },
  };
}

export function summarize(session: IndexedSession): SessionSummary {
  return {
    session: session.session,
    principal: session.principal,
    opened: new Date(session.openedMs).toISOString(),
    closed: session.closedMs === null ? null : new Date(session.closedMs).toISOString(),
    targets: session.targets,
    records: session.records,
    state: stateOf(session),
  };
}

function stateOf({ closedMs, reason }: IndexedSession): SessionSummary['state'] {
  if (closedMs === null) {
    return 'open';
  }
  return reason === 'halted' || reason === 'suspended' ? reason : reason === 'crash' ? 'interrupted' : 'closed';
}
