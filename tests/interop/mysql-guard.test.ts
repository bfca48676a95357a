import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { builtinFunctions } from '../../gateway/src/protocols/mysql/guard/builtin-functions.ts';
import { Guard } from '../../gateway/src/protocols/mysql/guard/guard.ts';
import { SecondParser } from '../../gateway/src/protocols/mysql/guard/second-parser.ts';
import { startMariadbServer, type MariadbServer } from '../../gateway/src/protocols/mysql/testdata/mariadb-server.ts';
import { requireProgram } from '../support/require-program.ts';

/** Pieces of texts that readers of SQL read differently, with statements that leave a trace. */
const pieces = [
  'SELECT 1',
  'SELECT ',
  ' FROM keep',
  ' UNION ',
  ';',
  '; DELETE FROM keep',
  '; INSERT INTO keep VALUES (2)',
  ' DELETE FROM keep ',
  "'",
  '"',
  '`',
  '\\',
  "''",
  '""',
  '\\\\',
  '/*',
  '*/',
  '/*!',
  '/*!50000 ',
  '/*!99999 ',
  '/*M!100100 ',
  '/*M!999999 ',
  '-- ',
  '--',
  '#',
  '\n',
  '\t',
  ' ',
  '\u0000',
  '\u00a0',
  '\u00e9',
  '縗',
  "x'41'",
  "_gbk'",
  '1',
  ', ',
  '(',
  ')',
  'WITH x AS (SELECT 1) ',
  'EXPLAIN ',
  'ANALYZE ',
  'BEGIN ',
  'END',
  'SET @a = ',
  'own()',
  'abs(1)',
  'shop.own()',
  ' INTO @b',
  "PREPARE s FROM '",
  'EXECUTE s',
  'EXECUTE IMMEDIATE ',
  'DO ',
  'CALL p()',
  ' own ()',
  '`own`()',
  ' FOR UPDATE',
  ' LIMIT 1',
  'VALUES (1)',
  'TABLE keep',
  'BEGIN NOT ATOMIC ',
] as const;

/** What the gateway says of statements, beside what a real server does with them. */
describe('the guard of MySQL, beside MariaDB', requireProgram('mariadbd', 'mariadb-install-db', 'mariadb'), () => {
  const parts = new AsyncDisposableStack();
  let server: MariadbServer;
  let guard: Guard;
  let client: Connection;

  before(async () => {
    server = parts.use(await startMariadbServer());
    server.ask('USE shop; CREATE TABLE keep (id INT); INSERT INTO keep VALUES (1)');
    client = await createConnection({
      host: '127.0.0.1',
      port: server.port,
      user: server.user,
      password: server.password,
      database: 'shop',
      multipleStatements: true,
    });
    parts.defer(async () => client.end());
    await client.query('CREATE FUNCTION own() RETURNS INT BEGIN DELETE FROM keep; RETURN 1; END');
    await client.query('CREATE PROCEDURE p() DELETE FROM keep');
    guard = new Guard(await SecondParser.load());
  });
  after(async () => parts.disposeAsync());

  const kept = async (): Promise<string> => {
    const [rows] = await client.query<RowDataPacket[]>('SELECT id FROM shop.keep');
    return rows.map(({ id }) => String(id)).join();
  };

  test('A14: a text that only reads, as the gateway says, changes nothing, in every mode and encoding', async () => {
    let readings = 0;
    for (const [mode, charset] of [
      ['', 'utf8mb4'],
      ['ANSI_QUOTES', 'utf8mb4'],
      ['NO_BACKSLASH_ESCAPES', 'utf8mb4'],
      ['ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT', 'utf8mb4'],
      ['ORACLE', 'utf8mb4'],
      ['', 'gbk'],
      ['', 'sjis'],
    ] as const) {
      const isWithoutEscapes = mode.includes('NO_BACKSLASH_ESCAPES');
      const texts = fc.sample(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 9 }), { numRuns: 1_500, seed: 7 }).map((each) => each.join(''));
      for (const text of texts) {
        const known = guard.factsOf(text, isWithoutEscapes).effects;
        const unsure = guard.factsOf(text, null).effects;
        assert.ok(
          known.every((effect) => unsure.includes(effect)),
          `who knows less of the session says no less: ${text}`,
        );
        if (known.every((effect) => effect === 'read')) {
          readings += 1;
          // The settings are sent each time, because a text may be about them.
          await client.query(`SET SESSION sql_mode = '${mode}'; SET NAMES ${charset}`);
          // A driver that knows its encoding would send other bytes.
          await client.query(text).catch(() => undefined);
          await client.query("SET SESSION sql_mode = ''; SET NAMES utf8mb4; ROLLBACK; UNLOCK TABLES");
          assert.equal(await kept(), '1', JSON.stringify([mode, charset, text]));
        }
      }
    }
    assert.ok(readings > 100, `${readings} texts only read`);
  });

  test('A14: no function that somebody has made takes the place of one that the gateway takes for the server’s own', async () => {
    const shadowed: string[] = [];
    for (const name of builtinFunctions) {
      await client.query(`CREATE FUNCTION \`${name}\`() RETURNS VARCHAR(20) RETURN 'of somebody'`);
      const answer = await client.query(`SELECT ${name}() AS found`).then(
        ([rows]) => JSON.stringify(rows),
        () => '',
      );
      if (answer.includes('of somebody')) {
        shadowed.push(name);
      }
      await client.query(`DROP FUNCTION \`${name}\``);
    }
    assert.deepEqual(shadowed, []);
  });
});
