import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { startMariadbServer, type MariadbServer } from '../../gateway/src/protocols/mysql/testdata/mariadb-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { extraCheck, requireProgram } from '../support/require-program.ts';
import { within } from '../support/wait-until.ts';

const connector = '/usr/share/java/mariadb-java-client.jar';
/** Makes a table of which everything must be kept: all bytes, quotes and ends of lines, NULL, large numbers, and a value in several packets. */
const fill = `
CREATE TABLE kept (id BIGINT UNSIGNED PRIMARY KEY, said TEXT, raw LONGBLOB, at DATETIME(6), n DECIMAL(40,10), j JSON);
INSERT INTO kept SELECT seq, CONCAT('it''s "\\\\', CHAR(10, 9), seq, ' é ☃'), UNHEX(SHA2(seq, 512)), '2026-01-02 03:04:05.678901', seq / 7, JSON_OBJECT('n', seq) FROM seq_1_to_5000;
INSERT INTO kept VALUES (18446744073709551615, NULL, REPEAT(CHAR(0, 39, 92, 255), 5000000), NULL, NULL, NULL);
CREATE VIEW few AS SELECT id, said FROM kept WHERE id < 10;
CREATE TRIGGER touched BEFORE UPDATE ON kept FOR EACH ROW SET NEW.said = CONCAT(NEW.said, ';');`;

describe('clients of MySQL, at length', requireProgram('mariadbd', 'mariadb', 'mariadb-dump'), () => {
  const parts = new AsyncDisposableStack();
  let server: MariadbServer;
  let gateway: GatewayProcess;
  let token: string;

  before(async () => {
    server = parts.use(await startMariadbServer(['--max-allowed-packet=1073741824', '--character-set-server=utf8mb4']));
    server.ask('CREATE DATABASE copy');
    server.ask(`USE shop; SET NAMES utf8mb4; ${fill}`);
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:\n  shop: { url: "mysql://${server.user}@127.0.0.1:${server.port}/shop", password: { env: MY_SECRET } }\nprincipals:\n  agent: { kind: agent, targets: [shop] }\n`,
        environment: { MY_SECRET: server.password },
        listeners: ['mysql'],
      }),
    );
    token = await gateway.issueToken('agent');
  });
  after(async () => parts.disposeAsync());

  const run = async (program: string, words: readonly string[], password: string, input = ''): Promise<string> => {
    const child = spawn(program, words, { env: { ...process.env, MYSQL_PWD: password } });
    const out = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    child.stdin.end(input);
    const [said, error, [code]] = await within(out, program);
    assert.equal(code, 0, error);
    return said;
  };
  const through = (): readonly string[] => ['--no-defaults', '-h', '127.0.0.1', '-P', String(gateway.port('mysql')), '-u', 'shop', '--max-allowed-packet=1G'];
  const around = (): readonly string[] => ['--no-defaults', '-h', '127.0.0.1', '-P', String(server.port), '-u', server.user, '--max-allowed-packet=1G'];
  const dumped = async (ways: readonly string[], password: string, database: string): Promise<string> =>
    run('mariadb-dump', [...ways, '--hex-blob', '--skip-dump-date', '--triggers', database], password);

  test('what is dumped through the gateway is byte for byte what is dumped around it, and so is what was loaded through it', async () => {
    // The version in the head of a dump is that of the greeting, which the gateway knows from the first connection on.
    await run('mariadb', [...through(), '-e', 'SELECT 1'], token);
    const own = await dumped(around(), server.password, 'shop');
    const told = await dumped(through(), token, 'shop');
    assert.ok(told.length > 40_000_000);
    assert.equal(told.replace(/^-- Host:.*$/m, ''), own.replace(/^-- Host:.*$/m, ''));
    await run('mariadb', [...through(), 'copy'], token, told);
    const copied = await dumped(around(), server.password, 'copy');
    assert.equal(copied.replaceAll(/^-- (?:Host|Current Database):.*$/gm, ''), own.replaceAll(/^-- (?:Host|Current Database):.*$/gm, ''));
  });

  test('Connector/J works unchanged', extraCheck('default-jdk-headless libmariadb-java', '/usr/bin/java', connector), async () => {
    const file = join(import.meta.dirname, '..', 'support', 'connector', 'Asker.java');
    const url = `jdbc:mariadb://127.0.0.1:${gateway.port('mysql')}/shop`;
    const said = await run(
      'java',
      ['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-cp', connector, file, url, 'shop', token, 'SELECT said FROM kept WHERE id = ?', '7'],
      token,
    );
    assert.equal(said, `it's "\\\n\t7 é ☃\n`.repeat(2));
  });
});
