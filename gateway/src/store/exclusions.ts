import { createHash, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../domain/errors.ts';
import { KeyConflict, type Database, type Row, type Statement } from './database.ts';
import type { RowSeal } from './row-seal.ts';

/** No token is made after this time, in milliseconds since 1970. */
export const forGoodMs = Number.MAX_SAFE_INTEGER;

/** A token that names its sign-in is not accepted for longer after it was made, so the end of a sign-in need not be kept for longer either. */
export const signInTokenMsMax = 30 * 86_400_000;

/** A revoked token has expired after this time in any case. */
const tokenMsMax = 366 * 86_400_000;
/** The id of a token begins with this; that of a passkey does not, and it never expires. */
const tokenMark = 'tok_';
/** The name of a sign-in, not of an account nor of all sign-ins of one; see `signInKey`. */
const signInForm = /^[^/#]*#(?!\/)/;

/** Most rows that are read or left out at once. */
const pageRows = 5_000;
const deletedMax = 500;
const insertion = `INSERT INTO exclusions (revision, kind, name, time_ms, by, reason, gateway, unrecorded, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const headInsertion = 'INSERT INTO head (one, store, base, digest, mac) VALUES (1, ?, ?, ?, ?)';

/** Entries that do not count any more are left out if there are so many, and at least as many as of others. */
const uselessMin = 1_000;
/** After so many new entries it is looked whether there are such. */
const newMax = 10_000;
/** So often an act is tried again because another gateway was first. */
const attemptsMax = 50;

/**
 * One entry in the list of what ends tokens, in the order in which it counts:
 * - `revoked`: the token `name` is not accepted any more, nor is the passkey or the invitation (`store/passkeys.ts`).
 * - `suspended` and `resumed`: no token of the principal `name` is accepted, or they are again.
 * - `ended`: no token of the account or sign-in `name` (`accountKey`, `signInKey`) is accepted that was made up to `timeMs`.
 */
export interface Exclusion {
  /** Its number. The numbers have no gap. */
  readonly revision: number;
  readonly kind: 'revoked' | 'suspended' | 'resumed' | 'ended';
  readonly name: string;
  /** When it was done, or for `ended` up to when. In milliseconds since 1970, UTC. */
  readonly timeMs: number;
  /** The id of the principal that did it. Empty: an issuer did. */
  readonly by: string;
  readonly reason: string;
  /** The id of the gateway at which it was done, and which records it. Empty: it was done without one. */
  readonly gateway: string;
}

export type NewExclusion = Pick<Exclusion, 'kind' | 'name' | 'timeMs'> & Partial<Pick<Exclusion, 'by' | 'reason'>>;

/** A principal whose tokens are not accepted until it is resumed. */
export interface Suspension {
  readonly principal: string;
  readonly sinceMs: number;
  readonly by: string;
  readonly reason: string;
}

export interface ExclusionsOptions {
  /** The id of this gateway. Empty: a command without one. */
  readonly gateway: string;
  readonly now: () => number;
}

export interface AppendOptions {
  /** True: the act must still be recorded, and then noted by `recorded`. */
  readonly isUnrecorded?: boolean;
  /** Changes of other tables that are made together with it, or not at all. */
  readonly beside?: readonly Statement[];
}

/** An entry as it is stored. */
interface Stored {
  readonly entry: Exclusion;
  readonly isUnrecorded: boolean;
}

/** The beginning of the list. */
interface Head {
  /** The random id of the database, which each of its gateways notes. Empty: it is the file of one gateway. */
  readonly store: string;
  /** Up to this number, entries that do not count any more may have been left out. */
  readonly base: number;
  /** The digest of the entries up to that number that are there; empty: none was left out by this program. */
  readonly digest: string;
}

/** All that the list comes to. */
class Excluded {
  readonly revoked = new Map<string, number>();
  readonly suspended = new Map<string, Suspension>();
  readonly ended = new Map<string, number>();
  newest: Exclusion | null = null;

  add(entry: Exclusion): void {
    const { kind, name, timeMs, by, reason } = entry;
    this.newest = entry;
    if (kind === 'ended') {
      this.ended.set(name, timeMs);
    } else if (kind === 'revoked') {
      this.revoked.set(name, timeMs);
    } else if (kind === 'suspended') {
      this.suspended.set(name, { principal: name, sinceMs: timeMs, by, reason });
    } else {
      this.suspended.delete(name);
    }
  }
}

/**
 * The list of what ends tokens, to whose end alone something is added. All that it comes to is in memory, because each request asks; a gateway adds an entry only
 * after the newest that it knows, so two gateways never do something at the same time without knowing of each other.
 */
export class Exclusions {
  readonly #database: Database;
  readonly #seal: RowSeal;
  readonly #gateway: string;
  readonly #now: () => number;
  #head: Head;
  #excluded = new Excluded();
  /** The number of the newest entry when all of the list was read last. */
  #readRevision = 0;
  readonly #listeners: ((news: readonly Exclusion[]) => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(database: Database, seal: RowSeal, { gateway, now, head }: ExclusionsOptions & { readonly head: Head }) {
    this.#database = database;
    this.#seal = seal;
    this.#gateway = gateway;
    this.#now = now;
    this.#head = head;
  }

  /** Reads the list. Rejects with GatewayError `store_damaged`, `store_unreachable`, or `key_unavailable` if the key is not that of the store. */
  static async open(database: Database, seal: RowSeal, options: ExclusionsOptions): Promise<Exclusions> {
    const exclusions = new Exclusions(database, seal, { ...options, head: await makeHead(database, seal) });
    await exclusions.#alone(async () => exclusions.#readAll());
    return exclusions;
  }

  /** The random id of the database. Empty: it is the file of one gateway. */
  get store(): string {
    return this.#head.store;
  }

  /** The number of the newest entry. An older copy of the database has a smaller one. */
  get revision(): number {
    return Math.max(this.#excluded.newest?.revision ?? 0, this.#head.base);
  }

  /** When a token was revoked, in milliseconds since 1970, UTC; null if it was not. */
  revokedMs(token: string): number | null {
    return this.#excluded.revoked.get(token) ?? null;
  }

  suspension(principal: string): Suspension | null {
    return this.#excluded.suspended.get(principal) ?? null;
  }

  /** The suspensions, in the order in which they were made. */
  suspensions(): readonly Suspension[] {
    return [...this.#excluded.suspended.values()];
  }

  /** The time up to which tokens of a name are refused, in milliseconds since 1970, UTC; `forGoodMs` while its account is not active; 0 if all are accepted. */
  endedBefore(name: string): number {
    return this.#excluded.ended.get(name) ?? 0;
  }

  /** Has new entries told, of this gateway and of others, in their order. */
  onNews(listener: (news: readonly Exclusion[]) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Adds what `make` returns, and returns it. `make` sees the list as it is when the entries are added, and is called again if another gateway was first. Rejects
   * with GatewayError `cannot_record`, `store_unreachable`, `store_damaged`, or `conflict` if the statements beside it cannot be executed.
   */
  async append(
    make: () => readonly NewExclusion[] | Promise<readonly NewExclusion[]>,
    { isUnrecorded = false, beside = [] }: AppendOptions = {},
  ): Promise<readonly Exclusion[]> {
    return this.#alone(async () => {
      await this.#readAllIfLong();
      for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
        const before = this.revision;
        const entries = (await make()).map((each, i): Exclusion => ({ by: '', reason: '', ...each, revision: before + 1 + i, gateway: this.#gateway }));
        const inserts = entries.map((entry): Statement => {
          const values = valuesOf(entry);
          return [insertion, [...values, isUnrecorded ? 1 : 0, this.#seal.of('exclusions', values)]];
        });
        try {
          if (inserts.length + beside.length > 0) {
            await this.#database.change([...inserts, ...beside]);
          }
          this.#learn(entries);
          return entries;
        } catch (error) {
          if (!(error instanceof KeyConflict)) {
            throw error;
          }
        }
        await this.#read();
        if (this.revision === before) {
          break;
        }
      }
      throw new GatewayError('conflict', 'Another gateway has changed the same meanwhile: try again.');
    });
  }

  /**
   * Reads what other gateways have added. Rejects with GatewayError `store_unreachable`; `store_rolled_back` if entries are not there any more; `store_damaged` if
   * an entry was not written by a gateway.
   */
  async takeUp(): Promise<void> {
    await this.#alone(async () => {
      await this.#read();
      await this.#readAllIfLong();
    });
  }

  /** The entries after a number. Rejects with GatewayError `store_unreachable` or `store_damaged`. */
  async after(revision: number): Promise<readonly Exclusion[]> {
    return (await this.#rowsFrom(revision + 1)).map(({ entry }) => entry);
  }

  /** The revocations and suspensions of this gateway, and those that were done without one, that are not yet recorded. */
  async unrecorded(): Promise<readonly Exclusion[]> {
    const sql = `SELECT * FROM exclusions WHERE unrecorded = 1 AND gateway IN (?, '') ORDER BY revision`;
    return (await this.#database.all(sql, [this.#gateway])).map((row) => this.#parse(row).entry);
  }

  /** Notes that what was done to a token or principal is recorded. To be called once its record is committed. */
  async recorded(kind: Exclusion['kind'], name: string): Promise<void> {
    const sql = `UPDATE exclusions SET unrecorded = 0 WHERE unrecorded = 1 AND gateway IN (?, '') AND kind = ? AND name = ?`;
    await this.#database.change([[sql, [this.#gateway, kind, name]]]);
  }

  /** Reads on. If the list is not as it was, another gateway may have left out what does not count any more: then all of it is read. */
  async #read(): Promise<void> {
    try {
      await this.#readOn();
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code === 'store_unreachable' || (await readHead(this.#database, this.#seal)).base <= this.#head.base) {
        throw error;
      }
      await this.#readAll();
    }
  }

  /** Reads on from the newest entry, which is read again: it must be there unchanged. */
  async #readOn(): Promise<void> {
    const { newest } = this.#excluded;
    const entries = (await this.#rowsFrom(newest?.revision ?? 0)).map(({ entry }) => entry);
    if (newest !== null && !isDeepStrictEqual(entries.shift(), newest)) {
      throw rolledBackTo(newest.revision);
    }
    requireNoGap(entries, this.revision);
    this.#learn(entries);
  }

  async #readAllIfLong(): Promise<void> {
    if (this.revision - this.#readRevision >= newMax) {
      await this.#readAll();
    }
  }

  /** Reads all of the list, and leaves out what does not count any more if that is much of it. What is known stays known until all is read. */
  async #readAll(): Promise<void> {
    const before = this.revision;
    let [head, rows]: [Head, readonly Stored[]] = [this.#head, []];
    do {
      head = await readHead(this.#database, this.#seal);
      rows = await this.#rowsFrom(0);
    } while ((await readHead(this.#database, this.#seal)).base !== head.base);
    const entries = rows.map(({ entry }) => entry);
    if (head.digest !== '' && head.digest !== digestOf(entries.filter(({ revision }) => revision <= head.base))) {
      throw new GatewayError('store_damaged', `In the store, what ended tokens up to number ${head.base} is not what it was.`);
    }
    requireNoGap(
      entries.filter(({ revision }) => revision > head.base),
      head.base,
    );
    const excluded = new Excluded();
    entries.forEach((entry) => {
      excluded.add(entry);
    });
    if (head.store !== this.#head.store || Math.max(excluded.newest?.revision ?? 0, head.base) < before) {
      throw rolledBackTo(before);
    }
    this.#head = head;
    this.#excluded = excluded;
    this.#readRevision = this.revision;
    this.#tell(entries.filter(({ revision }) => revision > before));
    await this.#leaveOut(rows);
  }

  /** Leaves out the entries that do not count any more, if they are many. The newest stays, from which others read on. */
  async #leaveOut(rows: readonly Stored[]): Promise<void> {
    const { newest } = this.#excluded;
    const useful = usefulOf(rows, this.#now());
    const useless = rows.filter((row) => !useful.has(row) && row.entry !== newest);
    if (newest === null || useless.length < Math.max(uselessMin, rows.length / 2)) {
      return;
    }
    const dropped = new Set(useless);
    const digest = digestOf(rows.flatMap((row) => (dropped.has(row) ? [] : [row.entry])));
    const head: Head = { ...this.#head, base: newest.revision, digest };
    const values = headValues(head);
    const deletes = Array.from({ length: Math.ceil(useless.length / deletedMax) }, (_, page): Statement => {
      const revisions = useless.slice(page * deletedMax, (page + 1) * deletedMax).map(({ entry }) => entry.revision);
      return [`DELETE FROM exclusions WHERE revision IN (${revisions.map(() => '?').join(', ')})`, revisions];
    });
    try {
      await this.#database.change([
        ['DELETE FROM head WHERE base = ?', [this.#head.base]],
        [headInsertion, [...values, this.#seal.of('head', values)]],
        ...deletes,
      ]);
      this.#head = head;
    } catch (error) {
      // Another gateway did it first, or there is no room for it now.
      if (!(error instanceof KeyConflict) && !(error instanceof GatewayError)) {
        throw error;
      }
    }
  }

  async #rowsFrom(revision: number): Promise<readonly Stored[]> {
    const all: Stored[] = [];
    for (;;) {
      const from = all.at(-1)?.entry.revision ?? revision - 1;
      const rows = await this.#database.all('SELECT * FROM exclusions WHERE revision > ? ORDER BY revision LIMIT ?', [from, pageRows]);
      all.push(...rows.map((row) => this.#parse(row)));
      if (rows.length < pageRows) {
        return all;
      }
    }
  }

  #learn(entries: readonly Exclusion[]): void {
    entries.forEach((entry) => {
      this.#excluded.add(entry);
    });
    this.#tell(entries);
  }

  #tell(news: readonly Exclusion[]): void {
    if (news.length > 0) {
      this.#listeners.forEach((listener) => {
        listener(news);
      });
    }
  }

  #parse(row: Row): Stored {
    const entry: Exclusion = {
      revision: Number(row['revision']),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a gateway wrote it: the file is its own, or the seal says so
      kind: String(row['kind']) as Exclusion['kind'],
      name: String(row['name']),
      timeMs: Number(row['time_ms']),
      by: String(row['by']),
      reason: String(row['reason']),
      gateway: String(row['gateway']),
    };
    this.#seal.require(row['mac'], 'exclusions', valuesOf(entry), String(entry.revision));
    return { entry, isUnrecorded: row['unrecorded'] === 1 };
  }

  /** Does one thing after the other, so that the number of the next entry is known. */
  async #alone<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/**
 * Returns the entries that still count: the last about each name, unless it is that a principal is in again, or what it ended has expired since; and all about a
 * name of which something is not yet recorded. It is as late as the clock says, and not later than the newest entry was made, so that a clock that is wrong at a
 * start makes nothing useless.
 */
function usefulOf(rows: readonly Stored[], clockMs: number): ReadonlySet<Stored> {
  const nowMs = rows.reduce((latest, { entry: { timeMs } }) => (timeMs === forGoodMs ? latest : Math.max(latest, timeMs)), 0);
  const nameOf = ({ entry: { kind, name } }: Stored): string => `${kind === 'resumed' ? 'suspended' : kind} ${name}`;
  const useful = [...Map.groupBy(rows, nameOf).values()].flatMap((about) => {
    const last = about.at(-1);
    if (last === undefined || about.some(({ isUnrecorded }) => isUnrecorded)) {
      return about;
    }
    const { kind, name, timeMs } = last.entry;
    const ageMs = Math.min(nowMs, clockMs) - timeMs;
    const isOver =
      kind === 'resumed' ||
      (kind === 'revoked' && name.startsWith(tokenMark) && ageMs > tokenMsMax) ||
      (kind === 'ended' && signInForm.test(name) && ageMs > signInTokenMsMax);
    return isOver ? [] : [last];
  });
  return new Set(useful);
}

function requireNoGap(entries: readonly Exclusion[], before: number): void {
  const late = entries.find(({ revision }, i) => revision !== before + 1 + i);
  if (late !== undefined) {
    throw new GatewayError('store_damaged', `In the store, what ended tokens as number ${late.revision - 1} is missing.`);
  }
}

function rolledBackTo(revision: number): GatewayError {
  const words = `The store is older than it was: what ended tokens as number ${revision} is not in it any more. Bring back the newer one.`;
  return new GatewayError('store_rolled_back', words);
}

function digestOf(entries: readonly Exclusion[]): string {
  const digest = createHash('sha256');
  entries.forEach((entry) => {
    digest.update(`${JSON.stringify(valuesOf(entry))}\n`);
  });
  return digest.digest('hex');
}

function valuesOf({ revision, kind, name, timeMs, by, reason, gateway }: Exclusion): readonly (string | number)[] {
  return [revision, kind, name, timeMs, by, reason, gateway];
}

function headValues({ store, base, digest }: Head): readonly (string | number)[] {
  return [store, base, digest];
}

async function readHead(database: Database, seal: RowSeal): Promise<Head> {
  const [row] = await database.all('SELECT * FROM head');
  const head: Head = { store: String(row?.['store']), base: Number(row?.['base']), digest: String(row?.['digest']) };
  if (!seal.isOf(row?.['mac'], 'head', headValues(head))) {
    throw new GatewayError(
      'key_unavailable',
      'The key under store.postgres is not the one with which this store was made: all gateways of a store have the same.',
    );
  }
  return head;
}

/** Reads the head of a database, and gives it one if it is new. */
async function makeHead(database: Database, seal: RowSeal): Promise<Head> {
  const [row] = await database.all('SELECT * FROM head');
  if (row === undefined) {
    const values = headValues({ store: randomBytes(16).toString('hex'), base: 0, digest: '' });
    try {
      await database.change([[headInsertion, [...values, seal.of('head', values)]]]);
    } catch (error) {
      // Another gateway may have made it in the same moment.
      if (!(error instanceof KeyConflict)) {
        throw error;
      }
    }
  }
  return readHead(database, seal);
}
