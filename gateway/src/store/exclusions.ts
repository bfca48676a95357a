import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../domain/errors.ts';
import { KeyConflict, type Database, type Row, type Statement } from './database.ts';
import type { RowSeal } from './row-seal.ts';

/** No token is made after this time, in milliseconds since 1970. */
export const forGoodMs = Number.MAX_SAFE_INTEGER;

/** A token that names its sign-in is not accepted for longer after it was made, so the end of a sign-in need not be kept for longer either. */
export const signInTokenMsMax = 30 * 86_400_000;

/** Most rows that are read at once. */
const pageRows = 5_000;
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

type NewExclusion = Pick<Exclusion, 'kind' | 'name' | 'timeMs'> & Partial<Pick<Exclusion, 'by' | 'reason'>>;

/** A principal whose tokens are not accepted until it is resumed. */
export interface Suspension {
  readonly principal: string;
  readonly sinceMs: number;
  readonly by: string;
  readonly reason: string;
}

export interface AppendOptions {
  /** True: the act must still be recorded, and then noted by `recorded`. */
  readonly isUnrecorded?: boolean;
  /** Changes of other tables that are made together with it, or not at all. */
  readonly beside?: readonly Statement[];
}

/**
 * The list of what ends tokens, which only ever gets longer. All of it is in memory, because each request asks; a gateway adds an entry only after the newest
 * that it knows, so two gateways never do something at the same time without knowing of each other.
 */
