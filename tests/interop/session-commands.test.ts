import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { findSession } from '../../cli/src/names.ts';
import type { SessionSummary, ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { formatVerifierKey, parseVerifierKey } from '../../ledger/src/note.ts';
import { exitCodes } from '../../ledger/src/verdict.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

/** A terminal would set its title, clear itself, or write backwards. */
const hostile = String.raw`E'\x1b]0;owned\x07 \x1b[2J \u009b31m \u202egnp.exe \r overwritten'`;

describe('the commands on sessions', requireProgram('psql'), () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  const connect = async (password = shop.token): Promise<{ readonly client: pg.Client; readonly session: string }> => {
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'me', password, database: 'shop' });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query('show countersign.session').catch(() => ({ rows: [] }));
    assert.deepEqual(rows, [], 'it is a parameter of the gateway, not of the database');
    return { client, session: (await shop.gateway.newest()).session };
  };
  const find = async (id: string): Promise<SessionSummary | undefined> => (await shop.gateway.sessions()).find(({ session }) => session === id);
  const keyFile = (): string => join(shop.gateway.data, 'log', 'key');
  const verify = (file: string, key: string = keyFile()): number => shop.gateway.command(['verify', file, '--key', key]).status;
  /** Starts a command and collects its output. */
  const listen = (words: readonly string[]) => {
    const child = shop.gateway.spawnCli(words);
    const said = { out: '', child, exited: once(child, 'exit') };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        said.out += bytes.toString();
      });
    }
    return said;
  };

  test('list and show: for programs and for people', async () => {
    await psql(shop.through, ['-c', `select ${hostile} as shown`]);
    const { session } = await shop.gateway.newest();
    assert.deepEqual(
      shop.gateway.rows<SessionSummary>(['session', 'list', '--no-content']).map((row) => ({ ...row, durationMs: 0 })),
      (await shop.gateway.sessions()).map((row) => ({ ...row, durationMs: 0 })),
    );
    assert.deepEqual(shop.gateway.rows(['session', 'show', session]), await shop.gateway.records(session));
    const list = shop.gateway.command(['session', 'list']).stdout;
    assert.match(list, new RegExp(`^${session}  .*closed.* records  agent  shop  risk \\d+  select E'`, 'm'));
    const { stdout } = shop.gateway.command(['session', 'show', session]);
    assert.match(stdout, /→ postgres\.query shop.*\n {4}select E'/);
    assertPrintable(list + stdout);
    assert.equal(shop.gateway.command(['session', 'show', '0'.repeat(32)]).status, 1);
    assert.equal(shop.gateway.command(['session', 'show', 'nonsense']).status, 2);
  });

  test('found: the beginning of its id names a session everywhere, and SESSION#NUMBER a record', async () => {
    const { client, session } = await connect();
    await client.query('select 1');
    const begin = session.slice(0, 8);
    const said = (...words: readonly string[]): string => {
      const { status, stdout, stderr } = shop.gateway.command(words);
      assert.equal(status, 0, stderr);
      return stdout;
    };
    const request = (await shop.gateway.records(session)).find(({ kind }) => kind === 'request') ?? assert.fail();
    // How long a session has been open is said too, and time goes on.
    const timeless = (text: string): string => text.replace(/, open, \d+ seconds?$/m, ', open');
    assert.equal(timeless(said('session', 'show', begin)), timeless(said('session', 'show', session)));
    assert.equal(said('session', 'list', '--after', begin), '');
    assert.equal(said('session', 'diff', begin, session, '--json'), said('session', 'diff', session, session, '--json'));
    assert.equal(said('policy', 'explain', `${begin}#${request.seq}`), said('policy', 'explain', request.record));
    const bytes = said('session', 'show', begin, '--record', String(request.seq), '--bytes', '0-');
    assert.equal(bytes, said('session', 'show', session, '--record', String(request.seq), '--bytes', '0-'));
    assert.match(said('receipt', `${session}#${request.seq}`), new RegExp(`^index ${request.record.split('/')[1]}$`, 'm'));
    assert.equal(said('session', 'halt', begin).split('\n')[0], `halted ${session}`);
    assert.match(said('session', 'watch', begin), /halted/);
    assert.match(said('session', 'replay', begin, '--no-wait'), /select 1/);
    assert.equal(said('session', 'show', begin, '--data', shop.gateway.data), said('session', 'show', session, '--data', shop.gateway.data));
    await client.end();
    for (const [words, says] of [
      [['session', 'show', session.slice(0, 7)], /32 hex digits, or the first 8/],
      [['session', 'show', '00000000'], /there is no session whose id begins with 00000000/],
      [['receipt', `${session}#999999`], /has no record #999999/],
    ] as const) {
      assert.match(shop.gateway.command(words).stderr, says);
    }
    const all = await shop.gateway.sessions('all');
    const two = async function* two(): AsyncGenerator<SessionSummary> {
      yield* all.slice(0, 2);
    };
    await assert.rejects(findSession('01234567', two), /more than one session has an id that begins with 01234567, for instance \w{32} and \w{32}/);
  });

  test('export: a bundle verifies with only the key; an edited bundle, or another key, does not verify', async () => {
    await psql(shop.through, ['-c', "select 'bundled' as word"]);
    const file = join(shop.gateway.directory, 'session.bundle');
    const { session } = await shop.gateway.newest();
    assert.equal(shop.gateway.command(['session', 'export', session, '--out', file]).status, 0);
    assert.equal(verify(file), exitCodes.holds);
    const bundle = readFileSync(file, 'utf8');
    const streamed = shop.gateway.command(['session', 'export', session]).stdout;
    assert.equal(streamed.split('\n').length, bundle.split('\n').length, 'the same lines on standard output');
    const lines = bundle.split('\n');
    const at = lines.findIndex((line) => line.includes('"content"'));
    assert.ok(at > 0);
    const edits = {
      changed: bundle.replace(/(?<="plain":"[^"]{20})./, (letter) => (letter === 'A' ? 'B' : 'A')),
      shortened: lines.toSpliced(at, 1).join('\n'),
      swapped: lines.toSpliced(at, 2, lines[at + 1] ?? '', lines[at] ?? '').join('\n'),
    };
    for (const [what, edited] of Object.entries(edits)) {
      assert.notEqual(edited, bundle);
      writeFileSync(file, edited);
      assert.ok(verify(file) > 0, what);
    }
    writeFileSync(file, bundle);
    const { name } = parseVerifierKey(readFileSync(keyFile(), 'utf8').trim());
    assert.equal(verify(file, formatVerifierKey({ name, publicKey: randomBytes(32) })), exitCodes.trust);
  });

  test('receipt: one record is proven, for this key and as it was', async () => {
    await psql(shop.through, ['-c', 'select 1']);
    const record = (await shop.gateway.records((await shop.gateway.newest()).session)).find(({ action }) => action === 'postgres.query')?.record ?? '';
    const { status, stdout } = shop.gateway.command(['receipt', record]);
    assert.equal(status, 0);
    const file = join(shop.gateway.directory, 'receipt');
    writeFileSync(file, stdout);
    assert.equal(verify(file), 0);
    writeFileSync(file, stdout.replace(/^index \d+/m, 'index 0'));
    assert.ok(verify(file) > 0);
    assert.equal(shop.gateway.command(['receipt', '0123456789abcdef/0']).status, 1);
    assert.equal(shop.gateway.command(['receipt', 'nonsense']).status, 2);
  });

  test('halt: the client is told why, its statement stops at the target, the session is closed', async () => {
    const { client, session } = await connect();
    const { client: other } = await connect();
    const marker = 'select pg_sleep(300), 1 as halted_marker';
    const running = assert.rejects(client.query(marker), { code: '57P01', message: new RegExp(`reads too much \\(session ${session}\\)`) });
    await waitUntil(() => shop.database.log().includes(marker));
    const halt = listen(['session', 'halt', session, '--reason', 'reads too much']);
    await running;
    await halt.exited;
    assert.match(halt.out, new RegExp(`^halted ${session}`));
    await waitUntil(async () => (await find(session))?.state === 'halted');
    const { rows } = await other.query("select count(*)::int as left from pg_stat_activity where query like '%halted_marker%' and pid <> pg_backend_pid()");
    assert.deepEqual(rows, [{ left: 0 }]);
    assert.match(shop.database.log(), /canceling statement due to user request/);
    const records = await shop.gateway.records(session);
    assert.ok(records.some(({ action }) => action === 'postgres.cancel'));
    assert.equal(records.find(({ attributes }) => attributes['db.response.status_code'] === '57P01')?.kind, 'response', 'what the client was told is recorded');
    assert.equal(records.at(-1)?.kind, 'close');
    assert.equal(shop.gateway.command(['session', 'halt', session]).status, 1, 'it is closed already');
    assert.deepEqual((await other.query('select 1 as one')).rows, [{ one: 1 }], 'others go on');
    await other.end();
  });

  test('found: halt says that the token stays valid and how to revoke it; the token of a run ends with the run', async () => {
    const halt = (session: string): string => shop.gateway.command(['session', 'halt', session]).stdout;
    const token = await shop.gateway.issueToken('agent');
    const { session } = await connect(token);
    const [, id = ''] = /^its token is still valid .*: countersign token revoke (tok_[0-9a-f]+) revokes it/m.exec(halt(session)) ?? [];
    const { client: next } = await connect(token);
    assert.deepEqual((await next.query('select 1 as one')).rows, [{ one: 1 }], 'it does go on');
    const running = assert.rejects(next.query('select pg_sleep(300)'), /revoked/);
    assert.equal(shop.gateway.command(['token', 'revoke', id]).status, 0);
    await running;
    await assert.rejects(connect(token), /revoked/);
    const made = await shop.gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } });
    const run: { readonly session: string; readonly token: string } = JSON.parse(await made.text());
    assert.equal(halt(run.session), `halted ${run.session}\n`);
    await assert.rejects(connect(run.token), /has ended/);
  });

  test('halt: statements that were pipelined after the running one do not run either', async () => {
    const { client, session } = await connect();
    const sleeps = [1, 2, 3].map((i) => client.query(`select pg_sleep(300), ${i} as pipelined_marker`).catch((error: unknown) => error));
    await waitUntil(() => shop.database.log().includes('1 as pipelined_marker'));
    assert.equal(shop.gateway.command(['session', 'halt', session]).status, 0);
    await Promise.all(sleeps);
    await waitUntil(async () => (await find(session))?.state === 'halted');
    const { client: other } = await connect();
    const left = async (): Promise<number> =>
      (await other.query("select 1 from pg_stat_activity where query like '%pipelined_marker%' and pid <> pg_backend_pid()")).rowCount ?? 0;
    await waitUntil(async () => (await left()) === 0);
    await other.end();
  });

  test('watch: shows the earlier records, then new ones, and ends with the session', async () => {
    const { client, session } = await connect();
    await client.query("select 'before'");
    const watch = listen(['session', 'watch', session]);
    await waitUntil(() => watch.out.includes("select 'before'"));
    await client.query(`select 'live' as word, ${hostile} as text`);
    await waitUntil(() => watch.out.includes("select 'live'"));
    await client.end();
    const [status] = await watch.exited;
    assert.equal(status, 0);
    assertPrintable(watch.out);
    const json = shop.gateway.rows<ShownRecord>(['session', 'watch', session]);
    assert.deepEqual(
      json.map(({ seq }) => seq),
      (await shop.gateway.records(session)).map(({ seq }) => seq),
    );
  });

  test('replay: statements and rows in recorded time, faster, or without waiting; controls escaped', async () => {
    await psql(shop.through, ['-c', `select ${hostile} as text`, '-c', 'select pg_sleep(1.5)', '-c', 'select $$last$$']);
    const { session } = await shop.gateway.newest();
    const replay = (...words: readonly string[]) => {
      const startedMs = performance.now();
      const { status, stdout, stderr } = shop.gateway.command(['session', 'replay', session, ...words]);
      assert.equal(status, 0, stderr);
      return { stdout, tookMs: performance.now() - startedMs };
    };
    const { stdout: whole } = replay('--no-wait');
    assertPrintable(whole);
    assert.match(whole, /\\x1b\]0;owned\\x07 \\x1b\[2J \\x9b31m \\u\{202e\}gnp\.exe \\x0d overwritten/);
    assert.ok(whole.indexOf('owned') < whole.indexOf('select $$last$$'));
    const recorded = replay();
    assert.equal(recorded.stdout, whole);
    assert.ok(recorded.tookMs > 1500, 'as long as it took');
    assert.equal(replay('--speed', '1000').stdout, whole);
    assert.equal(replay('--no-wait', '--data', shop.gateway.data).stdout, whole, 'from the files alone');
    assert.equal(shop.gateway.command(['session', 'replay', session, '--speed', '0']).status, 2);
  });

  test('connect: a local port without a password, for as long as the command runs', async () => {
    const tunnel = listen(['connect', 'shop', '--as', 'agent']);
    await waitUntil(() => tunnel.out.includes('psql -h'));
    const port = /127\.0\.0\.1:(\d+)/.exec(tunnel.out)?.[1] ?? '';
    const environment = { PGHOST: '127.0.0.1', PGPORT: port, PGUSER: 'me', PGDATABASE: 'shop', PGPASSWORD: '', PGPASSFILE: '/dev/null' };
    const { status, stdout, stderr } = await psql(environment, ['-w', '-At', '-c', 'select 40 + 2']);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '42\n');
    assert.equal((await shop.gateway.newest()).principal, 'agent');
    const elsewhere = await psql({ ...environment, PGDATABASE: 'other' }, ['-w', '-c', 'select 1']);
    assert.match(elsewhere.stderr, /This port leads to "shop"/);
    tunnel.child.kill('SIGTERM');
    assert.deepEqual(await tunnel.exited, [0, null]);
    assert.equal((await psql(environment, ['-w', '-c', 'select 1'])).status, 2);
  });

  test('T4.30: a run is a trace of its own, and the state of an outer trace is not passed on', () => {
    const environment = { TRACEPARENT: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, TRACESTATE: 'vendor=outer' };
    const { stdout } = shop.gateway.cli(['run', '--as', 'agent', '--', 'sh', '-c', 'echo "$COUNTERSIGN_SESSION $TRACEPARENT $TRACESTATE"'], { environment });
    assert.match(stdout, /^(\w{32}) 00-\1-[0-9a-f]{16}-01 $/m);
  });

  test('run: one session, its environment, the exit code of the command', async () => {
    const script = 'echo "$COUNTERSIGN_SESSION $TRACEPARENT $SHOP_URL"; psql -XAt -c "select 1"; psql -XAt "$SHOP_URL" -c "select 2"; exit 7';
    const { status, stdout, stderr } = shop.gateway.cli(['run', '--as', 'agent', '--', 'sh', '-c', script]);
    assert.equal(status, 7, stderr);
    const [environment = '', ...rows] = stdout.trim().split('\n');
    assert.deepEqual(rows, ['1', '2']);
    const [session = '', traceparent, url = ''] = environment.split(' ');
    assert.match(traceparent ?? '', new RegExp(`^00-${session}-[0-9a-f]{16}-01$`));
    assert.match(url, /^postgres:\/\//);
    const records = await shop.gateway.records(session);
    const statements = records.flatMap(({ attributes }) => attributes['db.query.text'] ?? []);
    assert.deepEqual(statements, ['select 1', 'select 2'], 'both connections are in the one session');
    assert.deepEqual([...new Set(records.map(({ channel }) => channel))], [null, 0, 1, 2], 'the session, the run, two connections');
    await waitUntil(async () => (await find(session))?.state === 'closed');
    assert.match((await psql({}, ['-w', url, '-c', 'select 3'])).stderr, /run that this token belongs to has ended/, 'the token ended with the run');
    assert.equal(shop.gateway.cli(['run', '--as', 'agent', '--', 'psql', '-Xqc', 'select 1/0']).status, 1);
    assert.equal(shop.gateway.cli(['run', '--as', 'agent', '--', 'there-is-no-such-program']).status, 127);
    assert.equal(shop.gateway.cli(['run', '--as', 'stranger', '--target', 'shop', '--', 'true']).status, 1);
  });

  test('stop: connected clients are told, statements stop, sessions close in the record, exit 0 within 10 s', async () => {
    const idle = await connect();
    const busy = await connect();
    const told = once(idle.client, 'error');
    const running = assert.rejects(busy.client.query('select pg_sleep(300), 1 as stop_marker'), { code: '57P01', message: /stopping/ });
    await waitUntil(() => shop.database.log().includes('stop_marker'));
    const startedMs = performance.now();
    const exitCode = await shop.gateway.signal('SIGTERM');
    const tookMs = performance.now() - startedMs;
    assert.equal(exitCode, 0);
    assert.ok(tookMs < 10_000, `${tookMs} ms`);
    await running;
    const [error] = await told;
    assert.equal(error.code, '57P01');
    const sessions = shop.gateway.rows<SessionSummary>(['session', 'list', '--data', shop.gateway.data]);
    assert.deepEqual(
      sessions.filter(({ state }) => state === 'open' || state === 'interrupted'),
      [],
    );
    assert.equal(sessions.find(({ session }) => session === busy.session)?.state, 'closed');
    const around = new pg.Client({ port: shop.database.port, host: '127.0.0.1', user: 'app', password: shop.database.password, database: 'postgres' });
    await around.connect();
    const { rowCount } = await around.query("select 1 from pg_stat_activity where query like '%stop_marker%' and pid <> pg_backend_pid()");
    assert.equal(rowCount, 0);
    await around.end();
    assert.equal(shop.gateway.verify().status, 0);
  });
});

/** Nothing that a terminal acts on but the ends of lines. */
function assertPrintable(text: string): void {
  assert.doesNotMatch(text.replaceAll(/[\n\t]/g, ''), /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
}
