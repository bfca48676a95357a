import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Statements that write wait for people; others do not. */
const policy = `@id("writes")
@reason("Writing is for people to decide.")
@approval("dba")
forbid (principal, action in Action::"postgres", resource)
when { context.effects.contains("write") };
`;

describe('held statements', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-statements-'));
  let shop: Shop;
  before(async () => {
    writeFileSync(join(directory, 'held.cedar'), policy);
    shop = await openShop({ config: `policies: ${directory}\n` });
    await using owner = await connect({
      host: '127.0.0.1',
      port: shop.database.port,
      user: shop.database.user,
      password: shop.database.password,
      database: 'postgres',
    });
    await owner.client.query('create table payroll (id int); create table orders (id int, state text)');
    await owner.client.query("insert into orders values (1, 'open')");
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  interface Connected extends AsyncDisposable {
    readonly client: pg.Client;
    readonly notices: string[];
  }

  async function connect(config: pg.ClientConfig): Promise<Connected> {
    const client = new pg.Client(config);
    const notices: string[] = [];
    client.on('notice', ({ message = '' }) => notices.push(message));
    await client.connect();
    return { client, notices, [Symbol.asyncDispose]: async () => client.end() };
  }
  const through = async (hold?: string): Promise<Connected> =>
    connect({
      host: '127.0.0.1',
      port: shop.gateway.port('postgres'),
      user: 'agent',
      password: shop.token,
      database: 'shop',
      ...(hold === undefined ? {} : { options: `-c countersign.hold=${hold}` }),
    });
  const listed = async (): Promise<readonly ApprovalSummary[]> => JSON.parse(await (await shop.gateway.api('/api/v1/approvals')).text());
  const grant = async (id: string): Promise<number> => (await shop.gateway.api(`/api/v1/approvals/${id}/grant`, { method: 'POST', body: {} })).status;
  const states = async ({ client }: Connected): Promise<unknown[]> => (await client.query('select state from orders')).rows.map(({ state }) => state);

  test('B20: an agent is told with SQLSTATE, detail and hint, and the same statement with the same values runs once after a grant', async () => {
    await using asked = await through();
    const update = async (state: string): Promise<unknown> =>
      asked.client.query('update orders set state = $1 where id = 1', [state]).then(
        () => null,
        (error: unknown) => error,
      );
    const error = await update('paid');
    assert.ok(error instanceof pg.DatabaseError);
    assert.equal(error.code, '55000');
    const [, id = ''] = /^approval=(ap_[0-9a-f]{16}) state=waiting next=wait$/.exec(error.detail ?? '') ?? assert.fail(error.detail);
    assert.match(error.hint ?? '', /the same statement again/);
    assert.match(error.message, /Writing is for people to decide: it waits for approval by dba/);
    assert.match((await listed())[0]?.text ?? '', /update orders set state = \$1[^]*paid/);
    assert.equal(await grant(id), 200);
    const other = await update('stolen');
    assert.ok(other instanceof pg.DatabaseError && other.code === '55000', 'other values are another request');
    assert.deepEqual(await states(asked), ['open']);
    assert.equal(await update('paid'), null);
    assert.deepEqual(await states(asked), ['paid']);
    const again = await update('paid');
    assert.ok(again instanceof pg.DatabaseError && again.code === '55000');
  });

  test('B20: a prepared statement spends its grant on another connection too, once, and no other text of its name does', async () => {
    const text = 'update orders set state = $1 where id = 1';
    /** Null, or the id of the approval for which the statement waits. */
    const held = async ({ client }: Connected, name: string, [asked, state]: readonly [string, string]): Promise<string | null> =>
      client.query({ name, text: asked, values: [state] }).then(
        () => null,
        ({ detail }: { readonly detail?: string }) => /^approval=(ap_[0-9a-f]{16}) state=waiting/.exec(detail ?? '')?.[1] ?? assert.fail(detail),
      );
    const granted = async (id: string | null): Promise<number> => grant(id ?? assert.fail('it was not held'));
    {
      await using first = await through();
      assert.equal(await granted(await held(first, 'pay', [text, 'shipped'])), 200);
    }
    {
      await using second = await through();
      assert.equal(await held(second, 'pay', [text, 'shipped']), null);
      assert.deepEqual(await states(second), ['shipped']);
      // From now on the statement is prepared, and only its name is sent.
      assert.equal(await granted(await held(second, 'pay', [text, 'shipped'])), 200);
    }
    await using third = await through();
    const other = await held(third, 'pay', [`${text} or true`, 'shipped']);
    assert.ok(other !== null && (await held(third, 'pay', [text, 'lost'])) !== null);
    assert.equal(await held(third, 'paid', [text, 'shipped']), null);
    assert.notEqual(await held(third, 'paid', [text, 'shipped']), null);
  });

  test('a client that waits gets a notice, and its statement goes on in its transaction', async () => {
    await using asked = await through('wait');
    await asked.client.query('begin');
    const updating = asked.client.query("update orders set state = 'sent' where id = 1");
    await waitUntil(() => asked.notices.length === 1);
    const [, id = ''] = /countersign approval grant (ap_[0-9a-f]{16})/.exec(asked.notices[0] ?? '') ?? [];
    assert.equal(await grant(id), 200);
    assert.equal((await updating).rowCount, 1);
    await asked.client.query('commit');
    assert.deepEqual(await states(asked), ['sent']);
  });

  test('a client that cancels while it waits withdraws its request, and goes on', async () => {
    await using asked = await through('wait');
    const updating = asked.client.query("update orders set state = 'cancelled' where id = 1").then(
      () => null,
      (error: unknown) => error,
    );
    await waitUntil(() => asked.notices.length === 1);
    const [, id = ''] = /countersign approval grant (ap_[0-9a-f]{16})/.exec(asked.notices[0] ?? '') ?? [];
    // The types of the package do not have this method.
    const canceller = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres') });
    Reflect.apply(Reflect.get(canceller, 'cancel'), canceller, [
      asked.client,
      Reflect.get(asked.client, '_activeQuery') ?? Reflect.get(asked.client, 'activeQuery'),
    ]);
    const error = await updating;
    assert.ok(error instanceof pg.DatabaseError && error.code === '57014', String(error));
    assert.equal(await grant(id), 409);
    assert.deepEqual(await states(asked), ['sent']);
  });

  test('T4.30: which tables a session had used is read from its record, for a limit that came later and after a kill -9', async () => {
    /** Null, or the words of the denial, once the record was read. */
    const denied = async ({ client }: Connected, text: string): Promise<string | null> => {
      for (;;) {
        const words = await client.query(text).then(
          () => null,
          (error: unknown) => String(error),
        );
        if (words?.includes('still being read') !== true) {
          return words;
        }
      }
    };
    const limited = /the limit is 3 requests per 1h, and 3 are used/;
    {
      await using reads = await through();
      await using other = await through();
      assert.deepEqual([await denied(other, 'select 1'), await denied(other, 'select 1'), await denied(other, 'select 1')], [null, null, null]);
      for (const text of ['select id from payroll', 'select 1', 'select 2']) {
        assert.equal(await denied(reads, text), null);
      }
      writeFileSync(
        join(directory, 'later.cedar'),
        `@id("later") @limit("requests 3 per 1h") permit (principal, action in Action::"postgres", resource) when { context.session.tables.contains("shop/public.payroll") };`,
      );
      await waitUntil(() => shop.gateway.log.includes('configuration applied'));
      assert.equal(await denied(reads, 'select 3'), null);
      assert.match((await denied(reads, 'select 4')) ?? '', limited);
    }
    await shop.gateway.signal('SIGKILL');
    await shop.gateway.start();
    await using next = await through();
    assert.deepEqual([await denied(next, 'select 1'), await denied(next, 'select id from payroll')], [null, null]);
    assert.match((await denied(next, 'select 2')) ?? '', limited);
  });

  test('another word than wait or return is an error of the login', async () => {
    await assert.rejects(through('maybe'), /countersign\.hold is wait or return/);
  });
});
