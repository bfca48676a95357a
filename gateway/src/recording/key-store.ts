import {
  createHash,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { formatKeyRing, type ErasureIntent, type NoteSigner } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { openAsFound } from '../store/found-sqlite.ts';
import { openSqlite, openSqliteReadOnly, type Sqlite } from '../store/sqlite.ts';
import { SqliteRemains } from '../store/sqlite-remains.ts';
import { BackupNotes, backupNotesSchema, copyKeys } from './backup-notes.ts';
import { ClassNumbers, classNumbersSchema } from './class-numbers.ts';
import { countSecrets, type KeptSecrets, type SecretCounts } from './kept-secrets.ts';
import { noClass } from './retention.ts';
import type { EscrowedRoot } from './root-secret/escrow.ts';
import { findRootRow, rootSchema, seedPurpose, untellRoot, writeRootRow, type RootRow } from './root-secret/root-rows.ts';
import { unwrapBytes, unwrapKey, wrapKey } from './wrapping.ts';
import { Floors, floorsSchema } from './floors.ts';
import { HoldRows, holdsSchema, untellHolds } from './hold-rows.ts';
import { untellWaiting, WaitingRows, waitingSchema } from './waiting-rows.ts';
import { untellWraps, Wraps, wrapsSchema, type NewWrap, type SecretName } from './wraps.ts';

/** Number of secrets that are made ahead in one transaction, so that opening a session waits for no disk. */
const secretsAhead = 64;
/** Most pairs of classes and days for which secrets are kept that were made ahead. The oldest are dropped. */
const poolsMax = 64;
const secretBytes = 32;

const schema = `
  CREATE TABLE IF NOT EXISTS signing_key (id INTEGER PRIMARY KEY CHECK (id = 1), gateway_id TEXT NOT NULL, wrapped BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS handovers (size INTEGER PRIMARY KEY, note TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE IF NOT EXISTS class_key (
    class INTEGER NOT NULL, day INTEGER NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (class, day)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS session_secrets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, class INTEGER NOT NULL, meta_day INTEGER NOT NULL, content_day INTEGER NOT NULL,
    meta BLOB NOT NULL, content BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS log_seen (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS revocations_seen (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS retention_day (id INTEGER PRIMARY KEY CHECK (id = 1), day INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS exclusions_seen (id INTEGER PRIMARY KEY CHECK (id = 1), store TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
  ${rootSchema}
  ${wrapsSchema}
  ${backupNotesSchema}
  ${classNumbersSchema}
  ${holdsSchema}
  ${floorsSchema}
  ${waitingSchema}
`;

/** A secret, and under which class and day it is kept. */
interface Secret extends ClassDay {
  readonly key: KeyObject;
}

/** Two secrets for one session, and what the log says about them in public. */
export interface SessionSecrets {
  readonly keyId: number;
  /** SHA-256, in hex, over both wrapped secrets. It binds the key store to the log. */
  readonly wrappedHash: string;
  readonly meta: Secret;
  readonly content: Secret;
}

/** How much of a list of exclusions was seen. */
interface SeenExclusions {
  /** The id of the store. Empty: `identity.db`. */
  readonly store: string;
  readonly revision: number;
}

/** A retention class, and the day on which the bodies kept under it expire. */
export interface ClassDay {
  readonly class: number;
  readonly day: number;
}

/** A span of days, as numbers of days since 1970-01-01, its last day included. */
export interface DaySpan {
  readonly first: number;
  readonly last: number;
}

/** The class keys of one class. The days may be `neverExpires`. */
interface ClassKeyCount {
  readonly class: number;
  readonly keys: number;
  readonly firstDay: number;
  readonly lastDay: number;
}

/** A key that may sign the log from some size on. It is nowhere but here until the key store has it. */
export interface NextSigner {
  readonly signer: Omit<NoteSigner, 'name'>;
  readonly privateKey: KeyObject;
}

/** A class key that came into use, as the log announces it. */
export interface NewClassKey extends ClassDay {
  readonly wrappedHash: string;
}

/**
 * `keys.db`: the signing key and the secrets of all sessions, wrapped. It is one of the two precious files (the other is the journal) and separate
 * from everything that can be rebuilt. To delete what a row opens, the row is destroyed.
 */
export class KeyStore implements Disposable {
  readonly #database: Sqlite;
  readonly #opened: Disposable;
  /** The root secrets by which the keys may be wrapped. The first one opened a key last. */
  #roots: readonly [KeyObject, ...KeyObject[]];
  /** The key from which others are derived; null before the first. It stays when the root secret changes. */
  #seed: KeyObject | null = null;
  /** Secrets that were made ahead on `#aheadOn`, by class and day of both. */
  readonly #ahead = new Map<string, SessionSecrets[]>();
  #aheadOn = 0;
  readonly #announced = new Set<string>();
  readonly #newClassKeys: NewClassKey[] = [];
  readonly #wraps: Wraps;
  readonly backups: BackupNotes;
  readonly holds: HoldRows;
  readonly floors: Floors;
  #loggedSize: number | null = null;
  /** Null: this store is opened only to read. */
  #remains: SqliteRemains | null = null;

  private constructor(database: Sqlite, opened: Disposable, roots: readonly [KeyObject, ...KeyObject[]]) {
    this.#database = database;
    this.#opened = opened;
    this.#roots = roots;
    this.backups = new BackupNotes(database);
    const findClassKey = (kept: ClassDay): KeyObject | null => this.#findClassKey(kept.class, kept.day);
    this.#wraps = new Wraps({ database, findClassKey });
    this.floors = new Floors(database, () => this.#derive('countersign rules with a floor'));
    this.holds = new HoldRows({ database, findClassKey, makeClassKey: (kept) => this.#classKey(kept.class, kept.day) });
  }

  static open(file: string, root: KeyObject): KeyStore {
    const database = openSqlite(file, { journal: 'truncate', secureDelete: true });
    database.exec(schema);
    addColumns(database);
    const keys = new KeyStore(database, database, [root]);
    keys.#remains = new SqliteRemains(file);
    return keys;
  }

  /** Opens a store only to read it, whether or not a gateway runs on it. Nothing in it is made or changed. */
  static openReadOnly(file: string, root: KeyObject): KeyStore {
    const found = openAsFound(file);
    return new KeyStore(found.database, found, [root]);
  }

  /** Opens a store only to read it, in the process that has it open already and may change it meanwhile. */
  static openBeside(file: string, roots: readonly [KeyObject, ...KeyObject[]]): KeyStore {
    const database = openSqliteReadOnly(file);
    return new KeyStore(database, database, roots);
  }

  /** The root secret as this store has it; null in a store of before. */
  get rootRow(): RootRow | null {
    const hasTable = this.#database.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'root_key'") !== undefined;
    return hasTable ? findRootRow(this.#database) : null;
  }

  /** Keeps what a start has found out about the root secret with which this store was opened. Throws GatewayError `key_unavailable` if that does not open the store. */
  keepRoot(row: RootRow): void {
    if (this.gatewayId !== null) {
      this.signer();
    }
    this.#database.transaction(() => {
      writeRootRow(this.#database, row);
    });
  }

  /** Notes that it is on record in a log of so many records which root secret is in force. Throws GatewayError `cannot_record`. */
  noteRootTold(size: number): void {
    this.#database.run('UPDATE root_key SET told = ?', [size]);
  }

  /** How many class keys there are, by class, and until which days they are kept. */
  countClassKeys(): readonly ClassKeyCount[] {
    const rows = this.#database.all('SELECT class, count(*) AS keys, min(day) AS first, max(day) AS last FROM class_key GROUP BY class ORDER BY class');
    return rows.map((row) => ({ class: Number(row['class']), keys: Number(row['keys']), firstDay: Number(row['first']), lastDay: Number(row['last']) }));
  }

  /** Takes up a root secret that may wrap the keys from now on. To be called for each opened store before `rewrap`. */
  expectRoot(next: KeyObject): void {
    this.#roots = withRoot(this.#roots, next);
  }

  /** Returns the seed of derived keys, which the caller overwrites after use. Throws GatewayError `key_unavailable`. */
  openSeed(): Buffer {
    const row = this.rootRow;
    return row === null ? this.#roots[0].export() : this.#unwrap(seedPurpose, row.seed);
  }

  /** True if a root secret that is known opens the signing key. */
  get isOpen(): boolean {
    try {
      this.signer();
      return true;
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'key_unavailable') {
        return false;
      }
      throw error;
    }
  }

  /** Returns the root secret in the form that goes into escrow. Throws GatewayError `key_unavailable`. */
  escrowed(): EscrowedRoot {
    const { root: secret } = this;
    const bytes = this.openSeed();
    const seed = createSecretKey(bytes);
    bytes.fill(0);
    return { root: this.rootRow?.id ?? 1, secret, seed };
  }

  /** Returns the root secret by which the keys are wrapped now. Throws GatewayError `key_unavailable` if none of those that are known wraps them. */
  get root(): KeyObject {
    this.signer();
    return this.#roots[0];
  }

  /**
   * Wraps class keys by the root secret to come, at most `limit`, and returns what the log is to announce of them before `rewrap`. `known` are left out, and grow by
   * what is returned.
   */
  wrapAnew(next: KeyObject, known: Map<string, Uint8Array>, limit: number): readonly NewClassKey[] {
    const all = this.#database.all('SELECT class, day FROM class_key').map((row) => ({ class: Number(row['class']), day: Number(row['day']) }));
    const some = all.filter((kept) => !known.has(nameOf(kept))).slice(0, limit);
    return some.flatMap((kept) => {
      const key = this.#findClassKey(kept.class, kept.day);
      if (key === null) {
        return [];
      }
      const bytes = key.export();
      const wrapped = wrapKey(next, classPurpose(kept.class, kept.day), bytes);
      bytes.fill(0);
      known.set(nameOf(kept), wrapped);
      return [{ ...kept, wrappedHash: hashOfWrapped(wrapped) }];
    });
  }

  /**
   * Puts a root secret in the place of the one before, with all that it wraps, in one transaction. Returns false, and changes nothing, if there is a class key
   * that `wrapped` does not have. Throws GatewayError `cannot_record` or `key_unavailable`.
   */
  rewrap(next: KeyObject, row: RootRow, wrapped: ReadonlyMap<string, Uint8Array>): boolean {
    const isDone = this.#database.transaction(() => {
      const classKeys = this.#database.all('SELECT class, day FROM class_key').map(({ class: classId, day }) => ({ class: Number(classId), day: Number(day) }));
      if (classKeys.some((kept) => !wrapped.has(nameOf(kept)))) {
        return false;
      }
      for (const kept of classKeys) {
        this.#database.run('UPDATE class_key SET wrapped = ? WHERE class = ? AND day = ?', [wrapped.get(nameOf(kept)) ?? null, kept.class, kept.day]);
      }
      this.#rewrapSigningKey(next);
      writeRootRow(this.#database, row);
      return true;
    });
    if (isDone) {
      this.#roots = [next];
    }
    return isDone;
  }

  /** The numbers of the classes of keeping. */
  get classes(): ClassNumbers {
    return new ClassNumbers(this.#database, this.#derive('countersign classes of keeping'));
  }

  /** The erasures that wait for a second person. */
  get waitingErasures(): WaitingRows {
    return new WaitingRows(this.#database, this.#derive('countersign waiting erasures'));
  }

  /** The id of the gateway; null before the first call of `signer`. */
  get gatewayId(): string | null {
    const row = this.#database.get('SELECT gateway_id FROM signing_key WHERE id = 1');
    return row === undefined ? null : text(row['gateway_id']);
  }

  /** The number of records on stable storage when it was last noted. A journal with fewer records is an older copy. */
  get loggedSize(): number {
    return Number(this.#database.get('SELECT size FROM log_seen WHERE id = 1')?.['size'] ?? 0);
  }

  /** Sets the size that is noted together with the next secrets that are made. */
  seeLoggedSize(size: number): void {
    this.#loggedSize = size;
  }

  noteLoggedSize(size: number): void {
    this.#loggedSize = size;
    this.#database.run('INSERT OR REPLACE INTO log_seen (id, size) VALUES (1, ?)', [size]);
  }

  /** The store of exclusions and the number of its newest entry when they were last noted. A store with a smaller number is an older copy. */
  get exclusionsSeen(): SeenExclusions {
    const row = this.#database.get('SELECT store, revision FROM exclusions_seen WHERE id = 1');
    // An earlier version of this program knew one store and counted in another table.
    const { count = 0 } = row === undefined ? (this.#database.get('SELECT count FROM revocations_seen WHERE id = 1') ?? {}) : {};
    return row === undefined ? { store: '', revision: Number(count) } : { store: text(row['store']), revision: Number(row['revision']) };
  }

  /** Notes the newest exclusion. To be called once it is stored. Throws GatewayError `cannot_record`. */
  noteExclusions({ store, revision }: SeenExclusions): void {
    const seen = this.exclusionsSeen;
    if (seen.store !== store || seen.revision !== revision) {
      this.#database.run('INSERT OR REPLACE INTO exclusions_seen (id, store, revision) VALUES (1, ?, ?)', [store, revision]);
    }
  }

  /** The classes and days of which there is a key, those that expire first coming first. */
  classDays(): readonly ClassDay[] {
    return this.#database.all('SELECT class, day FROM class_key ORDER BY day, class').map((row) => ({ class: Number(row['class']), day: Number(row['day']) }));
  }

  /** The days of the records that are sealed with secrets under a class key. It may be longer than they are; null: there are none, or there is no such key. */
  sealedDays({ class: classId, day }: ClassDay): DaySpan | null {
    const row = this.#database.get('SELECT first_day, last_day FROM class_key WHERE class = ? AND day = ? AND first_day IS NOT NULL', [classId, day]);
    return row === undefined ? null : { first: Number(row['first_day']), last: Number(row['last_day'] ?? day) };
  }

  /** SHA-256, in hex, of a wrapped class key; null if there is no such key. */
  classKeyHash({ class: classId, day }: ClassDay): string | null {
    const wrapped = this.#database.get('SELECT wrapped FROM class_key WHERE class = ? AND day = ?', [classId, day])?.['wrapped'];
    return wrapped === undefined ? null : hashOfWrapped(blob(wrapped));
  }

  /**
   * Destroys class keys, but only those with the hashes that were announced, and secrets, with all that wraps them. Their bytes are in no file of the store
   * once `overwriteRemains` has resolved after it. Throws GatewayError `cannot_record`; then it has to be called again.
   */
  destroy({ keys, secrets }: Pick<ErasureIntent, 'keys' | 'secrets'>): void {
    if (keys.length === 0 && secrets.length === 0) {
      return;
    }
    this.#database.transaction(() => {
      // Secrets that were made ahead may be wrapped with one of them.
      this.#dropAhead();
      for (const [classId, day, wrapped] of keys) {
        if (this.classKeyHash({ class: classId, day }) === wrapped) {
          this.#database.run('DELETE FROM class_key WHERE class = ? AND day = ?', [classId, day]);
          this.#announced.delete(`${classId}/${day}`);
        }
      }
      for (const [key, slot] of secrets) {
        // The row stays, because the log announced it by this hash.
        this.#database.run(`UPDATE session_secrets SET announced = ?, ${columnOf(slot)} = x'' WHERE id = ?`, [this.secretsHash(key), key]);
        this.#database.run('DELETE FROM wraps WHERE key = ? AND slot = ?', [key, slot]);
      }
    });
  }

  /**
   * Overwrites what is left in unused parts of the file, where SQLite leaves copies of rows that it moves. Until this resolves, bytes of keys that were destroyed or wrapped anew may be there.
   * Rejects with GatewayError `cannot_record`, `store_damaged` or `limit_exceeded`; then it has to be called again.
   */
  async overwriteRemains(): Promise<void> {
    await this.#remains?.overwrite();
  }

  /** The newest day on which retention was carried out; null before the first. */
  get retentionDay(): number | null {
    const row = this.#database.get('SELECT day FROM retention_day WHERE id = 1');
    return row === undefined ? null : Number(row['day']);
  }

  noteRetentionDay(day: number): void {
    this.#database.run('INSERT OR REPLACE INTO retention_day (id, day) VALUES (1, ?)', [day]);
  }

  /** The hash of a session's secrets in the form that the log announces; null if they are not in this store. */
  secretsHash(keyId: number): string | null {
    const row = this.#database.get('SELECT announced, meta, content FROM session_secrets WHERE id = ?', [keyId]);
    const announced = row?.['announced'];
    return row === undefined ? null : typeof announced === 'string' ? announced : hashOfWrapped(blob(row['meta']), blob(row['content']));
  }

  /**
   * Destroys the secrets after the newest that was announced. An earlier start made them ahead, and no record names them. They are not given out, because a
   * crash may have left bytes on the disk that were sealed with them.
   */
  dropSpares(newestAnnounced: number): void {
    this.#database.run('DELETE FROM session_secrets WHERE id > ?', [newestAnnounced]);
  }

  /**
   * Forgets what was told to a log of more than so many records: this one lost its end. If its key took over in the lost part, the key is the first of a new keyring:
   * what it signs from now on can be checked with itself alone, and what others signed before it with theirs.
   */
  untell(size: number): void {
    this.#database.run('DELETE FROM handovers WHERE EXISTS (SELECT 1 FROM handovers WHERE size > ?)', [size]);
    this.#database.run('UPDATE handovers SET told = 0 WHERE told > ?', [size]);
    untellRoot(this.#database, size);
    untellHolds(this.#database, size);
    untellWaiting(this.#database, size);
    untellWraps(this.#database, size);
  }

  /** Ensures that the numbers up to this one are not given again: they were announced for secrets that are lost. */
  skipTo(keyId: number): void {
    this.#database.transaction(() => {
      this.#database.run('DELETE FROM sqlite_sequence WHERE name = ?', ['session_secrets']);
      this.#database.run('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)', ['session_secrets', keyId]);
    });
  }

  /** Returns the gateway's id and its signer; makes both on the first call. Throws GatewayError `key_unavailable`. */
  signer(): { readonly gatewayId: string; readonly signer: Omit<NoteSigner, 'name'> } {
    const row = this.#database.get('SELECT gateway_id, wrapped FROM signing_key WHERE id = 1');
    if (row === undefined) {
      const gatewayId = randomBytes(8).toString('hex');
      const { privateKey, signer } = this.makeSigner();
      const der = privateKey.export({ format: 'der', type: 'pkcs8' });
      const wrapped = wrapKey(this.#roots[0], signingPurpose(gatewayId), der);
      der.fill(0);
      this.#database.run('INSERT INTO signing_key (id, gateway_id, wrapped) VALUES (1, ?, ?)', [gatewayId, wrapped]);
      return { gatewayId, signer };
    }
    const gatewayId = text(row['gateway_id']);
    const der = this.#unwrap(signingPurpose(gatewayId), blob(row['wrapped']));
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    return { gatewayId, signer: signerOf(privateKey) };
  }

  /** The keyring of the log (docs/formats/checkpoint.md); null if its key was never rotated. */
  get keyring(): string | null {
    const notes = this.#database.all('SELECT note FROM handovers ORDER BY size').map((row) => text(row['note']));
    return notes.length === 0 ? null : formatKeyRing(notes);
  }

  /** True if it is on record that the key that signs now is in force, or if it was the first. */
  get isSignerTold(): boolean {
    return this.#database.get('SELECT 1 FROM handovers WHERE told = 0') === undefined;
  }

  /** Notes that it is on record in a log of so many records which key signs now. Throws GatewayError `cannot_record`. */
  noteSignerTold(size: number): void {
    this.#database.run('UPDATE handovers SET told = ? WHERE told = 0', [size]);
  }

  /** Makes a key that may take the place of the one that signs. */
  makeSigner(): NextSigner {
    const { privateKey } = generateKeyPairSync('ed25519');
    return { signer: signerOf(privateKey), privateKey };
  }

  /**
   * Puts a key in the place of the one that signs, whose private half is destroyed, with the checkpoint with which it takes over and which covers `size` records.
   * Throws GatewayError `cannot_record` or `key_unavailable`; then nothing was changed.
   */
  replaceSigner({ privateKey }: NextSigner, note: string, size: number): void {
    const { gatewayId } = this.signer();
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    const wrapped = wrapKey(this.#roots[0], signingPurpose(gatewayId), der);
    der.fill(0);
    this.#database.transaction(() => {
      this.#database.run('UPDATE signing_key SET wrapped = ? WHERE id = 1', [wrapped]);
      this.#database.run('INSERT INTO handovers (size, note) VALUES (?, ?)', [size, note]);
      // A journal that does not have these records is an older copy.
      this.noteLoggedSize(size);
    });
  }

  /** Destroys the secrets that this process made ahead. No record names them, and without this they would be counted as kept. */
  #dropAhead(pools: readonly string[] = [...this.#ahead.keys()]): void {
    for (const pool of pools) {
      for (const { keyId } of this.#ahead.get(pool) ?? []) {
        this.#database.run('DELETE FROM session_secrets WHERE id = ?', [keyId]);
      }
      this.#ahead.delete(pool);
    }
  }

  /** Returns secrets for one session, of these classes and expiry days. They were never given out before. `today` is the number of the day. */
  take(meta: ClassDay, content: ClassDay, today: number): SessionSecrets {
    if (today !== this.#aheadOn) {
      // Secrets that were made ahead on another day expire on days that nobody asks for any more.
      this.#database.transaction(() => {
        this.#dropAhead();
      });
      this.#aheadOn = today;
    }
    const pool = `${meta.class}/${meta.day}/${content.class}/${content.day}`;
    let ahead = this.#ahead.get(pool);
    if (ahead === undefined || ahead.length === 0) {
      ahead = this.#database.transaction(() => this.#make(meta, content, today));
      this.#ahead.delete(pool);
      this.#ahead.set(pool, ahead);
      const [oldest = pool] = this.#ahead.keys();
      if (this.#ahead.size > poolsMax) {
        this.#database.transaction(() => {
          this.#dropAhead([oldest]);
        });
      }
      this.announceKey(meta);
      this.announceKey(content);
    }
    const secrets = ahead.pop();
    if (secrets === undefined) {
      throw new Error('no secrets were made');
    }
    return secrets;
  }

  /** Queues a class key for the log. To be called once the key is committed, because a key that the log names must exist. */
  announceKey({ class: classId, day }: ClassDay): void {
    const name = nameOf({ class: classId, day });
    const wrapped = this.#database.get('SELECT wrapped FROM class_key WHERE class = ? AND day = ?', [classId, day])?.['wrapped'];
    if (!this.#announced.has(name) && wrapped !== undefined) {
      this.#announced.add(name);
      this.#newClassKeys.push({ class: classId, day, wrappedHash: hashOfWrapped(blob(wrapped)) });
    }
  }

  /**
   * Gives `record` the class keys that came into use since the last call, including those of earlier epochs, because a crash may have kept them out of the log.
   * A key for which `record` throws is given again next time.
   */
  announceClassKeys(record: (key: NewClassKey) => void): void {
    for (let key = this.#newClassKeys[0]; key !== undefined; key = this.#newClassKeys[0]) {
      record(key);
      this.#newClassKeys.shift();
    }
  }

  /** True unless nothing opens the facts any more that were sealed with the secrets of a number. */
  hasFactsOf(keyId: number): boolean {
    const isThere = `SELECT 1 FROM session_secrets s WHERE id = ? AND (
      (length(meta) > 0 AND EXISTS (SELECT 1 FROM class_key k WHERE k.class = ifnull(s.meta_class, s.class) AND k.day = s.meta_day))
      OR EXISTS (SELECT 1 FROM wraps w JOIN class_key k USING (class, day) WHERE w.key = s.id AND w.slot = 1))`;
    return this.#database.get(isThere, [keyId]) !== undefined;
  }

  /**
   * Returns one of the secrets of a recorded session; null if all keys that wrap it were destroyed. `kept` is the class and day that the leaf names: those in the
   * row are not used, because the log does not vouch for them. Throws GatewayError `key_unavailable`.
   */
  find(keyId: number, secret: 'meta' | 'content', kept: ClassDay): KeyObject | null {
    const row = this.#database.get('SELECT meta, content FROM session_secrets WHERE id = ?', [keyId]);
    const wrapped = row === undefined ? null : blob(row[secret]);
    // One that was destroyed by itself is empty.
    const classKey = wrapped === null || wrapped.length === 0 ? null : this.#findClassKey(kept.class, kept.day);
    return wrapped === null || classKey === null ? this.#wraps.find({ key: keyId, slot: secret }) : unwrapKey(classKey, secretPurpose(secret), wrapped);
  }

  /**
   * Wraps secrets once more, by the key of a class and day, which is made if it is not there. Those that it wraps already, and those that nothing opens any more,
   * are left out. The wraps count once they are on record. All of it is one transaction on the thread that serves, so callers give few at a time.
   */
  wrap(secrets: readonly SecretName[], under: ClassDay): void {
    this.#database.transaction(() => {
      const classKey = this.#classKey(under.class, under.day);
      const wanted = secrets.filter((name) => !this.#wraps.has(name, under));
      this.#wraps.add(
        wanted.flatMap((name) => {
          const secret = this.#openAsRowSays(name);
          return secret === null ? [] : [{ ...name, secret }];
        }),
        under,
        classKey,
      );
    });
  }

  /** Returns the further classes and days that keep a secret. */
  wrapsOf(name: SecretName): readonly ClassDay[] {
    return this.#wraps.of(name);
  }

  /** Removes what a class key wrapped that was destroyed, at most `limit` wraps. Nothing opens them. Returns whether there may be more. Throws GatewayError `cannot_record`. */
  dropWraps(under: ClassDay, limit: number): boolean {
    return this.#wraps.drop(under, limit);
  }

  /** Returns the class and day by whose key a secret can be opened that its own class and day opens no more; null: nothing opens it. */
  keeperOf(name: SecretName): ClassDay | null {
    return this.#wraps.keeperOf(name);
  }

  /** Returns whether other keys open some of the secrets that belong under a class and day. */
  keepsOtherwise(kept: ClassDay): boolean {
    return this.#wraps.keepsOf(kept);
  }

  /** Returns wraps that are not on record yet, all by the key of one class and day, at most `limit`; null if there are none. Their class key is given to `announceClassKeys`. */
  untoldWraps(limit: number): { readonly under: ClassDay; readonly wraps: readonly NewWrap[] } | null {
    const untold = this.#wraps.untold(limit);
    if (untold !== null) {
      this.announceKey(untold.under);
    }
    return untold;
  }

  /** Notes that wraps are on record in a log of so many records. */
  noteWraps(wraps: readonly SecretName[], under: ClassDay, size: number): void {
    this.#wraps.note(wraps, under, size);
  }

  /** Writes a copy for a backup of a log of `size` records to a new file, while this store goes on. */
  async copyTo(file: string, size: number): Promise<void> {
    await copyKeys(this.#database, file, size);
  }

  /** Counts the secrets under each class and day, those that are made ahead too, in slices for which a writer waits some milliseconds. */
  async countSecrets(): Promise<readonly KeptSecrets[]> {
    return countSecrets(this.#database);
  }

  /** Takes from counts what this process has made ahead, and nothing was recorded with. */
  withoutSpares(counted: readonly KeptSecrets[]): readonly KeptSecrets[] {
    const left = counted.map((kept) => ({ ...kept }));
    const find = ({ class: classId, day }: ClassDay): SecretCounts | undefined => left.find((kept) => kept.class === classId && kept.day === day);
    for (const { meta, content } of [...this.#ahead.values()].flat()) {
      const [facts, contents] = [find(meta), find(content)];
      if (facts !== undefined && contents !== undefined) {
        facts.facts -= 1;
        contents.contents -= 1;
      }
    }
    return left;
  }

  /** The key that seals the rows of the index. It opens nothing that was recorded. */
  cacheKey(): KeyObject {
    return this.#derive('countersign index');
  }

  /**
   * The key of the parts of the index that are made of what is kept under a class and day; null if what is kept there was destroyed. With `noClass`, of what is kept
   * for ever. Throws GatewayError `key_unavailable`.
   */
  indexKey(kept: ClassDay): KeyObject | null {
    const under = kept.class === noClass ? this.cacheKey() : this.#findClassKey(kept.class, kept.day);
    return under === null ? null : createSecretKey(createHmac('sha256', under).update('countersign index of records').digest());
  }

  /** The key that seals the messages that wait to be sent. It opens nothing that was recorded. */
  outboxKey(): KeyObject {
    return this.#derive('countersign outbox');
  }

  /** The key that seals how far alerts and sinks have followed the journal. It opens nothing that was recorded. */
  feedKey(): KeyObject {
    return this.#derive('countersign feeds');
  }

  /**
   * The key of the digests that stand for masked values: in records of masks, in answers in place of values, or in requests as their stand-ins. Each purpose has a key of its own, so that who
   * sees digests of one learns nothing about those of another. It opens nothing that was recorded.
   */
  maskKey(purpose: 'record' | 'hash' | 'pseudonym'): KeyObject {
    return this.#derive(`countersign masks ${purpose}`);
  }

  /** The key of which a protocol makes the one by which its clients know the gateway. It opens nothing that was recorded. */
  listenerKey(protocol: string): KeyObject {
    return this.#derive(`countersign listener ${protocol}`);
  }

  /** The key of the prints of values that are followed. It opens nothing that was recorded. */
  followKey(): KeyObject {
    return this.#derive('countersign followed values');
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
    this.#remains?.[Symbol.dispose]();
  }

  #make(meta: ClassDay, content: ClassDay, today: number): SessionSecrets[] {
    const metaKey = this.#classKey(meta.class, meta.day);
    const contentKey = this.#classKey(content.class, content.day);
    for (const { class: classId, day } of [meta, content]) {
      this.#database.run('UPDATE class_key SET first_day = coalesce(first_day, ?), last_day = ? WHERE class = ? AND day = ?', [today, today, classId, day]);
    }
    if (this.#loggedSize !== null) {
      this.noteLoggedSize(this.#loggedSize);
    }
    const made = Array.from({ length: secretsAhead }, () => {
      const [ofMeta, ofContent] = [randomBytes(secretBytes), randomBytes(secretBytes)];
      const wrappedMeta = wrapKey(metaKey, secretPurpose('meta'), ofMeta);
      const wrappedContent = wrapKey(contentKey, secretPurpose('content'), ofContent);
      const keyId = this.#database.run('INSERT INTO session_secrets (class, meta_class, meta_day, content_day, meta, content) VALUES (?, ?, ?, ?, ?, ?)', [
        content.class,
        meta.class,
        meta.day,
        content.day,
        wrappedMeta,
        wrappedContent,
      ]);
      const wrappedHash = hashOfWrapped(wrappedMeta, wrappedContent);
      const secrets = {
        keyId,
        wrappedHash,
        meta: { ...meta, key: createSecretKey(ofMeta) },
        content: { ...content, key: createSecretKey(ofContent) },
      };
      ofMeta.fill(0);
      ofContent.fill(0);
      return secrets;
    });
    // Secrets are taken from the end. Reversed, they go out in the order of their numbers, so the newest announced number tells which are in use.
    return made.toReversed();
  }

  /** Opens a secret by the class and day in its row, or by a further wrap; null if nothing opens it any more. */
  #openAsRowSays({ key, slot }: SecretName): KeyObject | null {
    const row = this.#database.get('SELECT class, meta_class, meta_day, content_day FROM session_secrets WHERE id = ?', [key]);
    if (row === undefined) {
      return null;
    }
    const [ofClass, day] = slot === 'meta' ? [row['meta_class'] ?? row['class'], row['meta_day']] : [row['class'], row['content_day']];
    return this.find(key, slot, { class: Number(ofClass), day: Number(day) });
  }

  #classKey(classId: number, day: number): KeyObject {
    const known = this.#findClassKey(classId, day);
    if (known !== null) {
      return known;
    }
    const key = randomBytes(secretBytes);
    const wrapped = wrapKey(this.#roots[0], classPurpose(classId, day), key);
    this.#database.run('INSERT INTO class_key (class, day, wrapped) VALUES (?, ?, ?)', [classId, day, wrapped]);
    const opened = createSecretKey(key);
    key.fill(0);
    return opened;
  }

  /** Unwraps what the root secret wraps: the one that is known, or the one that has taken its place meanwhile. Throws GatewayError `key_unavailable`. */
  #unwrap(purpose: string, wrapped: Uint8Array): Buffer {
    const [first, ...others] = this.#roots;
    try {
      return unwrapBytes(first, purpose, wrapped);
    } catch (error) {
      for (const other of others) {
        const bytes = unwrapOrNull(other, purpose, wrapped);
        if (bytes !== null) {
          this.#roots = [other, ...this.#roots.filter((root) => root !== other)];
          return bytes;
        }
      }
      throw error;
    }
  }

  #rewrapSigningKey(next: KeyObject): void {
    const row = this.#database.get('SELECT gateway_id, wrapped FROM signing_key WHERE id = 1');
    if (row !== undefined) {
      const purpose = signingPurpose(text(row['gateway_id']));
      const der = this.#unwrap(purpose, blob(row['wrapped']));
      this.#database.run('UPDATE signing_key SET wrapped = ? WHERE id = 1', [wrapKey(next, purpose, der)]);
      der.fill(0);
    }
  }

  #derive(purpose: string): KeyObject {
    if (this.#seed === null) {
      const bytes = this.openSeed();
      this.#seed = createSecretKey(bytes);
      bytes.fill(0);
    }
    return createSecretKey(createHmac('sha256', this.#seed).update(purpose).digest());
  }

  #findClassKey(classId: number, day: number): KeyObject | null {
    const row = this.#database.get('SELECT wrapped FROM class_key WHERE class = ? AND day = ?', [classId, day]);
    if (row === undefined) {
      return null;
    }
    const bytes = this.#unwrap(classPurpose(classId, day), blob(row['wrapped']));
    const key = createSecretKey(bytes);
    bytes.fill(0);
    return key;
  }
}

