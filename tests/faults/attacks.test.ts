import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import { parseConfig } from '../../gateway/src/config/parse.ts';
import { protocols } from '../../gateway/src/protocols/registry.ts';
import { passwordMessage, startupMessage } from '../../gateway/src/protocols/postgres/compose.ts';
import { connectTo, Inbox } from '../../gateway/src/wire/testdata/sockets.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { suiteParts } from '../support/suite-parts.ts';

/** Names that would be another host, user or option if they were put into a string that is parsed. */
const hostileNames = [
  'user=postgres host=elsewhere.example',
  "'; drop table kept; --",
  'a@elsewhere.example:1/b?sslmode=disable#c',
  String.raw`back\slash and \'quote`,
  '"quoted" and $(echo) `echo`',
  ' spaces at both ends ',
  '%2e%2e%2f%00',
  'äöü 中文 😀',
  'postgres://elsewhere.example/other',
];
const role = 'app;user=postgres@elsewhere "x" \'y\' 😀';

describe('what others were attacked with, against a whole gateway', () => {
  let database: PostgresServer;
  let gateway: GatewayProcess;
  let token: string;
  const parts = suiteParts();
  before(async () => {
    database = parts.use(await startPostgres({ settings: { log_connections: 'on' } }));
    const around = await connectAround();
    for (const name of hostileNames) {
      await around.query(`create database ${pg.escapeIdentifier(name)} template template0`);
    }
    await around.query(`create role ${pg.escapeIdentifier(role)} login superuser password ${pg.escapeLiteral(database.password)}`);
    await around.end();
    const place = `127.0.0.1:${database.port}`;
    const rest = 'password: { env: SHOP_PASSWORD }, durability: process';
    gateway = parts.use(
      await GatewayProcess.start({
        environment: { SHOP_PASSWORD: database.password },
        config: `targets:
  shop: { url: "postgres://app@${place}/postgres", ${rest} }
  encoded: { url: "postgres://${encodeURIComponent(role)}@${place}/${encodeURIComponent(hostileNames[2] ?? '')}", ${rest} }
  spelled: { protocol: postgres, host: 127.0.0.1, port: ${database.port}, user: ${JSON.stringify(role)}, path: ${JSON.stringify(hostileNames[0])}, ${rest} }
principals:
  agent: { kind: agent, targets: [shop, encoded, spelled] }
  other: { kind: agent, targets: [shop] }
`,
      }),
    );
    token = await gateway.issueToken('agent');
  });

  async function connectAround(): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: database.port, user: 'app', password: database.password, database: 'postgres' });
    await client.connect();
    return client;
  }

  async function connect(login: Partial<pg.ClientConfig> = {}): Promise<pg.Client> {
    const base = { host: '127.0.0.1', port: gateway.port('postgres'), user: 'me', password: token, database: 'shop' };
    const client = new pg.Client({ ...base, ...login });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Logs in by hand with these startup parameters; resolves with what comes up to the first statement or the end. */
  async function logIn(parameters: Readonly<Record<string, string>>) {
    const socket = await connectTo(gateway.port('postgres'));
    const inbox = new Inbox(socket);
    socket.write(startupMessage(new Map(Object.entries({ user: 'me', database: 'shop', ...parameters }))));
    socket.write(passwordMessage(token));
    await inbox.until(({ text, isEnded }) => isEnded || text.endsWith('Z\0\0\0\x05I'));
    return { socket, inbox };
  }

  const whoAmI = async (client: pg.Client): Promise<unknown> => {
    const { rows } = await client.query('select current_database() as database, current_user as user, inet_server_port() as port');
    await client.end();
    return rows[0];
  };

  test('A1: an impossible declared length ends the connection, and nothing after it reaches the target', async () => {
    for (const length of [0, 1, 2, 3, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const { socket, inbox } = await logIn({});
      const frame = Buffer.from("Q\0\0\0\0select 'a1-marker'\0");
      frame.writeUInt32BE(length, 1);
      socket.write(frame);
      assert.match(await inbox.untilEnd(), /E.*C(08P01|54000)\0/s, String(length));
      socket.destroy();
    }
    assert.doesNotMatch(database.log(), /a1-marker/);
  });

  test('A3: startup parameters that change who the user is, or do not exist, do not reach the target', async () => {
    const logins = database.log().match(/connection authorized/g)?.length;
    const hostile = [
      { session_authorization: 'postgres' },
      { role: 'postgres' },
      { ROLE: 'postgres' },
      { options: '-c Role=postgres' },
      { options: '-c user=postgres' },
      { OPTIONS: '-c role=postgres' },
      { options: '-c session_preload_libraries=evil' },
      { options: '--session-authorization=postgres' },
      { replication: 'database' },
      { 'application_name\0search_path': 'evil' },
    ];
    for (const parameters of hostile) {
      const { socket, inbox } = await logIn(parameters);
      assert.match(inbox.text, /E.*C(0A000|08P01)\0/s, JSON.stringify(parameters));
      socket.destroy();
    }
    assert.equal(database.log().match(/connection authorized/g)?.length, logins, 'none came as far as the target');
  });

  test('T4.41, A3: a setting of a startup packet is a value at the target, whatever it looks like', async () => {
    const value = `x'; drop table a3; --, "y`;
    const client = await connect({ options: `-c app.x=${value.replaceAll(/[\\\s]/g, '\\$&')}` });
    assert.equal((await client.query("select current_setting('app.x') as x")).rows[0].x, value);
    await client.end();
    assert.doesNotMatch(database.log(), /drop table a3/);
  });

  test('A4: whatever a client calls its database is one name at the target, and changes neither host nor user', async () => {
    for (const name of hostileNames) {
      const client = await connect({ database: `shop/${name}` });
      assert.deepEqual(await whoAmI(client), { database: name, user: 'app', port: database.port });
    }
    const absent = `${role} port=1\nuser=postgres`;
    await assert.rejects(connect({ database: `shop/${absent}` }), ({ message }: Error) => message.includes(`database "${absent}" does not exist`));
  });

  test('A4: whatever a client calls itself is a note in the record, and not a user at the target', async () => {
    for (const user of [...hostileNames, role, 'postgres', 'operator']) {
      const client = await connect({ user });
      assert.deepEqual(await whoAmI(client), { database: 'postgres', user: 'app', port: database.port });
      const { session, principal } = await gateway.newest();
      assert.equal(principal, 'agent');
      assert.ok((await gateway.records(session)).some(({ attributes }) => attributes['user.name'] === user));
    }
  });

  test('A4: hostile names in the configuration, encoded in a URL or spelled out, reach the target as they are', async () => {
    const expected = { user: role, port: database.port };
    assert.deepEqual(await whoAmI(await connect({ database: 'encoded' })), { ...expected, database: hostileNames[2] });
    assert.deepEqual(await whoAmI(await connect({ database: 'spelled' })), { ...expected, database: hostileNames[0] });
  });

  test('A4: names of targets and principals that could be more than a name are not taken', () => {
    const parse = (text: string): unknown => parseConfig(text, { file: gateway.configFile, protocols, environment: {}, secrets: 'missing' });
    for (const name of [...hostileNames, 'two\nlines', '../up', '-x', 'a/b', 'a;b', '']) {
      const key = JSON.stringify(name);
      assert.throws(() => parse(`targets: { ${key}: { url: "postgres://app@127.0.0.1/x" } }`), { code: 'config_invalid' }, name);
      assert.throws(() => parse(`principals: { ${key}: { kind: agent } }`), { code: 'config_invalid' }, name);
    }
    assert.ok(parse('targets: { a-b.c_d: { url: "postgres://app@127.0.0.1/x" } }\nprincipals: { e-f.g_h: { kind: agent } }'));
    const written = readFileSync(gateway.configFile, 'utf8');
    assert.equal(gateway.cli(['target', 'add', 'a;b', 'postgres://app@127.0.0.1/x']).status, 1);
    assert.equal(readFileSync(gateway.configFile, 'utf8'), written);
  });

  test('A5: lengths are of bytes: names beyond ASCII come back whole', async () => {
    const name = '😀 nirgends äöü';
    await assert.rejects(connect({ database: name }), ({ message }: Error) => message.includes(`no target "${name}"`));
    const client = await connect();
    assert.deepEqual((await client.query(`select '${name}' as "${name}", $1::text as two`, [name])).rows, [{ [name]: name, two: name }]);
    await client.end();
    const asked = (await gateway.records((await gateway.newest()).session)).find(({ action }) => action === 'postgres.execute');
    assert.ok(asked?.content?.text?.includes(`$1 = ${name}`));
  });

  test('B19: a session is named by the token alone, whatever a client says', async () => {
    const { session: victim, records } = await gateway.newest();
    const traceparent = `00-${victim}-0123456789abcdef-01`;
    const { inbox, socket } = await logIn({ 'countersign.session': victim });
    // A setting of the target like any other, and not what the gateway says of the session.
    assert.match(inbox.text, /countersign\.session\0[0-9a-f]{32}\0/);
    assert.doesNotMatch(inbox.text, new RegExp(`countersign\\.session\\0${victim}`));
    socket.destroy();
    const client = await connect({ user: victim, application_name: victim });
    await client.query(`select 1 /*traceparent='${traceparent}'*/`);
    await client.query(`set countersign.session = '${victim}'`);
    await client.end();
    const all = await gateway.sessions();
    assert.notEqual(all.at(-1)?.session, victim);
    assert.equal(all.find(({ session }) => session === victim)?.records, records, 'nothing was added to it');
  });

  test('B19: a run is entered with its own token, and by nobody else', async () => {
    const post = async (path: string, body: unknown, as?: string): Promise<Response> =>
      gateway.api(path, { method: 'POST', body, ...(as === undefined ? {} : { token: as }) });
    const run = JSON.parse(await (await post('/api/v1/runs', { principal: 'agent' })).text());
    assert.equal((await post('/api/v1/runs', { principal: 'other', session: run.session })).status, 400);
    assert.equal((await post(`/api/v1/runs/${run.session}/end`, {}, token)).status, 403);
    const inside = await connect({ password: run.token });
    const outside = await connect({ password: await gateway.issueToken('other'), user: run.session });
    await Promise.all([inside.query("select 'inside'"), outside.query("select 'outside'")]);
    await Promise.all([inside.end(), outside.end()]);
    const said = async (session: string): Promise<unknown[]> => (await gateway.records(session)).flatMap(({ attributes }) => attributes['db.query.text'] ?? []);
    assert.deepEqual(await said(run.session), ["select 'inside'"]);
    assert.deepEqual(await said((await gateway.newest()).session), ["select 'outside'"]);
    assert.equal((await post(`/api/v1/runs/${run.session}/end`, {})).status, 200);
    await assert.rejects(connect({ password: run.token }), /has ended/);
  });

  test('D33: an announced length is not allocated', async () => {
    const residentMiB = (): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1024;
    const beforeMiB = residentMiB();
    const clients = await Promise.all(Array.from({ length: 50 }, () => logIn({})));
    for (const { socket } of clients) {
      const frame = Buffer.from('Q\0\0\0\0select');
      frame.writeUInt32BE(60 * 1024 * 1024, 1);
      socket.write(frame);
    }
    const client = await connect();
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }], 'others are served');
    await client.end();
    assert.ok(beforeMiB > 50 && residentMiB() - beforeMiB < 200, `${residentMiB() - beforeMiB} MiB for 3,000 MiB that were announced`);
    for (const { socket } of clients) {
      socket.destroy();
    }
  });

  test('D35: clients at the same time share no state: statements, settings, transactions, portals, notifications', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => connect()));
    const heard: string[] = [];
    clients.forEach((client, i) => client.on('notification', ({ payload }) => heard.push(`${i}: ${payload}`)));
    await clients[0]?.query('listen shared');
    await Promise.all(
      clients.map(async (client, i) => {
        await client.query(`create temp table mine as select ${i} as who`);
        await client.query(`set application_name = 'client ${i}'`);
        await client.query('begin');
        for (let turn = 0; turn < 20; turn++) {
          // In each session this name stands for another statement.
          const { rows } = await client.query({
            name: 'same',
            text: `select who, ${i} as said, current_setting('application_name') as name, $1::int as turn from mine`,
            values: [turn],
          });
          assert.deepEqual(rows, [{ who: i, said: i, name: `client ${i}`, turn }]);
        }
        if (i % 3 === 1) {
          await assert.rejects(client.query('select 1/0'), { code: '22012' });
          await assert.rejects(client.query('select 1'), { code: '25P02' });
        } else {
          await client.query('select 1');
        }
        await client.query('rollback');
      }),
    );
    await clients[5]?.query("select pg_notify('shared', 'for the listener')");
    await waitUntil(() => heard.length > 0);
    await Promise.all(clients.map((client) => client.end()));
    assert.deepEqual(heard, ['0: for the listener']);
    const owners: number[] = [];
    for (const { session } of (await gateway.sessions()).slice(-clients.length)) {
      const texts = (await gateway.records(session)).map(({ attributes }) => String(attributes['db.query.text'] ?? ''));
      const [, owner] = /temp table mine as select (\d+)/.exec(texts.find((text) => text.includes('temp table')) ?? '') ?? [];
      assert.equal(texts.filter((text) => text.includes(`, ${owner} as said`)).length, 20);
      assert.ok(
        texts.every((text) => !text.includes(' as said') || text.includes(`, ${owner} as said`)),
        'no word of another in its record',
      );
      owners.push(Number(owner));
    }
    assert.deepEqual(
      owners.toSorted((a, b) => a - b),
      clients.map((_, i) => i),
    );
  });

  test('the record holds', () => {
    const { status, stdout } = gateway.verify();
    assert.equal(status, 0, stdout);
  });
});
