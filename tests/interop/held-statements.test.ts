import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import type { ApprovalDetails } from '../../gateway/src/api/endpoints/show-approval.ts';
import { passwordMessage, startupMessage } from '../../gateway/src/protocols/postgres/compose.ts';
import { connectTo, Inbox } from '../../gateway/src/wire/testdata/sockets.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Statements that write wait for people. Others do not, and those that define neither. */
const policy = `@id("writes")
@reason("Writing is for people to decide.")
@approval("dba")
forbid (principal, action in Action::"postgres", resource)
when { context.effects.contains("write") && !context.effects.contains("define") };
`;

/** `parts` has 1,000 rows. Its trigger does what nobody can know, and planning does not run it. */
const tables = `
create table payroll (id int);
create table orders (id int, state text);
insert into orders values (1, 'open');
create table parts (id serial primary key, state text default 'new');
insert into parts select n, 'new' from generate_series(1, 1000) n;
create function stamp() returns trigger language plpgsql as $$ begin execute format('select %L', new.state); return new; end $$;
create trigger stamp before update on parts for each row execute function stamp();
create function touch() returns int language sql as $$ update orders set state = 'fetched' where id = 1 returning id $$;
create function twice(int) returns int immutable language sql as 'select 2 * $1';
create schema other;
create table other.parts (id int, state text);
create table other.crates as select generate_series(1, 50) id;
analyze;`;