/**
 * Adds the columns that tables of before do not have. Where `meta_class` is null, the facts are of the class of the contents. `announced` is the hash by which the
 * log announced secrets of which one was destroyed; otherwise null. `first_day` and `last_day`: the days on which secrets were made under a key, null if none were. Of
 * keys of before it is not known since when.
 */
function addColumns(database: Sqlite): void {
  for (const [table, name, type, before] of [
    ['session_secrets', 'meta_class', 'INTEGER', null],
    ['session_secrets', 'announced', 'TEXT', null],
    ['class_key', 'first_day', 'INTEGER', '0'],
    ['class_key', 'last_day', 'INTEGER', null],
    ['holds', 'released', 'INTEGER', '0'],
    ['waiting_erasures', 'told', 'INTEGER', '0'],
  ] as const) {
    if (database.get(`SELECT 1 FROM pragma_table_info('${table}') WHERE name = '${name}'`) === undefined) {
      database.exec(`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`);
      if (before !== null) {
        database.exec(`UPDATE ${table} SET ${name} = ${before}`);
      }
    }
  }
}

/** Most root secrets that are tried. Each rotation of a running gateway adds one. */
const rootsMax = 8;

/** Adds a root secret to those that are tried. */
export function withRoot([first, ...others]: readonly [KeyObject, ...KeyObject[]], next: KeyObject): readonly [KeyObject, ...KeyObject[]] {
  return [first, ...others.slice(2 - rootsMax), next];
}

function unwrapOrNull(root: KeyObject, purpose: string, wrapped: Uint8Array): Buffer | null {
  try {
    return unwrapBytes(root, purpose, wrapped);
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
}

function nameOf({ class: classId, day }: ClassDay): string {
  return `${classId}/${day}`;
}

function columnOf(slot: number): 'meta' | 'content' {
  return slot === 1 ? 'meta' : 'content';
}

function hashOfWrapped(...wrapped: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const each of wrapped) {
    hash.update(each);
  }
  return hash.digest('hex');
}

function signingPurpose(gatewayId: string): string {
  return `countersign/signing/${gatewayId}`;
}

function classPurpose(classId: number, day: number): string {
  return `countersign/class/${classId}/${day}`;
}

function secretPurpose(slot: 'meta' | 'content'): string {
  return `countersign/session/${slot}`;
}

function signerOf(privateKey: KeyObject): Omit<NoteSigner, 'name'> {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { publicKey: spki.subarray(spki.length - 32), sign: (message) => sign(null, message, privateKey) };
}

function text(value: unknown): string {
  return String(value);
}

function blob(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError('the key store holds something that is no key');
  }
  return value;
}
