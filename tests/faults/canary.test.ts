import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import postgres from 'postgres';
import { formatToken } from '../../gateway/src/identity/token-format.ts';
import { filesHolding } from '../support/canary.ts';
import { openShop, type Shop } from '../support/shop.ts';

/** Texts that clients and targets send. They are in the record, sealed, and nowhere else. */
const told = {
  statement: 'canary-statement-7c1a90b2',
  parameter: 'canary-parameter-4e8d33f6',
  row: 'canary-row-91b7e2c5',
  error: 'canary-error-5a60d7e8',
  notice: 'canary-notice-c3f2180d',
  copied: 'canary-copied-20e9b4a7',
  user: 'canary-user-6fd1c85b',
  wrongUser: 'canary-wrong-user-3b7a0e94',
  wrongTarget: 'canary-wrong-target-d82c6f15',
  command: 'canary-command-e47b912f',
  reason: 'canary-reason-08a5d3c9',
};

describe('canaries', () => {
  let shop: Shop;
  /** Credentials. They are in no record either. */
  const secrets: Record<string, string> = { unknownToken: formatToken(randomBytes(32)), wrongPassword: 'canary-wrong-password-1d6c82a3' };
  before(async () => {
    shop = await openShop({ gateway: { environment: { COUNTERSIGN_LOG: 'trace' } } });
    Object.assign(secrets, { token: shop.token, targetPassword: shop.database.password, ungranted: await shop.gateway.issueToken('stranger') });
    await drive();
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  async function connect(login: Partial<pg.ClientConfig> = {}): Promise<pg.Client> {
    const base = { host: '127.0.0.1', port: shop.gateway.port('postgres'), user: told.user, password: shop.token, database: 'shop' };
    const client = new pg.Client({ ...base, ...login });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function drive(): Promise<void> {
    const around = new pg.Client({ host: '127.0.0.1', port: shop.database.port, user: 'app', password: shop.database.password, database: 'postgres' });
    await around.connect();
    await around.query(`create table told (word text); insert into told values ('${told.row}')`);
    await around.end();
    const client = await connect();
    await client.query(`select 1 /* ${told.statement} */`);
    await client.query('insert into told values ($1)', [told.parameter]);
    await client.query('select * from told');
    await client.query(`do $$ begin raise notice '${told.notice}'; end $$`);
    await assert.rejects(client.query(`do $$ begin raise exception '${told.error}'; end $$`), new RegExp(told.error));
    const session = (await shop.gateway.newest()).session;
    assert.equal(shop.gateway.cli(['session', 'halt', session, '--reason', told.reason]).status, 0);
    await copyIn();
    await assert.rejects(connect({ password: secrets['unknownToken'] ?? '', user: told.wrongUser, database: told.wrongTarget }), { code: '28P01' });
    await assert.rejects(connect({ password: secrets['wrongPassword'] ?? '' }), { code: '28P01' });
    await assert.rejects(connect({ database: told.wrongTarget }), { code: '3D000' });
    await assert.rejects(connect({ password: secrets['ungranted'] ?? '' }), { code: '42501' });
    assert.equal(shop.gateway.cli(['run', '--as', 'agent', '--', 'true', told.command]).status, 0);
    const run = shop.gateway.cli(['run', '--as', 'agent', '--', 'sh', '-c', 'echo "$PGPASSWORD"']);
    assert.match(run.stdout, /^cs_/);
    secrets['runToken'] = run.stdout.trim();
    assert.equal((await shop.gateway.api('/api/v1/sessions', { token: secrets['unknownToken'] ?? '' })).status, 401);
  }

  async function copyIn(): Promise<void> {
    const sql = postgres({ host: '127.0.0.1', port: shop.gateway.port('postgres'), username: told.user, password: shop.token, database: 'shop', max: 1 });
    const input = await sql`copy told from stdin`.writable();
    input.end(`${told.copied}\n`);
    await once(input, 'finish');
    await sql.end();
  }

  function assertNowhere(): void {
    assert.ok(filesHolding(shop.gateway.directory, 'agent').length > 0, 'what is in clear is found');
    for (const [what, canary] of Object.entries({ ...told, ...secrets })) {
      assert.deepEqual(filesHolding(shop.gateway.directory, canary), [], `${what} is in clear`);
    }
  }

  test('B24: content and credentials are in clear text in no file of a running gateway, including its log', () => {
    assertNowhere();
  });

  test('B24: content is in the record, and no credential is', async () => {
    const sessions = await shop.gateway.sessions('all');
    const records = await Promise.all(sessions.map(({ session }) => shop.gateway.records(session)));
    const shown = JSON.stringify(records);
    for (const [what, canary] of Object.entries(told)) {
      assert.ok(shown.includes(canary), `${what} is in the record`);
    }
    for (const [what, canary] of Object.entries(secrets)) {
      assert.ok(!shown.includes(canary), `${what} is in the record`);
    }
  });

  test('B24: nor are they after a kill, a recovery and a stop', async () => {
    await shop.gateway.signal('SIGKILL');
    assertNowhere();
    await shop.gateway.start();
    assertNowhere();
    assert.equal(await shop.gateway.signal('SIGTERM'), 0);
    assertNowhere();
  });
});
