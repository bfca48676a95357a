/**
 * The schemas of what gateways know of identities, for each kind of database. A migration only adds to the end of a list, and leaves everything in its place that
 * an older gateway beside it reads and writes.
 */

const exclusionsTable = (integer: string): string => `
  CREATE TABLE exclusions (
    revision ${integer} PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, time_ms ${integer} NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL,
    gateway TEXT NOT NULL, unrecorded INTEGER NOT NULL, mac TEXT NOT NULL);
  CREATE INDEX exclusions_unrecorded ON exclusions (gateway) WHERE unrecorded = 1;
  CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), store TEXT NOT NULL, base ${integer} NOT NULL, digest TEXT NOT NULL, mac TEXT NOT NULL);`;

const passkeyTables = ({ integer, bytes }: { readonly integer: string; readonly bytes: string }): string => `
  CREATE TABLE passkeys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, public_key ${bytes} NOT NULL, transports TEXT NOT NULL, created_ms ${integer} NOT NULL,
    counter ${integer} NOT NULL, used_ms ${integer}, mac TEXT NOT NULL);
  CREATE TABLE invitations (hash TEXT PRIMARY KEY, name TEXT, expires_ms ${integer} NOT NULL, mac TEXT NOT NULL)`;

export const embeddedMigrations: readonly string[] = [
  `CREATE TABLE tokens (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, principal TEXT NOT NULL, on_behalf_of TEXT, session TEXT,
    created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER) STRICT`,
  `ALTER TABLE tokens ADD COLUMN targets TEXT`,
  `ALTER TABLE tokens ADD COLUMN unrecorded_made_by TEXT;
  ALTER TABLE tokens ADD COLUMN unrecorded_revoked_by TEXT`,
  `CREATE TABLE revocations (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
  INSERT INTO revocations (id, count) SELECT 1, count(*) FROM tokens WHERE revoked_ms IS NOT NULL;
  CREATE TRIGGER count_revocations AFTER UPDATE OF revoked_ms ON tokens WHEN OLD.revoked_ms IS NULL AND NEW.revoked_ms IS NOT NULL
  BEGIN UPDATE revocations SET count = count + 1; END`,
  `CREATE TABLE suspensions (
    principal TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, unrecorded INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TRIGGER count_suspensions AFTER INSERT ON suspensions BEGIN UPDATE revocations SET count = count + 1; END`,
  `CREATE TABLE accounts (
    id TEXT PRIMARY KEY, issuer TEXT NOT NULL, name_key TEXT NOT NULL, user_name TEXT NOT NULL, external_id TEXT, emails TEXT NOT NULL,
    is_active INTEGER NOT NULL, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, UNIQUE (issuer, name_key)) STRICT;
  CREATE TABLE ended (name TEXT PRIMARY KEY, before_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TRIGGER count_ended AFTER INSERT ON ended BEGIN UPDATE revocations SET count = count + 1; END;
  CREATE TRIGGER count_ended_again AFTER UPDATE OF before_ms ON ended WHEN NEW.before_ms > OLD.before_ms
  BEGIN UPDATE revocations SET count = count + 1; END`,
  // All that ends tokens becomes one list. Its numbers go up to the count of before, by which an older copy is recognised.
  `${exclusionsTable('INTEGER')}
  INSERT INTO head SELECT 1, '', count, '', '' FROM revocations;
  INSERT INTO exclusions
    SELECT (SELECT count FROM revocations) - (count(*) OVER ()) + (row_number() OVER (ORDER BY time_ms)), kind, name, time_ms, by, reason, '', unrecorded, ''
    FROM (
      SELECT 'revoked' AS kind, id AS name, revoked_ms AS time_ms, coalesce(unrecorded_revoked_by, '') AS by, '' AS reason,
        unrecorded_revoked_by IS NOT NULL AS unrecorded FROM tokens WHERE revoked_ms IS NOT NULL
      UNION ALL SELECT 'suspended', principal, since_ms, by, reason, unrecorded FROM suspensions
      UNION ALL SELECT 'ended', name, before_ms, '', '', 0 FROM ended);
  DROP TRIGGER count_revocations;
  DROP TABLE suspensions;
  DROP TABLE ended;
  DROP TABLE revocations;
  ALTER TABLE tokens DROP COLUMN revoked_ms;
  ALTER TABLE tokens DROP COLUMN unrecorded_revoked_by;
  ALTER TABLE tokens ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
  ALTER TABLE tokens ADD COLUMN mac TEXT NOT NULL DEFAULT '';
  ALTER TABLE accounts ADD COLUMN mac TEXT NOT NULL DEFAULT ''`,
  passkeyTables({ integer: 'INTEGER', bytes: 'BLOB' }),
];

export const postgresMigrations: readonly string[] = [
  `CREATE TABLE tokens (
    id TEXT PRIMARY KEY, hash BYTEA NOT NULL UNIQUE, principal TEXT NOT NULL, on_behalf_of TEXT, session TEXT, created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL, targets TEXT, unrecorded_made_by TEXT, gateway TEXT NOT NULL, mac TEXT NOT NULL);
  CREATE INDEX tokens_expire ON tokens (expires_ms);
  CREATE TABLE accounts (
    id TEXT PRIMARY KEY, issuer TEXT NOT NULL, name_key TEXT NOT NULL, user_name TEXT NOT NULL, external_id TEXT, emails TEXT NOT NULL,
    is_active INTEGER NOT NULL, created_ms BIGINT NOT NULL, changed_ms BIGINT NOT NULL, mac TEXT NOT NULL, UNIQUE (issuer, name_key));
  CREATE INDEX accounts_external ON accounts (issuer, external_id);
  ${exclusionsTable('BIGINT')}`,
  passkeyTables({ integer: 'BIGINT', bytes: 'BYTEA' }),
];
