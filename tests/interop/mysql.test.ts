import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { createConnection, type Connection } from 'mysql2/promise';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { capabilities, offered } from '../../gateway/src/protocols/mysql/capabilities.ts';
import { commands } from '../../gateway/src/protocols/mysql/commands.ts';
import { composeGreeting, composeSwitch, composeTlsRequest } from '../../gateway/src/protocols/mysql/handshake.ts';
import { PacketReader, packetsOf } from '../../gateway/src/protocols/mysql/packets.ts';
import { startMariadbServer, type MariadbServer } from '../../gateway/src/protocols/mysql/testdata/mariadb-server.ts';
import { executionOf, RawClient } from '../../gateway/src/protocols/mysql/testdata/raw-client.ts';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { python, requireProgram } from '../support/require-program.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const mail = 'ada.lovelace@example.com';
const edPassword = 'a password of ed25519';
const policies = `
@id("reader") permit (principal == Principal::"reader", action in [Action::"mysql.connect", Action::"mysql.query"], resource);
@id("one-database") @reason("Stay in shop.") forbid (principal, action == Action::"mysql.use", resource) when { context.database != "shop" };
@id("nothing-lost") @reason("Nothing is lost here.") forbid (principal == Principal::"careful", action, resource) when { context.effects.contains("destroy") };
@id("no-other") @reason("Not that table.") forbid (principal == Principal::"careful", action in Action::"mysql", resource)
when { context has tables && context.tables.contains("shop.other") };
@id("no-mail") @mask("mail") permit (principal == Principal::"masked", action, resource);
`;

