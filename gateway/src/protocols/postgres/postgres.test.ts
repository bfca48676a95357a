import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import postgresJs from 'postgres';
import { GatewayError } from '../../domain/errors.ts';
import { startPostgres, type PostgresServer } from '../../../../tests/support/postgres-server.ts';
import { waitUntil } from '../../../../tests/support/wait-until.ts';
import { cancelRequest, passwordMessage } from './compose.ts';
import { render } from './render.ts';
import { RawClient, serveOn, startup, type Served } from './testdata/client-side.ts';
import { message as raw } from './testdata/shorthand.ts';
import { goodToken, OpenDoor, type ArrayChannel } from './testdata/open-door.ts';

/** Real clients and a real server, with nothing but this folder and `wire/` between them. */
describe('between real clients and a real PostgreSQL', () => {
  let server: PostgresServer;
  let door: OpenDoor;
  let served: Served;
  before(async () => {
    server = await startPostgres();
    door = new OpenDoor({ port: server.port, path: 'postgres', password: () => server.password });
    served = await serveOn(door);
  });
  after(async () => {
    assert.deepEqual(served.faults, []);
    await served[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const lastChannel = (): ArrayChannel => {
    const channel = door.channels.at(-1);
    assert.ok(channel);
    return channel;
  };
  /** The cancel key as its client was given it. */
  const keyOf = (channel: ArrayChannel | undefined): Buffer => {
    const welcome = Buffer.from(channel?.records[1]?.content ?? []);
    const at = welcome.indexOf('K\0\0\0\x0c');
    return welcome.subarray(at + 5, at + 13);
  };
  const shown = (channel: ArrayChannel): string[] => channel.records.map((record) => render(record, (seq) => channel.records[seq] ?? null).text);

  test('node-postgres: parameters, named statements, errors, transactions', async () => {
    const client = await connect();
    assert.deepEqual((await client.query('select $1::int + 1 as v', [41])).rows, [{ v: 42 }]);
    for (const id of [1, 2]) {
      assert.deepEqual((await client.query({ name: 'named', text: 'select $1::text as t', values: [`value ${id}`] })).rows, [{ t: `value ${id}` }]);
    }
    await assert.rejects(client.query('select nothing'), { code: '42703' });
    const several: unknown = await client.query('begin; create temp table x (a int); commit');
    assert.ok(Array.isArray(several) && several.length === 3);
    await client.end();
    const channel = lastChannel();
    const texts = shown(channel);
    assert.ok(texts.includes('select $1::text as t\n-- $1 = value 2'), 'the second execution is shown with the text of the first');
    assert.deepEqual(channel.closes, ['client']);
    const answers = channel.records.filter(({ kind, meta, continues }) => kind === 'response' && meta?.request !== undefined && !continues);
    const asked = channel.records.filter(({ kind }) => kind === 'request').map(({ seq }) => seq);
    assert.deepEqual(
      answers.map(({ meta }) => meta?.request),
      asked,
      'each request has one answer',
    );
    assert.equal(answers.find(({ meta }) => meta?.attributes?.['db.response.status_code'] === '42703')?.kind, 'response');
  });

  test('postgres.js: pipelined queries, a cursor, COPY both ways, notifications', async () => {
    const sql = postgresJs({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders', max: 1, onnotice: () => undefined });
    await sql`create table items (id int, name text)`;
    const input = await sql`copy items from stdin`.writable();
    for (let id = 0; id < 2000; id += 1) {
      input.write(`${id}\tname ${id}\n`);
    }
    input.end();
    await once(input, 'finish');
    const sums = await Promise.all(Array.from({ length: 50 }, (_, i) => sql`select count(*)::int as n from items where id < ${i}`));
    assert.deepEqual(
      sums.map(([row]) => row?.['n']),
      Array.from({ length: 50 }, (_, i) => i),
    );
    let seen = 0;
    await sql`select * from items`.cursor(300, (rows) => {
      seen += rows.length;
    });
    assert.equal(seen, 2000);
    let copied = '';
    for await (const chunk of await sql`copy items to stdout`.readable()) {
      copied += String(chunk);
    }
    assert.equal(copied.split('\n').length, 2001);
    const heard = Promise.withResolvers<string>();
    await sql.listen('jobs', heard.resolve);
    await sql.notify('jobs', 'go');
    assert.equal(await heard.promise, 'go');
    await sql.end();
    const copies = door.channels.flatMap((channel) => channel.records.filter(({ meta }) => meta?.action === 'postgres.copy'));
    assert.ok(Buffer.concat(copies.map(({ content }) => content ?? Buffer.alloc(0))).includes('1999\tname 1999'));
  });

  test('where policy changes texts of requests, the target and the record have what they became, and clients notice nothing else', async () => {
    door.wantedChange = { texts: [(text) => text.replaceAll(/secret-\w+/g, '***')], obligations: [] };
    try {
      const client = await connect();
      for (const id of [1, 2]) {
        const { rows } = await client.query({ name: 'asked', text: "select $1::text as t, 'secret-x' as u", values: [`value ${id} secret-${id}`] });
        assert.deepEqual(rows, [{ t: `value ${id} ***`, u: '***' }]);
      }
      await client.end();
      const said = shown(lastChannel());
      assert.ok(said.includes("select $1::text as t, '***' as u\n-- $1 = value 2 ***"), said.join('\n'));
      const sql = postgresJs({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders', max: 1 });
      await sql`create table changed (id int, name text)`;
      const input = await sql`copy changed from stdin`.writable();
      for (let id = 0; id < 2000; id += 1) {
        input.write(`${id}\tname sec`);
        input.write(`ret-${id}\n`);
      }
      input.end();
      await once(input, 'finish');
      assert.deepEqual([...(await sql`select name, count(*)::int as n from changed group by name`)], [{ name: 'name ***', n: 2000 }]);
      await sql.end();
      const contents = Buffer.concat(lastChannel().records.map(({ content }) => content ?? Buffer.alloc(0)));
      assert.ok(contents.includes('1999\tname ***') && !/secret-\d/.test(contents.toString('latin1')));
      const named = new pg.Client({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders', application_name: 'secret-9' });
      await assert.rejects(named.connect(), /those of a login cannot be changed/);
      assert.deepEqual(
        lastChannel().records.map(({ meta, content }) => [meta?.action, meta?.verdict, Buffer.from(content ?? []).includes('secret-9')]),
        [
          ['postgres.connect', 'deny', false],
          [undefined, undefined, false],
        ],
      );
    } finally {
      door.wantedChange = null;
    }
  });

  test('a refusal fails the transaction it was meant for, and nothing else', async () => {
    const client = await connect();
    await client.query('create table kept (a int)');
    await client.query('begin');
    await client.query('insert into kept values (1)');
    await assert.rejects(client.query('select $1::text', ['forbidden']), { code: '42501', message: /It is forbidden \(session 5e55/ });
    await assert.rejects(client.query('select 1'), { code: '25P02' });
    await client.query('commit');
    assert.deepEqual((await client.query('select * from kept')).rows, []);
    await assert.rejects(client.query("select 'forbidden'"), { code: '42501' });
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
    await client.end();
    assert.ok(!server.log().includes("'forbidden'"));
    assert.match(server.log(), /countersign refused a statement here/);
  });

  test('T4.39: the process id that a client gets is that of its backend: in its answers, its notifications, and for another client that ends it', async () => {
    const client = await connect();
    const other = await connect();
    const pid: unknown = Reflect.get(client, 'processID');
    assert.equal((await client.query('select pg_backend_pid() as pid')).rows[0].pid, pid);
    const notified = once(client, 'notification');
    await client.query('listen here; notify here');
    const [{ processId }] = await notified;
    assert.equal(processId, pid);
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    assert.equal((await other.query('select pg_terminate_backend($1) as done', [pid])).rows[0].done, true);
    await ended;
    await other.end();
  });

  test('T4.41: what SET may say is said at startup: it is in force, it is what RESET leads back to, and it is recorded as that SET', async () => {
    const setup = await connect();
    await setup.query('create schema if not exists app');
    await setup.end();
    const spellings: readonly pg.ClientConfig[] = [
      { options: '-c search_path=app,public -cwork_mem=5MB --app.tenant=7' },
      { options: '--search-path=app,public --work-mem=5MB -c app.tenant=7' },
    ];
    for (const config of spellings) {
      const client = new pg.Client({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders', ...config });
      client.on('error', () => undefined);
      await client.connect();
      assert.equal((await client.query('select current_schema() as schema')).rows[0].schema, 'app');
      await client.query('set search_path to public; reset search_path');
      const { rows } = await client.query(
        "select current_setting('search_path') as path, current_setting('work_mem') as mem, current_setting('app.tenant') as tenant",
      );
      assert.deepEqual(rows, [{ path: 'app,public', mem: '5MB', tenant: '7' }]);
      const [set, connected] = lastChannel().records;
      assert.equal(set?.meta?.action, 'postgres.query');
      assert.equal(shown(lastChannel())[0], "SET search_path TO 'app', 'public'; SET work_mem TO '5MB'; SET app.tenant TO '7'");
      assert.equal(connected?.meta?.action, 'postgres.connect');
      await client.end();
    }
    const sql = postgresJs({
      host: '127.0.0.1',
      port: served.port,
      user: 'bot',
      password: goodToken,
      database: 'orders',
      max: 1,
      connection: { search_path: 'app' },
    });
    assert.equal((await sql`select current_schema() as schema`)[0]?.['schema'], 'app');
    await sql.end();
  });

  test('T4.41: a setting at startup is decided on like the SET that does the same', async () => {
    const client = new pg.Client({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders', options: '-c app.x=forbidden' });
    client.on('error', () => undefined);
    // The packet as it came says it too, and would be refused: its own record comes after this one.
    await assert.rejects(client.connect(), { code: '42501' });
    assert.deepEqual(
      lastChannel().records.map(({ meta }) => [meta?.action, meta?.verdict]),
      [
        ['postgres.query', 'deny'],
        [undefined, undefined],
      ],
    );
  });

  test('T4.41: what drivers say at each connection is decided as a SET too, and no record of its own while it is allowed', async () => {
    const spellings: readonly pg.ClientConfig[] = [
      { options: '-c client_min_messages=panic' },
      { options: '-cclient_min_messages=panic' },
      { options: '--client-min-messages=panic' },
      { application_name: 'panic' },
      { options: '-c search_path=app --DateStyle=panic' },
      { connectionString: `postgres://bot:${goodToken}@127.0.0.1:${served.port}/orders?options=-c%20TimeZone%3Dpanic` },
    ];
    door.forbidden = 'panic';
    for (const config of spellings) {
      const client = new pg.Client({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders', ...config });
      client.on('error', () => undefined);
      await assert.rejects(client.connect(), { code: '42501' }, JSON.stringify(config));
      const { records } = lastChannel();
      assert.deepEqual([records.length, records[0]?.meta?.action, records[0]?.meta?.verdict], [2, 'postgres.query', 'deny'], JSON.stringify(config));
      assert.match(shown(lastChannel())[0] ?? '', /SET \w+ TO 'panic'/);
    }
    door.forbidden = 'forbidden';
    const client = await connect();
    assert.equal(lastChannel().records[0]?.meta?.action, 'postgres.connect');
    assert.match(shown(lastChannel())[0] ?? '', /client_encoding/);
    await client.end();
  });

  const inOther: readonly (readonly [string, string, string])[] = [
    ['LATIN1', 'straße', 'latin1'],
    ['EUC_JP', '日本語', 'c6fccbdcb8ec'],
    ['SJIS', '表示', '955c8ea6'],
    ['SQL_ASCII', 'größe', 'utf8'],
  ];
  for (const [encoding, text, how] of inOther) {
    test(`T4.18: in ${encoding} statements, parameters, rows and errors are read as what they say`, async () => {
      const bytes = how === 'latin1' || how === 'utf8' ? Buffer.from(text, how) : Buffer.from(how, 'hex');
      const client = await RawClient.connect(served.port);
      client.say(startup({ database: 'orders', client_encoding: encoding }), passwordMessage(goodToken));
      await client.inbox.until((inbox) => inbox.text.endsWith('Z\0\0\0\x05I'));
      const statement = Buffer.concat([Buffer.from("select '"), bytes, Buffer.from('\' as "'), bytes, Buffer.from('"\0')]);
      client.say(raw('Q', statement));
      await client.inbox.until((inbox) => /C\0\0\0\rSELECT 1\0Z/.test(inbox.text));
      const none = [0, 0];
      client.say(
        raw('P', Buffer.from('\0select $1::text\0\0\0')),
        raw('B', Buffer.concat([Buffer.from([0, 0, ...none, 0, 1, 0, 0, 0, bytes.length]), bytes, Buffer.from(none)])),
        raw('E', Buffer.from('\0\0\0\0\0')),
        raw('S', Buffer.alloc(0)),
        raw('Q', Buffer.concat([Buffer.from('select "'), bytes, Buffer.from('"\0')])),
      );
      await client.inbox.until((inbox) => /C42703\0/.test(inbox.text) && inbox.text.endsWith('Z\0\0\0\x05I'));
      const channel = lastChannel();
      const texts = shown(channel).slice(2);
      assert.equal(texts[0], `select '${text}' as "${text}"`);
      assert.equal(texts[1], `${text}\n${text}\nSELECT 1`);
      assert.match(texts[2] ?? '', new RegExp(`-- \\$1 = ${text}`));
      assert.ok(texts.some((line) => line.startsWith(`${text}\nSELECT 1`)));
      assert.ok(
        texts.some((line) => line.includes(`ERROR 42703: column "${text}" does not exist`)),
        texts.join('\n'),
      );
      assert.equal(channel.records[2]?.meta?.attributes?.['countersign.client_encoding'], encoding);
      client.say(raw('X', Buffer.alloc(0)));
      await client.inbox.untilEnd();
    });
  }

  test('T4.18: an encoding that is set later is in force from then on, and UTF-8 needs no word', async () => {
    const client = await RawClient.connect(served.port);
    client.say(startup({ database: 'orders' }), passwordMessage(goodToken));
    const ask = async (...parts: readonly (string | Buffer)[]): Promise<void> => {
      const answered = client.inbox.text.length;
      client.say(raw('Q', Buffer.concat([...parts.map((part) => Buffer.from(part)), Buffer.alloc(1)])));
      await client.inbox.until((inbox) => inbox.text.length > answered && inbox.text.endsWith('Z\0\0\0\x05I'));
    };
    await client.inbox.until((inbox) => inbox.text.endsWith('Z\0\0\0\x05I'));
    await ask("select 'ü'");
    await ask("set client_encoding to 'WIN1252'");
    await ask("select '", Buffer.from([0x80]), "'");
    await ask("set client_encoding to 'UTF8'");
    await ask("select '€'");
    const channel = lastChannel();
    const statements = channel.records.filter(({ kind }) => kind === 'request').slice(1);
    assert.deepEqual(
      statements.map((record) => [render(record, () => null).text, record.meta?.attributes?.['countersign.client_encoding']]),
      [
        ["select 'ü'", undefined],
        ["set client_encoding to 'WIN1252'", undefined],
        ["select '€'", 'WIN1252'],
        ["set client_encoding to 'UTF8'", 'WIN1252'],
        ["select '€'", undefined],
      ],
    );
    assert.equal(shown(channel).filter((text) => text.includes('€')).length, 4);
    client.socket.destroy();
  });

  test('T4.24: why the target refuses a login is told by its own SQLSTATE', async () => {
    const attempt = async (config: pg.ClientConfig): Promise<void> => {
      const client = new pg.Client({ host: '127.0.0.1', port: served.port, user: 'bot', password: goodToken, database: 'orders', ...config });
      client.on('error', () => undefined);
      await client.connect();
      await client.end();
    };
    await assert.rejects(attempt({ database: 'orders/nowhere' }), { code: '3D000', message: /database "nowhere" does not exist/ });
    await assert.rejects(attempt({ options: '-c statement_timeout=never' }), { code: '22023' });
    const last = lastChannel().records.at(-1)?.meta?.attributes;
    assert.equal(last?.['db.response.status_code'], '22023');
    assert.equal(last['error.type'], 'target_login_failed');
  });

  test('A7: a cancel key reaches what runs in its own session, once, and nothing that runs later', async () => {
    const client = await connect();
    const other = await connect();
    const [channel] = door.channels.slice(-2);
    const running = assert.rejects(client.query('select pg_sleep(30)'), { code: '57014' });
    const untouched = other.query('select pg_sleep(1), 7 as seven');
    await waitUntil(() => server.log().includes('select pg_sleep(30)'));
    const canceller = await RawClient.connect(served.port);
    canceller.say(cancelRequest(keyOf(channel)));
    assert.equal(await canceller.inbox.untilEnd(), '');
    await running;
    assert.equal((await untouched).rows[0].seven, 7);
    assert.equal(channel?.records.filter(({ meta }) => meta?.action === 'postgres.cancel').length, 1);
    for (const handler of door.signals.values()) {
      await handler();
    }
    assert.equal(channel.records.filter(({ meta }) => meta?.action === 'postgres.cancel').length, 1, 'nothing runs: nothing is cancelled');
    assert.equal((await client.query('select 1 as one')).rows[0].one, 1);
    await Promise.all([client.end(), other.end()]);
  });

  test('a row longer than any message may be held streams through; many rows are counted', async () => {
    const client = await connect();
    lastChannel().keepsContent = false;
    const { rows } = await client.query("select repeat('x', 65 * 1024 * 1024) as long");
    assert.equal(rows[0].long.length, 65 * 1024 * 1024);
    const query = new pg.Query('select g, repeat(chr(65 + g % 26), 1000) from generate_series(1, 100000) g');
    let count = 0;
    query.on('row', () => {
      count += 1;
    });
    client.query(query);
    await once(query, 'end');
    assert.equal(count, 100_000);
    const last = lastChannel().records.findLast(({ kind }) => kind === 'response');
    assert.equal(last?.meta?.attributes?.['db.response.returned_rows'], 100_000);
    await client.end();
  });

  test('halted: told in PostgreSQL’s words, at once, in the middle of a statement', async () => {
    const client = await connect();
    const channel = lastChannel();
    const running = assert.rejects(client.query('select pg_sleep(31)'), { code: '57P01', message: /An operator said so/ });
    await waitUntil(() => server.log().includes('select pg_sleep(31)'));
    channel.controller.abort(new GatewayError('halted', 'An operator said so.'));
    await running;
    await waitUntil(() => channel.closes.length > 0);
    assert.deepEqual(channel.closes, ['halted']);
    assert.match(server.log(), /canceling statement due to user request\s.*STATEMENT: {2}select pg_sleep\(31\)/);
  });

  test('the target ends the connection: its own words reach the client', async () => {
    const client = await connect();
    const running = assert.rejects(client.query('select pg_terminate_backend(pg_backend_pid())'), { code: '57P01' });
    await running;
    const channel = lastChannel();
    await waitUntil(() => channel.closes.length > 0);
    assert.deepEqual(channel.closes, ['target']);
  });
});
