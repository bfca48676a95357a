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
import { openAsFound } from '../store/sqlite-as-found.ts';
import { openSqlite, openSqliteReadOnly, type Sqlite } from '../store/sqlite.ts';
import { standardClass } from './retention.ts';
import { unwrapBytes, unwrapKey, wrapKey } from './wrapping.ts';

/** Secrets are made ahead, this many in one transaction, so that opening a session waits for no disk. */
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
`;

/** The two secrets of a new session, with what the log says of them in public. */
export interface SessionSecrets {
  readonly keyId: number;
  /** Hex SHA-256 over both wrapped secrets: binds the key store to the log. */
  readonly wrappedHash: string;
  readonly meta: KeyObject;
  readonly content: KeyObject;
}

/** A retention class, and the day on which what is kept under it expires. */
export interface ClassDay {
  readonly class: number;
  readonly day: number;
}

/** A class key that came into use, for the log. */
export interface NewClassKey extends ClassDay {
  readonly wrappedHash: string;
}

/**
 * `keys.db`: the signing key and the secrets of all sessions, wrapped. It is one of the two precious files (the other is the journal) and apart
 * from everything that can be rebuilt. Destroying a row is the deletion of what it opens.
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

  /** For reading, whoever runs on it or left it: nothing in it is made or changed. */
  static openReadOnly(file: string, root: KeyObject): KeyStore {
    const found = openAsFound(file);
    return new KeyStore(found.database, found, root);
  }

  /** For reading, in the process that has the store open already, which may go on changing it. */
  static openBeside(file: string, root: KeyObject): KeyStore {
    const database = openSqliteReadOnly(file);
    return new KeyStore(database, database, root);
  }

  /** Null before the first call of `signer`. */
  get gatewayId(): string | null {
    const row = this.#database.get('SELECT gateway_id FROM signing_key WHERE id = 1');
    return row === undefined ? null : text(row['gateway_id']);
  }

  /** How long the log was at least, all of it on stable storage, when it was last noted: a journal that is shorter is an older copy. */
  get loggedSize(): number {
    return Number(this.#database.get('SELECT size FROM log_seen WHERE id = 1')?.['size'] ?? 0);
  }

  /** To be noted with the next secrets that are made. */
  seeLoggedSize(size: number): void {
    this.#loggedSize = size;
  }

  noteLoggedSize(size: number): void {
    this.#loggedSize = size;
    this.#database.run('INSERT OR REPLACE INTO log_seen (id, size) VALUES (1, ?)', [size]);
  }

  /** How many tokens had been revoked at least when it was last noted: an `identity.db` that knows of fewer is an older copy. */
  get revocations(): number {
    return Number(this.#database.get('SELECT count FROM revocations_seen WHERE id = 1')?.['count'] ?? 0);
  }

  /** To call behind what it counts. Errors: `cannot_record`. */
  noteRevocations(count: number): void {
    if (count !== this.revocations) {
      this.#database.run('INSERT OR REPLACE INTO revocations_seen (id, count) VALUES (1, ?)', [count]);
    }
  }

  /** As the log announces the secrets of a session; null when they are not here. */
  secretsHash(keyId: number): string | null {
    const row = this.#database.get('SELECT meta, content FROM session_secrets WHERE id = ?', [keyId]);
    return row === undefined ? null : hashOfWrapped(blob(row['meta']), blob(row['content']));
  }

  /**
   * Destroys the secrets behind the newest that was announced: an earlier start made them ahead, and no record names them. They are not handed out now, for a crash may
   * have left bytes on the disk that were sealed with them.
   */
  dropSpares(newestAnnounced: number): void {
    this.#database.run('DELETE FROM session_secrets WHERE id > ?', [newestAnnounced]);
  }

  /** The numbers up to this one were announced for secrets that are lost: they are not given again. */
  skipTo(keyId: number): void {
    this.#database.transaction(() => {
      this.#database.run('DELETE FROM sqlite_sequence WHERE name = ?', ['session_secrets']);
      this.#database.run('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)', ['session_secrets', keyId]);
    });
  }

  /** Makes gateway id and signing key on the first call. Errors: `key_unavailable`. */
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

  /** Secrets for one session whose bodies expire on these days, never handed out before. */
  take(metaDay: number, contentDay: number): SessionSecrets {
    const pool = `${metaDay}/${contentDay}`;
    let ahead = this.#ahead.get(pool);
    if (ahead === undefined || ahead.length === 0) {
      // Secrets made for days that have passed are dropped unused.
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
   * Hands over the class keys that came into use since the last call, those of earlier epochs too: a crash may have kept them from the log. One that
   * `record` throws for is handed over again.
   */
  announceClassKeys(record: (key: NewClassKey) => void): void {
    for (let key = this.#newClassKeys[0]; key !== undefined; key = this.#newClassKeys[0]) {
      record(key);
      this.#newClassKeys.shift();
    }
  }

  /**
   * One of the secrets of a recorded session, null where its key was destroyed. Class and day are those that a leaf names: what the row says of them decides nothing,
   * for no log vouches for it. Errors: `key_unavailable`.
   */
  find(keyId: number, secret: 'meta' | 'content', kept: ClassDay): KeyObject | null {
    const wrapped = this.#database.get('SELECT meta, content FROM session_secrets WHERE id = ?', [keyId])?.[secret];
    const classKey = wrapped === undefined ? null : this.#findClassKey(kept.class, kept.day);
    return classKey === null ? null : unwrapKey(classKey, secretPurpose(secret), blob(wrapped));
  }

  /** Seals what is kept about the store beside it; of no use for anything else. */
  cacheKey(): KeyObject {
    return createSecretKey(createHmac('sha256', this.#root).update('countersign index').digest());
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
    // They are handed out from the end: in the order of their numbers, so that the newest that was announced says which are in use.
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

  /** Once the key is committed: what the log names must be there. */
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
