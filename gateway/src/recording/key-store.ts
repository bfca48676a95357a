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
import type { NoteSigner } from '@countersign/ledger/format';
import { openAsFound } from '../store/found-sqlite.ts';
import { openSqlite, openSqliteReadOnly, type Sqlite } from '../store/sqlite.ts';
import { noClass, standardClass } from './retention.ts';
import { unwrapBytes, unwrapKey, wrapKey } from './wrapping.ts';

/** Number of secrets that are made ahead in one transaction, so that opening a session waits for no disk. */
const secretsAhead = 64;
const secretBytes = 32;

const schema = `
  CREATE TABLE IF NOT EXISTS signing_key (id INTEGER PRIMARY KEY CHECK (id = 1), gateway_id TEXT NOT NULL, wrapped BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS class_key (
    class INTEGER NOT NULL, day INTEGER NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (class, day)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS session_secrets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, class INTEGER NOT NULL, meta_day INTEGER NOT NULL, content_day INTEGER NOT NULL,
    meta BLOB NOT NULL, content BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS log_seen (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS revocations_seen (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS exclusions_seen (id INTEGER PRIMARY KEY CHECK (id = 1), store TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
`;

/** The two secrets of a new session, and what the log says about them in public. */
export interface SessionSecrets {
  readonly keyId: number;
  /** SHA-256, in hex, over both wrapped secrets. It binds the key store to the log. */
  readonly wrappedHash: string;
  readonly meta: KeyObject;
  readonly content: KeyObject;
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
  readonly #root: KeyObject;
  readonly #ahead = new Map<string, SessionSecrets[]>();
  readonly #announced = new Set<string>();
  readonly #newClassKeys: NewClassKey[] = [];
  #loggedSize: number | null = null;

  private constructor(database: Sqlite, opened: Disposable, root: KeyObject) {
    this.#database = database;
    this.#opened = opened;
    this.#root = root;
  }

  static open(file: string, root: KeyObject): KeyStore {
    const database = openSqlite(file, { journal: 'truncate', secureDelete: true });
    database.exec(schema);
    return new KeyStore(database, database, root);
  }

  /** Opens a store only to read it, whether or not a gateway runs on it. Nothing in it is made or changed. */
  static openReadOnly(file: string, root: KeyObject): KeyStore {
    const found = openAsFound(file);
    return new KeyStore(found.database, found, root);
  }