export class Exclusions {
  readonly #database: Database;
  readonly #seal: RowSeal;
  readonly #gateway: string;
  /** The random id of the database, which each of its gateways notes. Empty: it is the file of one gateway. */
  readonly store: string;
  /** The newest entry that was read; null if there is none. */
  #newest: Exclusion | null = null;
  /** Entries up to this number are not all kept. */
  readonly #base: number;
  readonly #revoked = new Map<string, number>();
  readonly #suspended = new Map<string, Suspension>();
  readonly #ended = new Map<string, number>();
  readonly #listeners: ((news: readonly Exclusion[]) => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(database: Database, seal: RowSeal, gateway: string, head: { readonly store: string; readonly base: number }) {
    this.#database = database;
    this.#seal = seal;
    this.#gateway = gateway;
    this.store = head.store;
    this.#base = head.base;
  }

  /** Reads the list. `gateway` is the id of this gateway. Rejects with GatewayError `store_damaged`, `store_unreachable`, or `key_unavailable` if the key is not that of the store. */
  static async open(database: Database, seal: RowSeal, gateway: string): Promise<Exclusions> {
    const exclusions = new Exclusions(database, seal, gateway, await readHead(database, seal));
    await exclusions.takeUp();
    return exclusions;
  }

  /** The number of the newest entry. An older copy of the database has a smaller one. */
  get revision(): number {
    return Math.max(this.#newest?.revision ?? 0, this.#base);
  }

  /** When a token was revoked, in milliseconds since 1970, UTC; null if it was not. */
  revokedMs(token: string): number | null {
    return this.#revoked.get(token) ?? null;
  }

  suspension(principal: string): Suspension | null {
    return this.#suspended.get(principal) ?? null;
  }

  /** The suspensions, in the order in which they were made. */
  suspensions(): readonly Suspension[] {
    return [...this.#suspended.values()];
  }

  /** The time up to which tokens of a name are refused, in milliseconds since 1970, UTC; `forGoodMs` while its account is not active; 0 if all are accepted. */
  endedBefore(name: string): number {
    return this.#ended.get(name) ?? 0;
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
      for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
        const before = this.revision;
        const entries = (await make()).map((each, i): Exclusion => ({ by: '', reason: '', ...each, revision: before + 1 + i, gateway: this.#gateway }));
        const inserts = entries.map((entry): Statement => {
          const values = valuesOf(entry);
          return ['INSERT INTO exclusions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', [...values, isUnrecorded ? 1 : 0, this.#seal.of('exclusions', values)]];
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
    await this.#alone(async () => this.#read());
  }

  /** The revocations and suspensions of this gateway, and those that were done without one, that are not yet recorded. */
  async unrecorded(): Promise<readonly Exclusion[]> {
    const sql = `SELECT * FROM exclusions WHERE unrecorded = 1 AND gateway IN (?, '') ORDER BY revision`;
    return (await this.#database.all(sql, [this.#gateway])).map((row) => this.#parse(row));
  }

  /** Notes that what was done to a token or principal is recorded. To be called once its record is committed. */
  async recorded(kind: Exclusion['kind'], name: string): Promise<void> {
    const sql = `UPDATE exclusions SET unrecorded = 0 WHERE unrecorded = 1 AND gateway IN (?, '') AND kind = ? AND name = ?`;
    await this.#database.change([[sql, [this.#gateway, kind, name]]]);
  }

  /** Reads on from the newest entry, which is read again: it must be there unchanged. */
  async #read(): Promise<void> {
    for (;;) {
      const newest = this.#newest;
      const rows = await this.#database.all('SELECT * FROM exclusions WHERE revision >= ? ORDER BY revision LIMIT ?', [
        newest?.revision ?? Number.MIN_SAFE_INTEGER,
        pageRows,
      ]);
      const entries = rows.map((row) => this.#parse(row));
      if (newest !== null && !isDeepStrictEqual(entries.shift(), newest)) {
        throw new GatewayError(
          'store_rolled_back',
          `The store is older than it was: what ended tokens as number ${newest.revision} is not in it any more. Bring back the newer one.`,
        );
      }
      const lost = entries.find(({ revision }, i) => revision > this.#base && revision !== Math.max(entries[i - 1]?.revision ?? this.revision, this.#base) + 1);
      if (lost !== undefined) {
        throw new GatewayError('store_damaged', `In the store, what ended tokens as number ${lost.revision - 1} is missing.`);
      }
      this.#learn(entries);
      if (rows.length < pageRows) {
        return;
      }
    }
  }

  #learn(entries: readonly Exclusion[]): void {
    for (const entry of entries) {
      this.#newest = entry;
      const { kind, name, timeMs, by, reason } = entry;
      if (kind === 'ended') {
        this.#ended.set(name, timeMs);
      } else if (kind === 'revoked') {
        this.#revoked.set(name, timeMs);
      } else if (kind === 'suspended') {
        this.#suspended.set(name, { principal: name, sinceMs: timeMs, by, reason });
      } else {
        this.#suspended.delete(name);
      }
    }
    if (entries.length > 0) {
      this.#listeners.forEach((listener) => {
        listener(entries);
      });
    }
  }

  #parse(row: Row): Exclusion {
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
    return entry;
  }

  /** Does one thing after the other, so that the number of the next entry is known. */
  async #alone<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function valuesOf({ revision, kind, name, timeMs, by, reason, gateway }: Exclusion): readonly (string | number)[] {
  return [revision, kind, name, timeMs, by, reason, gateway];
}

/** Reads the id of the database, and gives it one if it is new. */
async function readHead(database: Database, seal: RowSeal): Promise<{ readonly store: string; readonly base: number }> {
  const find = async (): Promise<Row | undefined> => (await database.all('SELECT * FROM head'))[0];
  let row = await find();
  if (row === undefined) {
    const head = [randomBytes(16).toString('hex'), 0];
    try {
      await database.change([['INSERT INTO head VALUES (1, ?, ?, ?)', [...head, seal.of('head', head)]]]);
    } catch (error) {
      // Another gateway may have made it in the same moment.
      if (!(error instanceof KeyConflict)) {
        throw error;
      }
    }
    row = await find();
  }
  const [store, base] = [String(row?.['store']), Number(row?.['base'])];
  if (!seal.isOf(row?.['mac'], 'head', [store, base])) {
    throw new GatewayError(
      'key_unavailable',
      'The key under store.postgres is not the one with which this store was made: all gateways of a store have the same.',
    );
  }
  return { store, base };
}
