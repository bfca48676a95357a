import type { Told } from '../domain/protocol.ts';
import type { SessionSummary } from '../domain/shown-record.ts';
import type { JournalPlace } from '../recording/journal-reader.ts';
import { openSqlite, type Sqlite, type SqliteRow } from '../store/sqlite.ts';
import { GatewayError } from '../domain/errors.ts';
import { rmSync } from 'node:fs';

const schema = `
  CREATE TABLE IF NOT EXISTS followed (
    id INTEGER PRIMARY KEY CHECK (id = 1), segment INTEGER NOT NULL, offset INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY, opened_ms INTEGER NOT NULL, closed_ms INTEGER, reason TEXT, records INTEGER NOT NULL,
    principal TEXT, targets TEXT NOT NULL, key INTEGER,
    first_segment INTEGER NOT NULL, first_offset INTEGER NOT NULL, last_segment INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    own INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS sessions_opened ON sessions (opened_ms);
  CREATE TABLE IF NOT EXISTS told (
    protocol TEXT NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (protocol, target, key)) STRICT;
`;

/** What the index knows of a session. Holds no content. */
export interface IndexedSession {
  readonly session: string;
  readonly openedMs: number;
  closedMs: number | null;
  reason: string | null;
  records: number;
  principal: string | null;
  targets: string[];
  key: number | null;
  readonly first: JournalPlace;
  /** Start of the last frame with a record of it. */
  last: JournalPlace;
  /** The gateway's own session. */
  readonly own: boolean;
}

/** What a protocol learned of a target. */
export interface IndexedTold extends Told {
  readonly protocol: string;
}

/** How far the journal was followed. */
export interface IndexPosition extends JournalPlace {
  /** The chain value of the journal there: another journal, or one that ends before, has another. */
  readonly chain: Uint8Array;
}

/** Opens `index.db`; one that is no database any more is made anew. */
export function openIndexFile(file: string): Sqlite {
  try {
    return openSqlite(file, { journal: 'wal' });
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(file + suffix, { force: true });
    }
    return openSqlite(file, { journal: 'wal' });
  }
}

/** `index.db`: sessions and where they are in the journal. Can be deleted at any time; it is made again from the journal. */
export class SessionIndex {
  readonly #database: Sqlite;

  constructor(database: Sqlite) {
    this.#database = database;
    database.exec(schema);
  }

  position(): IndexPosition | null {
    const row = this.#database.get('SELECT segment, offset, chain FROM followed WHERE id = 1');
    const chain = row?.['chain'];
    return row === undefined || !(chain instanceof Uint8Array) ? null : { segment: Number(row['segment']), offset: Number(row['offset']), chain };
  }

  /** It is of another journal. */
  clear(): void {
    this.#database.transaction(() => {
      for (const table of ['followed', 'sessions', 'told']) {
        this.#database.exec(`DELETE FROM ${table}`);
      }
    });
  }

  /** All or nothing: what the sessions are once everything before `position` is counted. */
  save(position: IndexPosition, sessions: Iterable<IndexedSession>, told: readonly IndexedTold[]): void {
    this.#database.transaction(() => {
      for (const session of sessions) {
        this.#saveSession(session);
      }
      for (const { protocol, target, key, value } of told) {
        this.#database.run('INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)', [protocol, target, key, value]);
      }
      this.#database.run('INSERT OR REPLACE INTO followed (id, segment, offset, chain) VALUES (1, ?, ?, ?)', [
        position.segment,
        position.offset,
        position.chain,
      ]);
    });
  }

  find(session: string): IndexedSession | null {
    const row = this.#database.get('SELECT * FROM sessions WHERE session = ?', [session]);
    return row === undefined ? null : parseRow(row);
  }

  /** What was told last for one key. */
  toldOf(protocol: string, target: string, key: string): string | null {
    const row = this.#database.get('SELECT value FROM told WHERE protocol = ? AND target = ? AND key = ?', [protocol, target, key]);
    return row === undefined ? null : String(row['value']);
  }

  told(protocol: string): Told[] {
    const rows = this.#database.all('SELECT target, key, value FROM told WHERE protocol = ? ORDER BY rowid', [protocol]);
    return rows.map(({ target, key, value }) => ({ target: String(target), key: String(key), value: String(value) }));
  }

  open(): IndexedSession[] {
    return this.#database.all('SELECT * FROM sessions WHERE closed_ms IS NULL').map(parseRow);
  }

  /** Oldest first, in pages; the gateway's own sessions are among `all`. */
  *list(which: 'clients' | 'all'): Generator<SessionSummary> {
    const page = 500;
    for (let offset = 0; ; offset += page) {
      const rows = this.#database.all('SELECT * FROM sessions WHERE own <= ? ORDER BY opened_ms, rowid LIMIT ? OFFSET ?', [
        which === 'all' ? 1 : 0,
        page,
        offset,
      ]);
      yield* rows.map(parseRow).map(summarize);
      if (rows.length < page) {
        return;
      }
    }
  }

  #saveSession(session: IndexedSession): void {
    this.#database.run('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      session.session,
      session.openedMs,
      session.closedMs,
      session.reason,
      session.records,
      session.principal,
      JSON.stringify(session.targets),
      session.key,
      session.first.segment,
      session.first.offset,
      session.last.segment,
      session.last.offset,
      session.own ? 1 : 0,
    ]);
  }
}

function parseRow(row: SqliteRow): IndexedSession {
  return {
    session: String(row['session']),
    openedMs: Number(row['opened_ms']),
    closedMs: row['closed_ms'] === null ? null : Number(row['closed_ms']),
    reason: row['reason'] === null ? null : String(row['reason']),
    records: Number(row['records']),
    principal: row['principal'] === null ? null : String(row['principal']),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `save` as an array of names
    targets: JSON.parse(String(row['targets'])) as string[],
    key: row['key'] === null ? null : Number(row['key']),
    first: { segment: Number(row['first_segment']), offset: Number(row['first_offset']) },
    last: { segment: Number(row['last_segment']), offset: Number(row['last_offset']) },
    own: row['own'] === 1,
  };
}

function summarize(session: IndexedSession): SessionSummary {
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
  return reason === 'halted' ? 'halted' : reason === 'crash' ? 'interrupted' : 'closed';
}