describe('held statements', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-statements-'));
  let shop: Shop;
  before(async () => {
    writeFileSync(join(directory, 'held.cedar'), policy);
    shop = await openShop({ config: `policies: ${directory}\n` });
    await using owner = await around();
    await owner.client.query(tables);
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
  const around = async (): Promise<Connected> =>
    connect({ host: '127.0.0.1', port: shop.database.port, user: shop.database.user, password: shop.database.password, database: 'postgres' });
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
  /** Sends statements of which the last is held, in a connection of their own, and returns the id of its approval. */
  const ask = async (...statements: readonly (string | pg.QueryConfig)[]): Promise<string> => {
    await using asked = await through();
    let detail = '';
    for (const statement of statements) {
      detail = await asked.client.query(statement).then(
        () => '',
        (error: unknown) => (error instanceof pg.DatabaseError ? (error.detail ?? '') : assert.fail(String(error))),
      );
    }
    return /^approval=(ap_[0-9a-f]{16}) state=waiting/.exec(detail)?.[1] ?? assert.fail(detail);
  };
  const details = async (id: string): Promise<ApprovalDetails> => JSON.parse(await (await shop.gateway.api(`/api/v1/approvals/${id}`)).text());
  /** Returns the number of rows that the target estimates, once it is there. Null: the target is not asked. */
  const estimated = async (id: string): Promise<number | null> => {
    const { session } = await details(id);
    const first = (await shop.gateway.records(session)).find(({ kind, attributes }) => kind === 'approval' && attributes['countersign.approval.id'] === id);
    if (first?.attributes['countersign.approval.estimates'] !== true) {
      return null;
    }
    await waitUntil(async () => (await details(id)).estimatedRows !== undefined);
    return (await details(id)).estimatedRows ?? null;
  };
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

  test('B20: who was told to wait, and only speaks PostgreSQL, sends the same statement again: it gets the same approval, or waits for it', async () => {
    const update = "update orders set state = 'sent' where id = 1";
    const id = await ask(update);
    assert.equal(await ask(update), id, 'nobody has decided');
    await using waits = await through('wait');
    const goesOn = waits.client.query(update);
    await waitUntil(() => waits.notices.some((notice) => notice.includes(id)));
    assert.equal((await listed()).filter(({ text }) => text.includes("'sent'")).length, 1);
    assert.equal(await grant(id), 200);
    assert.equal((await goesOn).rowCount, 1);
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

  test('B20: nobody can approve what runs by a name while it is open whether the target takes another statement of that name', async () => {
    const message = (type: string, ...parts: readonly string[]): Buffer => {
      const body = Buffer.from(parts.join(''), 'latin1');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(body.length + 4);
      return Buffer.concat([Buffer.from(type), length, body]);
    };
    const sync = message('S');
    const parse = (text: string): Buffer => Buffer.concat([message('P', `twin\0${text}\0`, '\0\0'), sync]);
    const run = Buffer.concat([message('B', '\0twin\0', '\0\0', '\0\0', '\0\0'), message('E', '\0', '\0\0\0\0'), sync]);
    const socket = await connectTo(shop.gateway.port('postgres'));
    using _closed = { [Symbol.dispose]: () => socket.destroy() };
    const inbox = new Inbox(socket);
    /** Sends messages, and resolves with the answer once it has so many ReadyForQuery. */
    const say = async (bytes: Buffer, count: number, sign = 'Z\0\0\0\x05'): Promise<string> => {
      const start = inbox.text.length;
      socket.write(bytes);
      await inbox.until(({ text, isEnded }) => isEnded || text.slice(start).split(sign).length > count);
      return inbox.text.slice(start);
    };
    const login = { user: 'agent', database: 'shop', options: '-c countersign.hold=wait' };
    await say(Buffer.concat([startupMessage(new Map(Object.entries(login))), passwordMessage(shop.token)]), 1);
    /** Sends messages that are held, and grants them. Returns the approval as it is listed. */
    const granted = async (bytes: Buffer): Promise<ApprovalSummary | undefined> => {
      const asked = inbox.text.split('approval grant ap_').length;
      const saying = say(bytes, 1);
      const text = await inbox.until((each) => each.text.split('approval grant ap_').length > asked);
      const id = text.slice(text.lastIndexOf('ap_')).slice(0, 19);
      const approval = (await listed()).find((each) => each.approval === id);
      assert.equal(await grant(id), 200);
      await saying;
      return approval;
    };
    const known = (await listed()).length + 1;
    await granted(parse("update orders set state = 'twin' where id = 1"));
    assert.equal((await granted(run))?.text, "update orders set state = 'twin' where id = 1", 'people see what a name stands for');
    const answer = await say(Buffer.concat([parse('select state from orders'), run]), 2);
    assert.match(answer, /already exists[^]*it needs an approval, and it runs by a name what may be another statement/);
    assert.equal((await listed()).length, known - 1, 'nobody was asked');
    // The target has answered, so it is known what the name stands for.
    await say(run, 1, 'countersign approval grant ap_');
    await waitUntil(async () => (await listed()).length === known);
    const asked = (await listed()).at(-1);
    const { request } = await details(asked?.approval ?? '');
    assert.match(JSON.stringify(request), /update orders set state = 'twin'/);
    assert.doesNotMatch(JSON.stringify(request), /select state from orders/);
  });

  test('B20, A14: nobody can approve what runs by a name to which code may have given another text, until the name is given again', async () => {
    await using asked = await through();
    const outcome = async (query: string | pg.QueryConfig): Promise<string> =>
      asked.client.query(query).then(
        () => 'ran',
        (error: unknown) => (error instanceof pg.DatabaseError ? `${error.detail ?? ''} ${error.message}` : assert.fail(String(error))),
      );
    const update = "update orders set state = 'named' where id = 1";
    /** Runs a statement that is held, and is granted then. */
    const granted = async (query: pg.QueryConfig): Promise<void> => {
      const held = await outcome(query);
      assert.equal(await grant(/ap_[0-9a-f]{16}/.exec(held)?.[0] ?? assert.fail(held)), 200);
      assert.equal(await outcome(query), 'ran');
    };
    await granted({ name: 'named', text: update });
    await granted({ name: 'named', text: update });
    const code = "execute 'deallocate ' || 'named'; execute 'prepare named as delete ' || 'from orders where id = 5'";
    assert.equal(await outcome(`do $$ begin ${code}; end $$`), 'ran');
    const known = (await listed()).length;
    for (const doubtful of [{ name: 'named', text: update }, 'execute named']) {
      assert.match(await outcome(doubtful), /it needs an approval, and it runs by a name what may be another statement/);
    }
    assert.equal((await listed()).length, known, 'nobody was asked');
    await granted({ name: 'fresh', text: update });
    await granted({ name: 'fresh', text: update });
  });

  test('B20: people see the text for which a name in a statement stands: of EXECUTE, of FETCH, and of a message that executes what SQL prepared', async () => {
    const text = "update orders set state = 'by name' where id = 1";
    await using asked = await through('wait');
    const { client, notices } = asked;
    /** Runs what is held, and grants it. Returns the text of it in the list and in the details. */
    const shown = async (query: string | pg.QueryConfig): Promise<readonly string[]> => {
      const told = notices.length;
      const running = client.query(query);
      await waitUntil(() => notices.length > told);
      const [, id = ''] = /countersign approval grant (ap_[0-9a-f]{16})/.exec(notices.at(-1) ?? '') ?? [];
      const all = [(await listed()).find(({ approval }) => approval === id)?.text ?? '', (await details(id)).request?.content?.text ?? ''];
      assert.equal(await grant(id), 200);
      await running;
      return all;
    };
    await shown(`prepare sql_named as ${text}`);
    await shown({ name: 'driver_named', text });
    await client.query('begin');
    await shown('declare touching cursor for select touch() -- seen');
    for (const [query, expected] of [
      [
        'execute sql_named',
        /^execute sql_named\n-- a name in it stands for this text, of record \d+:\nprepare sql_named as update orders set state = 'by name'/,
      ],
      ['execute driver_named', /^execute driver_named\n-- a name in it stands for this text, of record \d+:\n[^]*update orders set state = 'by name'/],
      [{ name: 'again', text: 'execute sql_named' }, /^execute sql_named\n-- a name in it stands for this text, of record \d+:\nprepare sql_named as update/],
      ['fetch touching', /^fetch touching\n-- a name in it stands for this text, of record \d+:\ndeclare touching cursor for select touch\(\) -- seen/],
    ] as const) {
      for (const seen of await shown(query)) {
        assert.match(seen, expected);
      }
    }
    await client.query('commit');
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

  test('for an UPDATE, a DELETE and a MERGE people see how many rows the target estimates, and the record has the number', async () => {
    await using asked = await through('wait');
    const updating = asked.client.query("update parts set state = 'old' where id <= 100");
    await waitUntil(() => asked.notices.length === 1);
    const [, id = ''] = /countersign approval grant (ap_[0-9a-f]{16})/.exec(asked.notices[0] ?? '') ?? [];
    assert.equal(await estimated(id), 100);
    assert.match(shop.gateway.cli(['approval', 'show', id]).stdout, /\nestimated rows 100\n/);
    const { session } = await details(id);
    const steps = (await shop.gateway.records(session)).filter(({ kind }) => kind === 'approval');
    assert.deepEqual(
      steps.map(({ attributes }) => attributes['countersign.approval.estimated_rows']),
      [undefined, 100],
    );
    assert.equal(await grant(id), 200);
    assert.equal((await updating).rowCount, 100);
    const cases: readonly (readonly [number, ...(string | pg.QueryConfig)[]])[] = [
      [200, { text: 'delete from parts where id <= $1', values: [200] }],
      [300, { name: 'gone', text: 'delete from parts where id <= $1 and state = $2', values: [300, 'new'] }],
      [1000, 'delete from parts'],
      [1000, 'merge into parts p using orders o on o.id > 0 when matched then delete'],
      [500, 'with gone as (delete from parts where id <= 500 returning id) select count(*) from gone'],
      [400, 'set search_path = public', 'update parts set state = lower(state) where id <= 400'],
      [50, 'set search_path = other', 'delete from crates'],
    ];
    for (const [rowsOf, ...statements] of cases) {
      // A number that the planner gets from a histogram is a little off.
      const rows = await estimated(await ask(...statements));
      assert.ok(rows !== null && Math.abs(rows - rowsOf) <= 5, `${rows} ${JSON.stringify(statements)}`);
    }
  });

  test('the target is asked nothing where planning might run something or find another table', async () => {
    for (const statements of [
      ['update parts set id = 1 where id = twice(2)'],
      ["update parts set id = 1 where id = nextval('parts_id_seq')"],
      ["update parts set state = 'two'; select 1"],
      ['explain analyze delete from parts'],
      ["select set_config('search_path', 'other, public', false)", 'delete from parts where id < 1'],
      ['create temp table parts (id int)', 'delete from parts where id < 2'],
      ['set role postgres', 'delete from parts where id < 3'],
      ['insert into parts (id) values (5000)'],
    ] as const) {
      assert.equal(await estimated(await ask(...statements)), null, statements.join('; '));
    }
  });

  test('a target that does not answer the question for an estimate holds nothing up', async () => {
    await using asked = await through('wait');
    await using owner = await around();
    // After this the catalogue is known.
    await asked.client.query('select id from parts where id = 1');
    // While this lock is held, nobody can log in.
    await owner.client.query('begin');
    await owner.client.query('lock pg_catalog.pg_authid in access exclusive mode');
    const updating = asked.client.query("update parts set state = 'slow' where id = 1");
    await waitUntil(() => asked.notices.length === 1);
    const [, id = ''] = /countersign approval grant (ap_[0-9a-f]{16})/.exec(asked.notices[0] ?? '') ?? [];
    await waitUntil(async () => {
      // Within a transaction, what others do is otherwise seen as it was at the first look.
      await owner.client.query('select pg_stat_clear_snapshot()');
      return (await owner.client.query("select from pg_stat_activity where wait_event_type = 'Lock'")).rowCount !== 0;
    });
    assert.equal((await details(id)).estimatedRows, undefined);
    assert.equal(await grant(id), 200);
    assert.equal((await updating).rowCount, 1);
    await owner.client.query('rollback');
  });

  test('B20: a statement does not wait longer than the time-out that its client has set', async () => {
    for (const [login, setting] of [
      [' -c statement_timeout=100', 'reset statement_timeout'],
      [' -c statement_timeout=1h', 'set statement_timeout to 100'],
      ['', "set session statement_timeout = '0.1s'"],
      ['', "select set_config('statement_timeout', '100ms', false)"],
    ] as const) {
      await using asked = await through(`wait${login}`);
      await asked.client.query(setting);
      const update = 'update orders set state = 3.2 where id = 1';
      const error: unknown = await asked.client.query(update).catch((reason: unknown) => reason);
      assert.ok(error instanceof pg.DatabaseError, String(error));
      const [, id = ''] = /^approval=(ap_[0-9a-f]{16}) state=waiting next=wait$/.exec(error.detail ?? '') ?? assert.fail(error.detail);
      assert.equal(await grant(id), 200);
      assert.equal((await asked.client.query(update)).rowCount, 1);
    }
  });

  test('T4.30: which tables a session had used is read from its record, for a limit that came later and after a kill -9', async () => {
    /** Null, or the words and the hint of the denial, once the record was read. */
    const denied = async ({ client }: Connected, text: string): Promise<string | null> => {
      let words: string | null = null;
      await waitUntil(async () => {
        words = await client.query(text).then(
          () => null,
          (error: unknown) => `${String(error)}\n${Object.assign({ hint: '' }, error).hint}`,
        );
        return words?.includes('still being read') !== true;
      });
      return words;
    };
    const limited = /the limit is 3 requests per 1h, and 3 are used.*\nSend the statement again after 3[56]\d\d seconds\.$/s;
    {
      await using reads = await through();
      await using other = await through();
      assert.deepEqual([await denied(other, 'select 1'), await denied(other, 'select 1'), await denied(other, 'select 1')], [null, null, null]);
      for (const text of ['select id from payroll', 'select 1', 'select 2']) {
        assert.equal(await denied(reads, text), null);
      }
      await shop.gateway.takesUp(() => {
        writeFileSync(
          join(directory, 'later.cedar'),
          `@id("later") @limit("requests 3 per 1h") permit (principal, action in Action::"postgres", resource) when { context.session.tables.contains("shop/public.payroll") };`,
        );
      });
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
