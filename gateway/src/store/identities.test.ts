import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { startPostgres, type PostgresServer } from '../../../tests/support/postgres-server.ts';
import { suiteParts } from '../../../tests/support/suite-parts.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { makeCertificate } from '../wire/testdata/certificates.ts';
import type { Account } from './accounts.ts';
import type { Database, Statement } from './database.ts';
import { EmbeddedDatabase } from './embedded-database.ts';
import { forGoodMs, type Exclusion } from './exclusions.ts';
import { openIdentities, type Identities } from './identities.ts';
import { openSqlite } from './sqlite.ts';
import { Authenticator } from '../identity/authenticator.ts';
import type { StoredPasskey } from './passkeys.ts';
import { PostgresDatabase } from './postgres-database.ts';
import { StoreWatch } from './store-watch.ts';
import type { StoredToken } from './tokens.ts';

const key = 'a key that the gateways have and the database has not';
const directory = mkdtempSync(join(tmpdir(), 'countersign-store-'));
after(() => {
  rmSync(directory, { recursive: true });
});

const token: StoredToken = {
  id: 'tok_1',
  principal: 'bot',
  onBehalfOf: null,
  session: null,
  targets: ['orders', 'it"s'],
  createdMs: 1_800_000_000_000,
  expiresMs: 1_800_000_001_000,
};
const hash = 'ab'.repeat(32);
const account: Account = {
  id: 'a-1',
  issuer: 'corp',
  userName: 'Ann@corp.example',
  externalId: null,
  emails: ['ann@corp.example'],
  isActive: true,
  createdMs: 1,
  changedMs: 1,
};

const passkey: StoredPasskey = {
  id: 'k-1',
  name: 'ann',
  publicKey: Uint8Array.of(0, 1, 255),
  transports: ['internal', 'hybrid'],
  createdMs: 1,
  counter: 0,
  usedMs: null,
};

/** A kind of database: makes a new one, and returns what opens it each time. */
interface Kind {
  readonly name: string;
  readonly make: () => Promise<() => Promise<Database>>;
}