  /** Opens a store only to read it, in the process that has it open already and may change it meanwhile. */
  static openBeside(file: string, root: KeyObject): KeyStore {
    const database = openSqliteReadOnly(file);
    return new KeyStore(database, database, root);
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

  /** The hash of a session's secrets in the form that the log announces; null if they are not in this store. */
  secretsHash(keyId: number): string | null {
    const row = this.#database.get('SELECT meta, content FROM session_secrets WHERE id = ?', [keyId]);
    return row === undefined ? null : hashOfWrapped(blob(row['meta']), blob(row['content']));
  }

  /**
   * Destroys the secrets after the newest that was announced. An earlier start made them ahead, and no record names them. They are not given out, because a
   * crash may have left bytes on the disk that were sealed with them.
   */
  dropSpares(newestAnnounced: number): void {
    this.#database.run('DELETE FROM session_secrets WHERE id > ?', [newestAnnounced]);
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
      const der = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
      const wrapped = wrapKey(this.#root, signingPurpose(gatewayId), der);
      this.#database.run('INSERT INTO signing_key (id, gateway_id, wrapped) VALUES (1, ?, ?)', [gatewayId, wrapped]);
      return { gatewayId, signer: signerOf(der) };
    }
    const gatewayId = text(row['gateway_id']);
    return { gatewayId, signer: signerOf(unwrapBytes(this.#root, signingPurpose(gatewayId), blob(row['wrapped']))) };
  }

  /** Returns secrets for one session whose bodies expire on these days. They were never given out before. */
  take(metaDay: number, contentDay: number): SessionSecrets {
    const pool = `${metaDay}/${contentDay}`;
    let ahead = this.#ahead.get(pool);
    if (ahead === undefined || ahead.length === 0) {
      // Unused secrets for days that have passed are dropped.
      this.#ahead.clear();
      ahead = this.#database.transaction(() => this.#make(metaDay, contentDay));
      this.#ahead.set(pool, ahead);
      this.#announce(standardClass, metaDay);
      this.#announce(standardClass, contentDay);
    }
    const secrets = ahead.pop();
    if (secrets === undefined) {
      throw new Error('no secrets were made');
    }
    return secrets;
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

  /**
   * Returns one of the secrets of a recorded session; null if its key was destroyed. `kept` is the class and day that the leaf names: those in the row are not
   * used, because the log does not vouch for them. Throws GatewayError `key_unavailable`.
   */
  find(keyId: number, secret: 'meta' | 'content', kept: ClassDay): KeyObject | null {
    const wrapped = this.#database.get('SELECT meta, content FROM session_secrets WHERE id = ?', [keyId])?.[secret];
    const classKey = wrapped === undefined ? null : this.#findClassKey(kept.class, kept.day);
    return classKey === null ? null : unwrapKey(classKey, secretPurpose(secret), blob(wrapped));
  }

  /** The key that seals the rows of the index. It opens nothing that was recorded. */
  cacheKey(): KeyObject {
    return createSecretKey(createHmac('sha256', this.#root).update('countersign index').digest());
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
    return createSecretKey(createHmac('sha256', this.#root).update('countersign outbox').digest());
  }

  /** The key that seals how far alerts and sinks have followed the journal. It opens nothing that was recorded. */
  feedKey(): KeyObject {
    return createSecretKey(createHmac('sha256', this.#root).update('countersign feeds').digest());
  }

  /**
   * The key of the digests that stand for masked values: in records of masks, in answers in place of values, or in requests as their stand-ins. Each purpose has a key of its own, so that who
   * sees digests of one learns nothing about those of another. It opens nothing that was recorded.
   */
  maskKey(purpose: 'record' | 'hash' | 'pseudonym'): KeyObject {
    return createSecretKey(createHmac('sha256', this.#root).update(`countersign masks ${purpose}`).digest());
  }

  /** The key of the prints of values that are followed. It opens nothing that was recorded. */
  followKey(): KeyObject {
    return createSecretKey(createHmac('sha256', this.#root).update('countersign followed values').digest());
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }

  #make(metaDay: number, contentDay: number): SessionSecrets[] {
    const metaKey = this.#classKey(standardClass, metaDay);
    const contentKey = this.#classKey(standardClass, contentDay);
    if (this.#loggedSize !== null) {
      this.noteLoggedSize(this.#loggedSize);
    }
    const made = Array.from({ length: secretsAhead }, () => {
      const [meta, content] = [randomBytes(secretBytes), randomBytes(secretBytes)];
      const wrappedMeta = wrapKey(metaKey, secretPurpose('meta'), meta);
      const wrappedContent = wrapKey(contentKey, secretPurpose('content'), content);
      const keyId = this.#database.run('INSERT INTO session_secrets (class, meta_day, content_day, meta, content) VALUES (?, ?, ?, ?, ?)', [
        standardClass,
        metaDay,
        contentDay,
        wrappedMeta,
        wrappedContent,
      ]);
      const wrappedHash = hashOfWrapped(wrappedMeta, wrappedContent);
      const secrets = { keyId, wrappedHash, meta: createSecretKey(meta), content: createSecretKey(content) };
      meta.fill(0);
      content.fill(0);
      return secrets;
    });
    // Secrets are taken from the end. Reversed, they go out in the order of their numbers, so the newest announced number tells which are in use.
    return made.toReversed();
  }

  #classKey(classId: number, day: number): KeyObject {
    const known = this.#findClassKey(classId, day);
    if (known !== null) {
      return known;
    }
    const key = randomBytes(secretBytes);
    const wrapped = wrapKey(this.#root, classPurpose(classId, day), key);
    this.#database.run('INSERT INTO class_key (class, day, wrapped) VALUES (?, ?, ?)', [classId, day, wrapped]);
    const opened = createSecretKey(key);
    key.fill(0);
    return opened;
  }

  /** Queues a class key for the log. To be called once the key is committed, because a key that the log names must exist. */
  #announce(classId: number, day: number): void {
    const name = `${classId}/${day}`;
    const wrapped = this.#database.get('SELECT wrapped FROM class_key WHERE class = ? AND day = ?', [classId, day])?.['wrapped'];
    if (!this.#announced.has(name) && wrapped !== undefined) {
      this.#announced.add(name);
      this.#newClassKeys.push({ class: classId, day, wrappedHash: createHash('sha256').update(blob(wrapped)).digest('hex') });
    }
  }

  #findClassKey(classId: number, day: number): KeyObject | null {
    const row = this.#database.get('SELECT wrapped FROM class_key WHERE class = ? AND day = ?', [classId, day]);
    return row === undefined ? null : unwrapKey(this.#root, classPurpose(classId, day), blob(row['wrapped']));
  }
}

function hashOfWrapped(meta: Uint8Array, content: Uint8Array): string {
  return createHash('sha256').update(meta).update(content).digest('hex');
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

function signerOf(der: Buffer): Omit<NoteSigner, 'name'> {
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
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