/** Clients of MySQL and MariaDB, as they are, and a real server. */
describe('MySQL', requireProgram('mariadbd', 'mariadb-install-db', 'mariadb', 'openssl', 'python:pymysql'), () => {
  const parts = new AsyncDisposableStack();
  const certificate = makeCertificate();
  let server: MariadbServer;
  let gateway: GatewayProcess;
  let token: string;
  let hostile: number;
  /** The packets that a hostile target got. */
  const shown: string[] = [];

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-mysql-interop-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'rules.cedar');
    writeFileSync(file, policies);
    server = parts.use(await startMariadbServer([`--ssl-cert=${certificate.certificateFile}`, `--ssl-key=${certificate.keyFile}`]));
    server.ask(`
      CREATE USER ed@localhost IDENTIFIED VIA ed25519 USING PASSWORD('${edPassword}'); GRANT ALL ON shop.* TO ed@localhost; USE shop;
      CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(80), note TEXT); INSERT INTO users VALUES (1, '${mail}', 'plain');
      CREATE TABLE other (id INT, a VARCHAR(80)); CREATE FUNCTION mail_of(n INT) RETURNS TEXT RETURN (SELECT email FROM users WHERE id = n);
      CREATE PROCEDURE mails() SELECT email AS id FROM users users;`);
    hostile = await startHostile();
    const at = `127.0.0.1:${server.port}/shop`;
    const target = (name: string, user: string, more = ''): string =>
      `  ${name}: { url: "mysql://${user}@${at}", password: { env: ${name === 'ed' ? 'ED' : 'MY'}_SECRET }${more} }\n`;
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
${target('shop', server.user, ', options: { users: [guest] }')}${target('ed', 'ed')}${target('encrypted', server.user, `, options: { tls: verify-full, caFile: ${certificate.certificateFile} }`)}${target('mistrusted', server.user, ', options: { tls: verify-full }')}
  hostile: { url: "mysql://app@127.0.0.1:${hostile}/shop", password: { env: MY_SECRET } }
classes:
  mail: { columns: [shop/shop.users.email] }
principals:
  agent: { kind: agent, targets: [shop, ed, encrypted, mistrusted, hostile] }
  reader: { kind: agent, targets: [] }
  careful: { kind: agent, targets: [shop] }
  masked: { kind: agent, targets: [] }
policies: ${file}
tls: { cert: ${certificate.certificateFile}, key: ${certificate.keyFile} }
`,
        environment: { MY_SECRET: server.password, ED_SECRET: edPassword },
        listeners: ['mysql'],
      }),
    );
    token = await gateway.issueToken('agent');
  });
  after(async () => parts.disposeAsync());

  /** A target that asks for the password in the clear, over a connection without TLS. */
  async function startHostile(): Promise<number> {
    const listener = createServer((socket) => {
      const reader = new PacketReader();
      const greeting = {
        version: '8.0.40',
        connection: 1,
        challenge: Buffer.alloc(20, 'c'),
        capabilities: offered >>> 0,
        charset: 45,
        plugin: 'mysql_native_password',
      };
      socket.write(packetsOf(composeGreeting(greeting), 0));
      reader.expect(1);
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        reader.push(bytes);
        for (let piece = reader.next(1_000_000); piece !== null; piece = reader.next(1_000_000)) {
          shown.push(piece.bytes.toString('latin1'));
          if (reader.number === 2) {
            socket.write(packetsOf(composeSwitch('mysql_clear_password', Buffer.alloc(0)), 2));
            reader.expect(3);
          }
        }
      });
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    parts.defer(() => {
      listener.close();
    });
    const address = listener.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  const port = (): string => String(gateway.port('mysql'));
  const open = (target = 'shop', principal = token): RawClient => new RawClient(`127.0.0.1:${port()}`, target, principal);
  /** Runs a program. Resolves with its output and its errors. */
  const run = async (program: string, words: readonly string[], { input = '', environment = {} } = {}): Promise<string> => {
    const child = spawn(program, words, { env: { ...process.env, MYSQL_PWD: token, ...environment } });
    const out = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    child.stdin.end(input);
    return (await within(out, program)).slice(0, 2).join('');
  };
  const mariadb = async (target: string, sql: string, ...more: readonly string[]): Promise<string> =>
    run('mariadb', ['--no-defaults', '-h', '127.0.0.1', '-P', port(), '-u', target, '-B', '-N', ...more], { input: sql });
  const driver = async (target = 'shop', principal = token): Promise<Connection> =>
    createConnection({ host: '127.0.0.1', port: gateway.port('mysql'), user: target, password: principal, multipleStatements: true });
  /** The records of all sessions, read one after the other. */
  const everything = async (): Promise<readonly ShownRecord[]> => {
    const records: ShownRecord[] = [];
    for (const { session } of await gateway.sessions()) {
      records.push(...(await gateway.records(session)));
    }
    return records;
  };

  test('mariadb works unchanged: statements, errors, a wrong token, with and without TLS', async () => {
    assert.equal(await mariadb('shop', 'SELECT id, note FROM users; SELECT DATABASE();'), '1\tplain\nshop\n');
    assert.match(await mariadb('shop', 'nonsense;'), /^ERROR 1064 \(42000\) at line 1: You have an error in your SQL syntax/m);
    assert.match(await mariadb('nowhere', 'SELECT 1;'), /^ERROR 1049 \(42000\): countersign: There is no target "nowhere"/);
    assert.match(await mariadb('shop', 'SELECT 1;', '-pcs_wrong'), /^ERROR 1045 \(28000\): countersign: The token is not accepted/);
    const nobody = await run('mariadb', ['--no-defaults', '-h', '127.0.0.1', '-P', port(), '-u', 'shop', '-e', 'SELECT 1'], { environment: { MYSQL_PWD: '' } });
    assert.match(nobody, /^ERROR 1045 \(28000\): countersign: No password was given/);
    const ca = ['--ssl', `--ssl-ca=${certificate.certificateFile}`, '--ssl-verify-server-cert'];
    assert.match(await mariadb('shop', "SELECT 'over TLS'; \\s", ...ca), /^over TLS\n[^]*Cipher in use is TLS/);
    const shownSession = (await everything()).find(({ content }) => content?.text === 'SELECT id, note FROM users');
    const { stdout } = gateway.command(['session', 'show', shownSession?.session ?? '']);
    assert.match(stdout, /SELECT id, note FROM users\n[^]*id \| note\n\s+1 \| plain\n/);
  });

  test('TARGET+USER logs in as another user of the server, where the configuration names it', async () => {
    server.ask(`CREATE USER guest@localhost IDENTIFIED BY '${server.password}'; GRANT SELECT ON shop.other TO guest@localhost`);
    assert.equal(await mariadb('shop+guest', 'SELECT CURRENT_USER();'), 'guest@localhost\n');
    assert.match(await mariadb('shop+guest', 'SELECT * FROM users;'), /SELECT command denied to user 'guest'/);
    assert.match(await mariadb('shop+root', 'SELECT 1;'), /countersign: The user "root" is not among the users of the target shop/);
    const asked = (await everything()).filter(({ kind, content }) => kind === 'request' && content?.text === 'SELECT * FROM users');
    assert.deepEqual(
      asked.map(({ attributes }) => attributes['countersign.target.user']),
      ['guest'],
    );
  });

  test('mysql2 works unchanged: statements, prepared statements, several results, a long text', async () => {
    const client = await driver();
    assert.deepEqual((await client.query('SELECT id, note FROM users'))[0], [{ id: 1, note: 'plain' }]);
    const [rows] = await client.execute('SELECT ? AS one, CAST(? AS INT) AS two, NULL AS three', ['é', 7]);
    assert.deepEqual(rows, [{ one: 'é', two: 7, three: null }]);
    assert.deepEqual((await client.query('SELECT 1 AS a; SELECT 2 AS b'))[0], [[{ a: 1 }], [{ b: 2 }]]);
    const long = 'x'.repeat(17 * 1024 * 1024);
    server.ask('SET GLOBAL max_allowed_packet = 1073741824');
    await client.end();
    const another = await driver();
    const [answer] = await another.query('SELECT ? AS said', [long]);
    assert.equal(Reflect.get(Object(Reflect.get(Object(answer), 0)), 'said'), long, 'in more than one packet, both ways');
    await another.ping();
    await another.end();
    const prepared = (await everything()).find(({ action }) => action === 'mysql.execute');
    assert.equal(prepared?.content?.text, 'EXECUTE SELECT ? AS one, CAST(? AS INT) AS two, NULL AS three\n1: é\n2: 7');
  });

  test('PyMySQL works unchanged', async () => {
    const script = `
import pymysql
connection = pymysql.connect(host="127.0.0.1", port=${port()}, user="shop", password="${token}")
cursor = connection.cursor()
cursor.execute("INSERT INTO other VALUES (%s, %s)", (1, "from python"))
connection.commit()
cursor.execute("SELECT a FROM other WHERE id = %s", (1,))
print(cursor.fetchall())
`;
    assert.equal(await run(python, ['-c', script]), "(('from python',),)\n");
  });

  test('run sets what mariadb reads', async () => {
    const child = gateway.spawnCli(['run', '--as', 'agent', '--', 'mariadb', '--ssl-verify-server-cert=0', '-B', '-N', '-e', "SELECT 'by run'"]);
    const [out, error] = await within(Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]), 'run');
    assert.match(out, /^by run$/m, error);
  });

  test('A14: statements are decided by what they do and on which tables, however they are written and sent', async () => {
    const careful = await gateway.issueToken('careful');
    server.ask('USE shop; CREATE TABLE kept (id INT); INSERT INTO kept VALUES (1)');
    for (const sql of [
      'DR/**/OP TABLE kept',
      '/*!50000 DROP TABLE kept */',
      'SELECT 1; DELETE FROM kept',
      "EXECUTE IMMEDIATE 'DROP TABLE kept'",
      'SELECT 1; USE mysql; TRUNCATE shop.kept',
    ]) {
      assert.match(await mariadb('shop', sql, '--delimiter=$$', `-p${careful}`), /countersign: Nothing is lost here/, sql);
    }
    assert.match(await mariadb('shop', 'SELECT * FROM other', `-p${careful}`), /countersign: Not that table/);
    assert.match(await mariadb('shop', 'SELECT 1 FROM shop . `other` LIMIT 1', `-p${careful}`), /countersign: Not that table/);
    assert.equal(await mariadb('shop', 'SELECT id FROM kept', `-p${careful}`), '1\n');
    const client = await driver('shop', careful);
    await assert.rejects(client.execute('DELETE FROM kept WHERE id = ?', [1]), /Nothing is lost here/);
    await assert.rejects(client.query('SELECT 1; DELETE FROM kept'), /Nothing is lost here/);
    assert.deepEqual((await client.execute('SELECT id FROM kept WHERE id = ?', [1]))[0], [{ id: 1 }]);
    await client.end();
    const asked = (await everything()).filter(({ kind, content }) => kind === 'request' && content?.text === 'SELECT id FROM kept');
    assert.deepEqual(
      asked.map(({ attributes }) => [attributes['countersign.effects'], attributes['countersign.statements'], attributes['countersign.tables']]),
      [[['read'], ['select'], ['shop.kept']]],
    );
  });

  test('A7, B25: KILL ends what one has started oneself, by the number that the client was told, and nothing of others', async () => {
    const child = spawn('mariadb', ['--no-defaults', '-h', '127.0.0.1', '-P', port(), '-u', 'shop', '-e', "SELECT 'long', SLEEP(100)"], {
      env: { ...process.env, MYSQL_PWD: token },
    });
    const over = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    await waitUntil(() => server.ask('SHOW PROCESSLIST').includes("'long'"));
    child.kill('SIGINT');
    const [, errors] = await within(over, 'what Ctrl-C ends');
    assert.match(errors, /Query execution was interrupted/);
    await waitUntil(() => !server.ask('SHOW PROCESSLIST').includes("'long'"));
    const other = await driver('shop', await gateway.issueToken('careful'));
    const [rows] = await other.query('SELECT CONNECTION_ID() AS id');
    const id = Number(Reflect.get(Object(Reflect.get(Object(rows), 0)), 'id'));
    const own = await driver();
    for (const refused of [
      `KILL ${id}`,
      `KILL QUERY ${other.threadId}`,
      `KILL USER ${server.user}`,
      `KILL QUERY ID 1`,
      `SELECT 1; KILL ${id}`,
      'KILL 1 + 1',
      'KILL (SELECT 1)',
    ]) {
      await assert.rejects(own.query(refused), /countersign: .*KILL ends your own connections alone/, refused);
    }
    await assert.rejects(own.execute('KILL ?', [id]), /KILL ends your own connections alone/);
    await other.query('SELECT 1');
    const second = await driver();
    const gone = new Promise((resolve) => {
      second.on('error', resolve);
    });
    await own.query(`/* one's own */ kill connection ${second.threadId}`);
    await gone;
    await Promise.all([own.end(), other.end()]);
  });

  test('what policy forbids is refused in the words of the protocol, is on record, and the connection goes on', async () => {
    const client = open();
    await client.login;
    const use = async (name: string): Promise<string> => (await client.ask(Buffer.concat([Buffer.of(commands.initDatabase), Buffer.from(name)]), 'done')).text;
    assert.match(await use('mysql'), /^ERROR 1227: countersign: Stay in shop \(session [0-9a-f]{32}\)$/);
    assert.equal(await use('shop'), 'OK');
    client.close();
    const reader = open('shop', await gateway.issueToken('reader'));
    await reader.login;
    assert.equal((await reader.query('SELECT 1 AS one')).text, 'one\n1');
    assert.match((await reader.prepare('SELECT 1')).text, /^ERROR 1227: countersign: /);
    reader.close();
    assert.ok(
      (await everything()).some(({ action, verdict, attributes }) => action === 'mysql.use' && verdict === 'deny' && attributes['db.namespace'] === 'mysql'),
    );
  });

  test('commands of replication, KILL by number, another login and unknown ones are refused, and never reach the target', async () => {
    const client = open();
    await client.login;
    for (const [command, reason] of [
      [0x0c, /KILL ends your own connections alone/],
      [0x11, /the connection has logged in/],
      [0x12, /replication is not possible/],
      [0x1e, /replication is not possible/],
      [0xfa, /bulk execution is not possible/],
      [0x77, /0x77 is not known/],
    ] as const) {
      const said = `canary-${command}`;
      const { isError, text: told } = await client.ask(Buffer.concat([Buffer.of(command), Buffer.from(said)]), 'done');
      assert.ok(isError);
      assert.match(told, reason);
      assert.ok(!server.commands.some((each) => each.includes(said)));
    }
    assert.match((await client.ask(executionOf(4711, ['x']), 'results')).text, /the statement is not one that this connection has prepared/);
    assert.equal((await client.query('SELECT 2 AS two')).text, 'two\n2', 'the connection goes on');
    client.close();
  });

  test('A1: what comes behind a command is a command of its own, decided and recorded, and two packets with one number end the connection', async () => {
    const client = open();
    await client.login;
    const [one, two] = ['SELECT 11 AS a', 'SELECT 22 AS b'].map((sql) => packetsOf(Buffer.concat([Buffer.of(commands.query), Buffer.from(sql)]), 0));
    client.sendBytes(Buffer.concat([one ?? Buffer.alloc(0), two ?? Buffer.alloc(0)]));
    client.expectAnswer();
    assert.equal((await client.answer('results', false)).text, 'a\n11');
    client.expectAnswer();
    assert.equal((await client.answer('results', false)).text, 'b\n22');
    const recorded = new Set((await everything()).flatMap(({ kind, content }) => (kind === 'request' ? [content?.text] : [])));
    assert.ok(recorded.has('SELECT 11 AS a') && recorded.has('SELECT 22 AS b'));
    client.sendBytes(packetsOf(Buffer.of(commands.ping), 3));
    assert.deepEqual((await client.answer('done', false)).isError, true);
    client.close();
  });

  test('A2: a login in the clear behind the request for TLS is refused, and a handshake there is begun', async () => {
    const smuggled = new RawClient(`127.0.0.1:${port()}`, 'shop', token, { isSmuggling: true });
    assert.ok((await smuggled.login).isError);
    const socket = connect(gateway.port('mysql'), '127.0.0.1');
    await within(once(socket, 'data'), 'the greeting');
    const login = { capabilities: (offered | capabilities.tls) >>> 0, charset: 45 };
    // The first bytes of the handshake go together with the request, as they may over any network.
    let first = packetsOf(composeTlsRequest(login), 1);
    const joined = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        socket.write(Buffer.concat([first, bytes]), () => {
          done();
        });
        first = Buffer.alloc(0);
      },
    });
    socket.on('data', (bytes: Buffer) => joined.push(bytes));
    const secure = connectTls({ socket: joined, ca: certificate.certificate, host: 'localhost', servername: 'localhost' });
    await within(once(secure, 'secureConnect'), 'the handshake');
    secure.destroy();
    socket.destroy();
  });

  test('a halt ends at the target what would run on there', async () => {
    const client = open();
    await client.login;
    const asked = client.query("SELECT SLEEP(100000), 'halted here'");
    const running = (): boolean => server.ask("SELECT info FROM information_schema.processlist WHERE user = 'app'").includes('halted here');
    await waitUntil(running);
    const { session } = (await everything()).find(({ content }) => content?.text?.includes("'halted here'") === true) ?? assert.fail('it is not on record');
    assert.equal(gateway.command(['session', 'halt', session]).status, 0);
    assert.ok((await asked).isError);
    await waitUntil(() => !running());
    assert.ok((await gateway.records(session)).some(({ action }) => action === 'mysql.cancel'));
  });

  test('A6: the target gets no password without TLS, whatever it asks for', async () => {
    const client = open('hostile');
    assert.match((await client.login).text, /"mysql_clear_password", which shows the password, and the connection to it has no TLS/);
    assert.ok(shown.length > 0);
    assert.ok(!shown.join('').includes(server.password));
  });

  test('the gateway logs in by ed25519, and over TLS only to who has the certificate', async () => {
    assert.equal(await mariadb('ed', 'SELECT CURRENT_USER();'), 'ed@localhost\n');
    assert.match(await mariadb('encrypted', "SHOW STATUS LIKE 'Ssl_cipher';"), /^Ssl_cipher\tTLS/);
    assert.match(await mariadb('mistrusted', 'SELECT 1;'), /countersign: .*certificate/i);
  });

  test('D39: a masked column comes out under no name that a client can give it', async () => {
    const client = await driver('shop', await gateway.issueToken('masked'));
    const [plainly] = await client.query('SELECT id, note FROM users');
    assert.deepEqual(plainly, [{ id: 1, note: 'plain' }], 'what is sure is not masked');
    for (const sql of [
      'SELECT email FROM users',
      'SELECT u.email AS note FROM users u',
      'SELECT id FROM (SELECT email AS id FROM users) other',
      'WITH other AS (SELECT email AS a FROM users) SELECT a FROM other',
      'SELECT a FROM other UNION SELECT email FROM users',
      'SELECT CONCAT(email) AS id FROM users',
      'SELECT mail_of(1)',
      'CALL mails()',
      "SET @s = CONCAT('SELECT 1 AS `', (SELECT email FROM users), '`'); EXECUTE IMMEDIATE @s",
      'SELECT 1; SELECT email FROM users',
      'SELECT GROUP_CONCAT(email) FROM users',
      'SELECT ExtractValue(1, CONCAT(0x7e, (SELECT email FROM users)))',
      'SELECT CAST(email AS INT) FROM users; SHOW WARNINGS',
      'INSERT INTO other SELECT 2, email FROM users RETURNING a',
      'SELECT email FROM users PROCEDURE ANALYSE()',
      'HANDLER users OPEN; HANDLER users READ FIRST; HANDLER users CLOSE',
      'SELECT * FROM users NATURAL JOIN users AS u',
    ]) {
      const told = await client.query(sql).then(JSON.stringify, (error: unknown) => String(error));
      assert.ok(!told.includes('lovelace'), `${sql}: ${told}`);
    }
    const [prepared] = await client.execute('SELECT email, id FROM users WHERE id = ?', [1]);
    assert.ok(!JSON.stringify(prepared).includes('lovelace') && JSON.stringify(prepared).includes('"id":1'), JSON.stringify(prepared));
    await client.end();
  });

  test('B24: no secret is in the log or in a record', async () => {
    const records = await everything();
    const texts: string[] = [JSON.stringify(records), gateway.log];
    for (const { session, seq, action } of records) {
      if (action === 'mysql.connect') {
        texts.push(await (await gateway.api(`/api/v1/sessions/${session}/records/${seq}/bytes?bytes=0-`)).text());
      }
    }
    const recorded = texts.join('\n');
    assert.match(recorded, /mysql_clear_password/, 'a login that shows the token is among them');
    for (const secret of [token, server.password, edPassword]) {
      assert.ok(!recorded.includes(secret));
    }
  });
});
