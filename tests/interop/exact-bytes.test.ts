import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { parseBundle } from '../../ledger/src/testdata/whole-bundle.ts';
import { askPassword, passwordMessage } from '../../gateway/src/protocols/postgres/compose.ts';
import { python, requireProgram } from '../support/require-program.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts';
import { psql, runProgram } from '../support/run.ts';
import { Tap, type Tapped } from '../support/tap.ts';
import { waitUntil } from '../support/wait-until.ts';

const goodbye = Buffer.from('X\0\0\0\x04');

const script = `create table things (id int primary key, word text);
insert into things select n, repeat('thing ' || n, 50) from generate_series(1, 3000) n;
select 1; select 2 \\; select 3;
select * from things;
select nothing;
begin; insert into things values (1, 'twice');
rollback;
copy things to stdout;
copy things from stdin;
90001\tone
90002\ttwo
\\.
do $$ begin raise notice 'by the way'; end $$;
select lo_from_bytea(77, repeat('x', 100000)::bytea);
\\lo_export 77 /dev/null
listen news; notify news, 'hot';
select repeat('long', 100000);
`;

/** Everything that libpq can do in one flight: several statements of which one fails, a row in binary, a cursor, binary COPY. */
const pythonScript = `
import psycopg
with psycopg.connect("", autocommit=True) as c:
    # The error shows itself wherever the client next reads: when it asks for more, or at the end of the pipeline.
    try:
        with c.pipeline() as p:
            rows = [c.execute("select %s::int * 2", (n,)) for n in range(50)]
            p.sync()
            print(sum(r.fetchone()[0] for r in rows))
            failed = c.execute("select 1 / %s::int", (0,))
            skipped = c.execute("select 'skipped'")
            p.sync()
            failed.fetchone()
    except psycopg.errors.DivisionByZero:
        print("divided")
    with c.cursor(binary=True) as b:
        print(b.execute("select %b::int8, %b::bytea, now()", (7, b"\\x00\\xff")).fetchone()[:2])
    with c.transaction(), c.cursor(name="portal") as s:
        s.itersize = 100
        s.execute("select generate_series(1, 1000)")
        print(sum(1 for _ in s))
    with c.cursor().copy("copy (select generate_series(1, 5000)) to stdout (format binary)") as out:
        print(sum(len(part) for part in out))
`;
import { suiteParts } from '../support/suite-parts.ts';

describe('the exact bytes both ways', requireProgram('psql', 'pgbench', 'python:psycopg'), () => {
  let database: PostgresServer;
  let gateway: GatewayProcess;
  let inside: Tap;
  let outside: Tap;
  let login: Readonly<Record<string, string>>;
  const parts = suiteParts();
  before(async () => {
    database = parts.use(await startPostgres());
    inside = parts.use(await Tap.open(database.port));
    gateway = parts.use(
      await GatewayProcess.start({
        environment: { SHOP_PASSWORD: database.password },
        config: `targets: { shop: { url: "postgres://app@127.0.0.1:${inside.port}/postgres", password: { env: SHOP_PASSWORD }, durability: process } }
principals: { agent: { kind: agent, targets: [shop] } }
`,
      }),
    );
    outside = parts.use(await Tap.open(gateway.port('postgres')));
    const password = await gateway.issueToken('agent');
    login = {
      PGHOST: '127.0.0.1',
      PGPORT: String(outside.port),
      PGUSER: 'me',
      PGDATABASE: 'shop',
      PGPASSWORD: password,
      PGSSLMODE: 'disable',
      PGGSSENCMODE: 'disable',
    };
  });

  /** Returns all requests and all answers of the session that was opened last, as they were recorded. */
  async function recorded(): Promise<{ readonly requests: Buffer; readonly responses: Buffer }> {
    const { session } = await gateway.newest();
    const bundle = parseBundle(Buffer.from(await (await gateway.api(`/api/v1/sessions/${session}/bundle`)).arrayBuffer()));
    const contents = (kind: string): Buffer =>
      Buffer.concat(bundle.records.flatMap(({ decoded, content }) => (decoded.kind === kind && content.form === 'opened' ? [content.plaintext] : [])));
    return { requests: contents('request'), responses: contents('response') };
  }

  /** The first request is the connection itself: the client's startup packet, and as its answer the welcome. Both end at the gateway. */
  async function assertRecorded(): Promise<void> {
    const { requests, responses } = await recorded();
    const [client, target] = [last(outside), lastOfClient(inside)];
    const startupBytes = requests.readUInt32BE(0);
    const welcomeBytes = responses.indexOf('Z\0\0\0\x05') + 6;
    const password = passwordMessage(login['PGPASSWORD'] ?? '');
    assert.ok(requests.length > 200 && responses.length > 500);
    const [asked, answered] = [requests.subarray(startupBytes), responses.subarray(welcomeBytes)];
    await assertSame(client.sent, Buffer.concat([requests.subarray(0, startupBytes), password, asked, goodbye]), 'what the client sent');
    await assertSame(client.received, Buffer.concat([askPassword, responses]), 'what the client received');
    await assertEnd(target.sent, asked, 'what the target received');
    await assertEnd(target.received, answered, 'what the target sent');
  }

  test('psql: statements, errors, COPY, large objects, notices', async () => {
    const { status, stdout } = await psql(login, ['-v', 'ON_ERROR_STOP=0', '-At'], script);
    assert.equal(status, 0);
    assert.match(stdout, /lo_export/);
    await assertRecorded();
  });

  test('pgbench: prepared statements', async () => {
    const around = { ...login, PGPORT: String(database.port), PGUSER: 'app', PGDATABASE: 'postgres', PGPASSWORD: database.password };
    assert.equal((await runProgram('pgbench', ['-i', '-q'], around)).status, 0);
    const { status, stderr } = await runProgram('pgbench', ['-n', '-M', 'prepared', '-t', '200'], login);
    assert.equal(status, 0, stderr);
    await assertRecorded();
  });

  test('psycopg: a pipeline with an error, binary values, a cursor, binary COPY', async () => {
    const { status, stdout, stderr } = await runProgram(python, ['-c', pythonScript], login);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, "2450\ndivided\n(7, b'\\x00\\xff')\n1000\n50021\n");
    await assertRecorded();
  });
});

function last(tap: Tap): Tapped {
  const connection = tap.connections.at(-1);
  assert.ok(connection);
  return connection;
}

/** Returns the newest connection at the target that the gateway made for a client: it reads the catalogue over another one. */
function lastOfClient(tap: Tap): Tapped {
  const connection = tap.connections.findLast(({ sent }) => !Buffer.concat(sent).includes('application_name\0countersign\0'));
  assert.ok(connection);
  return connection;
}

async function assertSame(passed: readonly Buffer[], expected: Buffer, what: string): Promise<void> {
  await assertEnd(passed, expected, what);
  assert.equal(Buffer.concat(passed).length, expected.length, what);
}

/** Says where they differ: the bytes themselves would fill screens. */
async function assertEnd(passed: readonly Buffer[], expected: Buffer, what: string): Promise<void> {
  // The last of it may still be on its way through the tap when the client is done.
  await waitUntil(() => Buffer.concat(passed).length >= expected.length);
  const end = Buffer.concat(passed).subarray(-expected.length);
  const at = end.findIndex((byte, i) => byte !== expected[i]);
  assert.equal(at, -1, `${what}: byte ${at} of ${expected.length} is another than recorded`);
}