describe('what gateways know of identities', () => {
  let server: PostgresServer;
  let databases = 0;
  const parts = suiteParts();
  before(async () => {
    server = parts.use(await startPostgres());
  });

  /** Makes a database in the server, and returns how it is reached. */
  async function newDatabase(): Promise<Parameters<typeof PostgresDatabase.open>[0]> {
    databases += 1;
    const database = `store_${databases}`;
    await query('postgres', `CREATE DATABASE ${database}`);
    return { host: '127.0.0.1', port: server.port, database, user: server.user, password: server.password, tls: null };
  }

  /** Asks the server as its operator does, past the gateways. */
  async function query(database: string, sql: string): Promise<void> {
    const client = new pg.Client({ host: '127.0.0.1', port: server.port, database, user: server.user, password: server.password });
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  const kinds: readonly Kind[] = [
    {
      name: 'SQLite',
      make: async () => {
        const file = join(directory, `${randomBytes(4).toString('hex')}.db`);
        return async () => new EmbeddedDatabase(file);
      },
    },
    {
      name: 'PostgreSQL',
      make: async () => {
        const settings = await newDatabase();
        return async () => PostgresDatabase.open(settings);
      },
    },
  ];

  const open = async (database: Database, gateway: string, now = Date.now): Promise<Identities> =>
    openIdentities(database, { gateway, key: database.isShared ? key : null, now });

  for (const { name, make } of kinds) {
    test(`${name}: tokens are found by their hash, listed, recorded once, and forgotten when they have expired`, async () => {
      const openDatabase = await make();
      await using database = await openDatabase();
      const { tokens, exclusions } = await open(database, 'one');
      const run: StoredToken = { ...token, id: 'tok_2', session: 's', onBehalfOf: 'ann', targets: null };
      await tokens.add(token, hash, 'ann');
      await tokens.add(run, 'cd'.repeat(32), null);
      assert.deepEqual(await tokens.findByHash(hash), token);
      assert.equal(tokens.findByHash(hash), tokens.findByHash(hash), 'it is known without asking now');
      assert.equal(await tokens.findByHash('00'.repeat(32)), null);
      assert.deepEqual([await tokens.find('tok_2'), await tokens.list()], [run, [token]]);
      assert.deepEqual(await tokens.unrecorded(), [{ token, by: 'ann' }]);
      assert.deepEqual([await tokens.idsMadeAfter('bot', token.createdMs - 1), await tokens.idsMadeAfter('bot', token.createdMs)], [['tok_1', 'tok_2'], []]);
      await tokens.removeExpired(token.expiresMs + 1);
      assert.deepEqual([await tokens.find('tok_2'), (await tokens.find('tok_1'))?.id], [null, 'tok_1']);
      await tokens.recorded('tok_1');
      await exclusions.append(() => [{ kind: 'revoked', name: 'tok_1', timeMs: 5, by: 'bob' }], { isUnrecorded: true });
      await tokens.removeExpired(token.expiresMs + 1);
      assert.ok(await tokens.find('tok_1'), 'its revocation must still be recorded');
      await exclusions.recorded('revoked', 'tok_1');
      await tokens.removeExpired(token.expiresMs + 1);
      assert.deepEqual([await tokens.find('tok_1'), await tokens.unrecorded(), await exclusions.unrecorded()], [null, [], []]);
    });

    test(`${name}: what ends tokens is the same after it is opened again`, async () => {
      const openDatabase = await make();
      const said: Exclusion[] = [];
      {
        await using database = await openDatabase();
        const { exclusions } = await open(database, 'one');
        exclusions.onNews((news) => {
          said.push(...news);
        });
        await exclusions.append(
          () => [
            { kind: 'suspended', name: 'ann', timeMs: 7, by: 'operator', reason: 'lost laptop' },
            { kind: 'suspended', name: 'bea', timeMs: 8, by: 'operator' },
          ],
          { isUnrecorded: true },
        );
        await exclusions.append(() => [{ kind: 'resumed', name: 'bea', timeMs: 9, by: 'operator' }]);
        await exclusions.append(() => [{ kind: 'ended', name: 'corp/ann', timeMs: forGoodMs }]);
        await exclusions.append(() => []);
        assert.deepEqual(
          said.map(({ revision, kind, gateway }) => [revision, kind, gateway]),
          [
            [1, 'suspended', 'one'],
            [2, 'suspended', 'one'],
            [3, 'resumed', 'one'],
            [4, 'ended', 'one'],
          ],
        );
      }
      await using database = await openDatabase();
      const { exclusions } = await open(database, 'one');
      assert.deepEqual(exclusions.suspensions(), [{ principal: 'ann', sinceMs: 7, by: 'operator', reason: 'lost laptop' }]);
      assert.deepEqual([exclusions.revision, exclusions.endedBefore('corp/ann'), exclusions.endedBefore('corp/bea')], [4, forGoodMs, 0]);
      assert.deepEqual(
        (await exclusions.unrecorded()).map((each) => each.name),
        ['ann', 'bea'],
      );
    });

    test(`${name}: an account is changed as it was read, together with what follows, or not at all`, async () => {
      const openDatabase = await make();
      await using database = await openDatabase();
      const { accounts, exclusions } = await open(database, 'one');
      const put = async (changed: Account, from: Account | null): Promise<unknown> =>
        exclusions.append(() => [{ kind: 'ended', name: `corp/${changed.id}`, timeMs: changed.changedMs }], { beside: accounts.putting(changed, from) });
      await put(account, null);
      const away = { ...account, isActive: false, externalId: 'x', changedMs: 2 };
      await put(away, account);
      assert.deepEqual(
        [await accounts.find('corp', 'a-1'), await accounts.findByName('corp', 'ANN@corp.example'), await accounts.findByExternalId('corp', 'x')],
        [away, away, away],
      );
      await assert.rejects(put({ ...account, changedMs: 3 }, account), { code: 'conflict' }, 'it was changed meanwhile');
      await assert.rejects(put({ ...account, id: 'a-2' }, null), { code: 'conflict' }, 'there is one of this name');
      assert.deepEqual([exclusions.revision, exclusions.endedBefore('corp/a-1')], [2, 2], 'what would follow is not there either');
      await put({ ...account, id: 'a-2', userName: 'bea' }, null);
      const { total, accounts: second } = await accounts.list('corp', { from: 1, limit: 5 });
      assert.deepEqual([total, second.map(({ id }) => id)], [2, ['a-2']]);
      await exclusions.append(() => [], { beside: accounts.removing(away) });
      assert.equal(await accounts.find('corp', 'a-1'), null);
    });

    test(`${name}: an invitation is spent once, and a passkey that was removed or changed past the gateways does not count`, async () => {
      const openDatabase = await make();
      await using database = await openDatabase();
      const { passkeys, exclusions } = await open(database, 'one');
      const other = await open(database, 'two');
      assert.ok(await passkeys.isUntouched());
      const invitation = { hash, name: 'ann', expiresMs: 100 };
      await passkeys.invite(invitation);
      assert.deepEqual(
        [await passkeys.findInvitation(hash, 99), await passkeys.findInvitation(hash, 100), await passkeys.isUntouched()],
        [invitation, null, false],
      );
      await passkeys.add(passkey, hash);
      for (const { passkeys: again } of [{ passkeys }, other]) {
        await assert.rejects(again.add({ ...passkey, id: 'k-2' }, hash), { code: 'conflict' });
      }
      assert.deepEqual([await passkeys.findInvitation(hash, 99), await other.passkeys.list()], [null, [passkey]]);
      await passkeys.use('k-1', 5, 9);
      await passkeys.use('k-1', 3, 10);
      assert.deepEqual(await passkeys.find('k-1'), { ...passkey, counter: 5, usedMs: 10 }, 'a counter does not go down');
      const [row = {}] = await database.all('SELECT mac FROM passkeys');
      const insert = async (changed: string): Promise<void> => {
        const values = [changed, passkey.publicKey, JSON.stringify(passkey.transports), String(row['mac'])];
        await database.change([[`INSERT INTO passkeys VALUES ('k-1', ?, ?, ?, 1, 0, NULL, ?)`, values]]);
      };
      const remove = (): Statement => ['DELETE FROM passkeys', []];
      if (database.isShared) {
        await database.change([remove()]);
        await insert('bea');
        assert.deepEqual([await passkeys.find('k-1'), await passkeys.list()], [null, []], 'no gateway wrote it');
        await database.change([remove()]);
        await insert('ann');
        assert.ok(await passkeys.find('k-1'));
      }
      await passkeys.remove('k-1', 50, 'operator', async () => Promise.resolve([{ kind: 'ended', name: 'local/ann', timeMs: 50 }]));
      assert.deepEqual([await passkeys.find('k-1'), exclusions.endedBefore('local/ann')], [null, 50]);
      await insert('ann');
      assert.equal(await passkeys.find('k-1'), null, 'it was removed');
    });

    test(`${name}: a text that would not come back as it was written is refused, and nothing is worse for it`, async () => {
      const openDatabase = await make();
      await using database = await openDatabase();
      const { exclusions, accounts, tokens } = await open(database, 'one');
      const refused = { code: 'malformed', message: /cannot be kept: leave it out/ };
      for (const text of ['a\0b', 'a\ud800']) {
        const written = [{ kind: 'suspended', name: 'ann', timeMs: 1, reason: text } as const, { kind: 'ended', name: `corp/${text}`, timeMs: 1 } as const];
        for (const each of written) {
          await assert.rejects(
            exclusions.append(() => [each]),
            refused,
          );
        }
        await assert.rejects(async () => exclusions.append(() => [], { beside: accounts.putting({ ...account, userName: text }, null) }), refused);
      }
      await exclusions.append(() => [{ kind: 'suspended', name: 'bea', timeMs: 1 }]);
      await exclusions.takeUp();
      assert.equal((await open(database, 'two')).exclusions.revision, 1);
      assert.equal(await tokens.find('tok_\ud800'), null);
    });
  }

  test('a text that PostgreSQL does not have is asked for in vain, and that is not told as a store that cannot be asked', async () => {
    await using database = await PostgresDatabase.open(await newDatabase());
    const { accounts } = await open(database, 'one');
    await assert.rejects(accounts.findByName('corp', 'a\0'), { code: 'malformed' });
  });

  test('C28: a gateway that cannot be told of news asks for them', async () => {
    const settings = await newDatabase();
    await query(settings.database, `CREATE ROLE alone LOGIN PASSWORD 'alone' CONNECTION LIMIT 1; GRANT ALL ON SCHEMA public TO alone`);
    await using alone = await PostgresDatabase.open({ ...settings, user: 'alone', password: 'alone' });
    const { exclusions } = await open(alone, 'one');
    await assert.rejects(async () => alone.listen(() => undefined), { code: 'store_unreachable' });
    await query(settings.database, 'GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC');
    await using database = await PostgresDatabase.open(settings);
    const other = await open(database, 'two');
    using watch = new StoreWatch({ database: alone, exclusions, staleMs: 60_000, onTrouble: () => undefined, onFault: () => undefined });
    await watch.begin();
    await other.exclusions.append(() => [{ kind: 'revoked', name: 'tok_1', timeMs: 5 }]);
    await waitUntil(() => exclusions.revokedMs('tok_1') !== null);
  });

  test('E48: a token whose row arrives when nobody knows any more who may come in is not accepted', async () => {
    const settings = await newDatabase();
    await using database = await PostgresDatabase.open(settings);
    const { tokens, exclusions } = await open(database, 'one');
    const bot = { id: 'bot', kind: 'agent', groups: [], targets: [] } as const;
    let fault: Error | null = null;
    const requireCurrent = (): void => {
      if (fault !== null) {
        throw fault;
      }
    };
    using authenticator = new Authenticator({ tokens, exclusions, requireCurrent, findPrincipal: () => bot, now: Date.now });
    const { token: shown } = await authenticator.create('bot');
    const client = new pg.Client({ ...settings, ssl: false });
    await client.connect();
    await client.query('BEGIN; LOCK TABLE tokens');
    const unknown = new Error('nobody knows');
    const outcome = assert.rejects(authenticator.authenticate(shown), unknown);
    fault = unknown;
    await client.query('ROLLBACK');
    await outcome;
    await client.end();
  });

  test('B19: the database cannot give another row than the one that is asked for, nor say who made a token', async () => {
    const settings = await newDatabase();
    const role = { ...settings, user: 'served', password: 'served' };
    await query(settings.database, `CREATE ROLE served LOGIN PASSWORD 'served'; GRANT ALL ON SCHEMA public TO served`);
    await using first = await PostgresDatabase.open(role);
    const one = await open(first, 'one');
    await one.tokens.add(token, hash, 'ann');
    await one.passkeys.invite({ hash, name: 'ann', expiresMs: forGoodMs });
    await one.passkeys.add(passkey, hash);
    await one.exclusions.append(() => [], { beside: one.accounts.putting({ ...account, externalId: 'x' }, null) });
    await query(settings.database, `UPDATE tokens SET unrecorded_made_by = 'bob'`);
    await assert.rejects(one.tokens.unrecorded(), { code: 'store_damaged' });
    for (const type of ['bytea', 'text']) {
      await query(
        settings.database,
        `CREATE FUNCTION public.every(${type}, ${type}) RETURNS bool AS 'SELECT true' LANGUAGE sql;
        CREATE OPERATOR public.= (LEFTARG = ${type}, RIGHTARG = ${type}, FUNCTION = public.every)`,
      );
    }
    await query(settings.database, 'ALTER ROLE served SET search_path = public, pg_catalog');
    await using second = await PostgresDatabase.open(role);
    const { tokens, accounts, passkeys } = await open(second, 'two');
    await assert.rejects(async () => tokens.findByHash('cd'.repeat(32)), { code: 'store_damaged' }, 'a token that nobody made');
    await assert.rejects(tokens.find('tok_2'), { code: 'store_damaged' });
    assert.deepEqual(await tokens.idsMadeAfter('ann', 0), [], 'a row of another one holds up no sign-out');
    assert.equal(await passkeys.find('k-2'), null);
    for (const find of [
      async () => accounts.find('corp', 'a-2'),
      async () => accounts.find('other', 'a-1'),
      async () => accounts.findByName('corp', 'bea'),
      async () => accounts.findByExternalId('corp', 'y'),
      async () => accounts.list('other', { from: 0, limit: 1 }),
    ]) {
      await assert.rejects(find, { code: 'store_damaged' });
    }
  });

  test('what does not count any more is left out of a long list, and a gateway that runs beside goes on', async () => {
    const settings = await newDatabase();
    await using database = await PostgresDatabase.open(settings);
    const one = await open(database, 'one');
    const dayMs = 86_400_000;
    const lateMs = 1_800_000_000_000;
    const kept: readonly [Exclusion['kind'], string, number][] = [
      ['suspended', 'ann', lateMs - 500 * dayMs],
      ['ended', 'corp/bea', forGoodMs],
      ['ended', 'corp#/u-1', lateMs - 40 * dayMs],
      ['ended', 'corp#new', lateMs - 29 * dayMs],
      ['revoked', 'tok_new', lateMs - 365 * dayMs],
      ['revoked', 'passkey:x', lateMs - 500 * dayMs],
    ];
    const over: readonly [Exclusion['kind'], string, number][] = [
      ['ended', 'corp#old', lateMs - 31 * dayMs],
      ['revoked', 'tok_old', lateMs - 367 * dayMs],
    ];
    const add = async (entries: readonly [Exclusion['kind'], string, number][], isUnrecorded = false): Promise<unknown> =>
      one.exclusions.append(() => entries.map(([kind, name, timeMs]) => ({ kind, name, timeMs })), { isUnrecorded });
    await add([...kept, ...over]);
    const lagging = await open(database, 'two');
    await add([['suspended', 'cem', lateMs]], true);
    await add(Array.from({ length: 1_000 }, (_, i) => [i % 2 === 0 ? 'suspended' : 'resumed', 'dan', lateMs]));
    await add([['resumed', 'cem', lateMs]]);
    const count = async (): Promise<number> => (await database.all('SELECT * FROM exclusions')).length;
    assert.equal(await count(), 1_010);
    const { exclusions: whole } = await open(database, 'three', () => lateMs + 1_000 * dayMs);
    assert.equal(await count(), 8, 'what still counts when the newest entry was made, whatever the clock says, and what is not recorded, with what followed');
    const heard: string[] = [];
    lagging.exclusions.onNews((news) => {
      heard.push(...news.map(({ name }) => name));
    });
    await Promise.all([one.exclusions.takeUp(), lagging.exclusions.takeUp()]);
    assert.deepEqual(heard, ['cem', 'cem'], 'what still counts of what is new');
    const { exclusions: anew } = await open(database, 'four');
    for (const each of [one.exclusions, lagging.exclusions, whole, anew]) {
      assert.deepEqual([each.revision, each.suspensions().map(({ principal }) => principal)], [1_010, ['ann']]);
      assert.deepEqual(
        [each.endedBefore('corp/bea'), each.endedBefore('corp#/u-1'), each.revokedMs('tok_new')],
        [forGoodMs, lateMs - 40 * dayMs, lateMs - 365 * dayMs],
      );
    }
    assert.deepEqual([anew.endedBefore('corp#old'), anew.revokedMs('tok_old')], [0, null]);
    await add([['suspended', 'eve', lateMs]]);
    await Promise.all([anew.takeUp(), lagging.exclusions.takeUp()]);
    assert.deepEqual([anew.revision, lagging.exclusions.suspension('eve')?.principal], [1_011, 'eve']);
    await query(settings.database, `DELETE FROM exclusions WHERE name = 'ann'`);
    await assert.rejects(open(database, 'five'), { code: 'store_damaged', message: /up to number 1010 is not what it was/ });
  });

  test('a file of before has the same tokens, suspensions and ends, and a number that is not smaller', async () => {
    const file = join(directory, 'before.db');
    {
      using sqlite = openSqlite(file, { journal: 'persist', secureDelete: true });
      const { embeddedMigrations } = await import('./identity-schema.ts');
      const { migrate } = await import('./migrations.ts');
      migrate(sqlite, embeddedMigrations.slice(0, 6));
      sqlite.exec(`INSERT INTO tokens (id, hash, principal, created_ms, expires_ms) VALUES ('tok_1', x'${hash}', 'bot', 1, 2), ('tok_2', x'cd', 'bot', 1, 2);
        UPDATE tokens SET revoked_ms = 7, unrecorded_revoked_by = 'ann' WHERE id = 'tok_1';
        INSERT INTO suspensions VALUES ('bea', 5, 'ann', 'why', 0), ('cem', 6, 'ann', '', 0);
        DELETE FROM suspensions WHERE principal = 'cem';
        INSERT INTO ended VALUES ('corp/dan', 4)`);
    }
    await using database = new EmbeddedDatabase(file);
    const { tokens, exclusions } = await open(database, 'one');
    assert.equal(exclusions.revision, 4);
    assert.deepEqual([exclusions.revokedMs('tok_1'), exclusions.revokedMs('tok_2'), exclusions.endedBefore('corp/dan')], [7, null, 4]);
    assert.deepEqual(
      exclusions.suspensions().map(({ principal }) => principal),
      ['bea'],
    );
    assert.deepEqual(
      (await exclusions.unrecorded()).map(({ name: each, by }) => [each, by]),
      [['tok_1', 'ann']],
    );
    assert.equal((await tokens.find('tok_1'))?.principal, 'bot');
    await exclusions.append(() => [{ kind: 'revoked', name: 'tok_2', timeMs: 8 }]);
    assert.equal(exclusions.revision, 5);
  });

  test('two gateways that start at once make one store, hear of each other at once, and never overwrite each other', async () => {
    const settings = await newDatabase();
    const opened = await Promise.all(['one', 'two'].map(async () => PostgresDatabase.open(settings)));
    await using _first = opened[0];
    await using _second = opened[1];
    const [one, two] = await Promise.all(opened.map(async (database, i) => open(database, `gateway ${i}`)));
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(one.exclusions.store, two.exclusions.store);
    let heard = 0;
    await opened[1]?.listen(() => {
      heard += 1;
    });
    await one.tokens.add(token, hash, 'ann');
    assert.deepEqual([await two.tokens.findByHash(hash), await two.tokens.unrecorded()], [token, []], 'the other one records it');
    await waitUntil(() => heard > 0);
    const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
    const suspend = async ({ exclusions }: Identities, principal: string): Promise<number> =>
      (await exclusions.append(() => (exclusions.suspension(principal) === null ? [{ kind: 'suspended', name: principal, timeMs: 1 }] : []))).length;
    const done = await Promise.all([one, two].map(async (each) => Promise.all(names.map(async (principal) => suspend(each, principal)))));
    await Promise.all([one.exclusions.takeUp(), two.exclusions.takeUp()]);
    assert.deepEqual(
      names.map((_, i) => (done[0]?.[i] ?? 0) + (done[1]?.[i] ?? 0)),
      names.map(() => 1),
      'each was suspended once, by one of them',
    );
    assert.deepEqual([one.exclusions.revision, two.exclusions.revision], [20, 20]);
    await query(settings.database, 'UPDATE schema_version SET version = 99');
    await assert.rejects(PostgresDatabase.open(settings), { code: 'unsupported', message: /schema 99/ });
  });

  test('B19: who can write to the database makes no token, changes none, and takes back nothing unnoticed', async () => {
    const settings = await newDatabase();
    await using database = await PostgresDatabase.open(settings);
    const { tokens, exclusions, accounts } = await open(database, 'one');
    await tokens.add(token, hash, null);
    const revoke = async (id: string): Promise<unknown> => exclusions.append(() => [{ kind: 'revoked', name: id, timeMs: 5 }]);
    await exclusions.append(() => [{ kind: 'suspended', name: 'ann', timeMs: 5 }], { beside: accounts.putting(account, null) });
    await revoke('tok_a');
    await revoke('tok_b');
    const write = async (sql: string): Promise<void> => query(settings.database, sql);
    const anew = async (): Promise<Identities> => open(database, 'two');
    await write(`INSERT INTO tokens SELECT 'tok_2', '\\xcd', 'admin', on_behalf_of, session, created_ms, expires_ms, targets, NULL, gateway, mac FROM tokens`);
    await assert.rejects(async () => tokens.findByHash('cd'), {
      code: 'store_damaged',
      message: /The row tok_2 of the table tokens was not written by a gateway/,
    });
    await write(`UPDATE tokens SET expires_ms = expires_ms + 1 WHERE id = 'tok_1'`);
    await assert.rejects(async () => (await anew()).tokens.findByHash(hash), { code: 'store_damaged' });
    await write(`UPDATE accounts SET user_name = 'other'`);
    await assert.rejects(accounts.find('corp', 'a-1'), { code: 'store_damaged' });
    await write(`CREATE TABLE kept AS SELECT * FROM exclusions`);
    for (const [change, error] of [
      [`DELETE FROM exclusions WHERE revision = 3`, { code: 'store_rolled_back' }],
      [`DELETE FROM exclusions`, { code: 'store_rolled_back' }],
      [`UPDATE exclusions SET name = 'other' WHERE revision = 3`, { code: 'store_damaged' }],
      [`INSERT INTO exclusions SELECT 5, kind, name, time_ms, by, reason, gateway, 0, mac FROM exclusions WHERE revision = 1`, { code: 'store_damaged' }],
    ] as const) {
      await write(change);
      await assert.rejects(exclusions.takeUp(), error, change);
      await write('DELETE FROM exclusions; INSERT INTO exclusions SELECT * FROM kept');
      await exclusions.takeUp();
    }
    await write('DELETE FROM exclusions WHERE revision = 2');
    await assert.rejects(anew(), { code: 'store_damaged', message: /number 2 is missing/ });
    await assert.rejects(openIdentities(database, { gateway: 'two', key: 'another key', now: Date.now }), {
      code: 'key_unavailable',
      message: /not the one with which/,
    });
  });

  test('A6: a database that cannot be reached, or does not let the user in, is said with its address and without its password', async () => {
    const settings = await newDatabase();
    await assert.rejects(PostgresDatabase.open({ ...settings, password: 'wrong-canary' }), (error: Error) => {
      assert.match(error.message, /^The store 127\.0\.0\.1:\d+\/store_\d+ cannot be used: password authentication failed/);
      return !error.message.includes('canary');
    });
    const got: Buffer[] = [];
    const impostor = createServer((client) => {
      client.on('data', (bytes: Buffer) => {
        got.push(bytes);
        client.write(Buffer.from('520000000800000003', 'hex'));
      });
      client.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const address = impostor.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await assert.rejects(PostgresDatabase.open({ ...settings, port, password: 'sent-canary' }), { code: 'store_unreachable', message: /in the clear/ });
    impostor.close();
    await once(impostor, 'close');
    assert.ok(got.length > 0 && !Buffer.concat(got).includes('canary'));
    await assert.rejects(PostgresDatabase.open({ ...settings, port: 1 }), { code: 'store_unreachable', message: /ECONNREFUSED/ });
    await assert.rejects(PostgresDatabase.open({ ...settings, tls: { caFile: null } }), { code: 'store_unreachable', message: /does not support SSL/ });
    const { certificate, key: tlsKey, certificateFile } = makeCertificate(undefined, 'DNS:localhost');
    await using secure = await startPostgres({ tls: { certificate, key: tlsKey } });
    const encrypted = { ...settings, port: secure.port, database: 'postgres', tls: { caFile: certificateFile } };
    await using _ = await PostgresDatabase.open({ ...encrypted, host: 'localhost' });
    await assert.rejects(PostgresDatabase.open(encrypted), { code: 'store_unreachable', message: /does not match certificate's altnames/ }, 'by its number');
    await assert.rejects(PostgresDatabase.open({ ...encrypted, host: 'localhost', tls: { caFile: null } }), { message: /self-signed certificate/ });
  });
});
