import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('psql through the gateway', requireProgram('psql'), () => {
  let shop: Shop;
  let directory: string;
  before(async () => {
    shop = await openShop();
    directory = mkdtempSync(join(tmpdir(), 'countersign-psql-'));
  });
  after(async () => {
    rmSync(directory, { recursive: true, force: true });
    await shop[Symbol.asyncDispose]();
  });

  const show = async (): Promise<ShownRecord[]> => shop.gateway.records((await shop.gateway.newest()).session);

  test('statements, errors, transactions and several statements in one message', async () => {
    const { status, stdout, stderr } = await psql(shop.through, ['-At', '-c', 'select 1; select 2', '-c', 'begin', '-c', "select 'in'", '-c', 'rollback']);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '1\n2\nBEGIN\nin\nROLLBACK\n');
    const failed = await psql(shop.through, ['-c', 'select nothing from nowhere']);
    assert.match(failed.stderr, /relation "nowhere" does not exist/);
    const records = await show();
    const request = records.find((record) => record.action === 'postgres.query');
    assert.equal(request?.attributes['db.query.text'], 'select nothing from nowhere');
    assert.equal(request?.verdict, 'allow');
    assert.equal(request?.principal, 'agent');
    assert.ok(records.some((record) => record.kind === 'response' && record.attributes['db.response.status_code'] === '42P01'));
  });

  test('\\d, \\copy in and out', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `${i}\tvalue ${i} äöü`).join('\n');
    const file = join(directory, 'rows');
    writeFileSync(file, `${rows}\n`);
    const out = join(directory, 'out');
    const script = `create table copied (id int primary key, value text);
\\copy copied from '${file}'
\\d copied
\\copy copied to '${out}'
select count(*) from copied;
`;
    const result = await psql(shop.through, ['-At'], script);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /COPY 5000/);
    assert.match(result.stdout, /id\|integer\|/);
    assert.equal(readFileSync(out, 'utf8'), `${rows}\n`);
    const records = await show();
    const contentOf = (request: ShownRecord | undefined): string =>
      records
        .filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.request'] === request?.seq)
        .map(({ content }) => content?.text ?? '')
        .join('');
    const copied = records.filter(({ action }) => action === 'postgres.copy').map(({ content }) => content?.text ?? '');
    assert.ok(copied.join('').includes('value 4999 äöü'), 'what went in is recorded');
    const copiesOut = records.findLast(({ attributes }) => /copy .* to stdout/i.test(String(attributes['db.query.text'])));
    assert.ok(contentOf(copiesOut).includes('value 4999 äöü'), 'what came out is recorded');
  });

  test('\\watch: each turn is in the record', async () => {
    await psql(shop.through, ['-c', 'create sequence turns']);
    // The third turn divides by zero, which ends it.
    const { status, stdout, stderr } = await psql(shop.through, ['-At'], "select 10 / (3 - nextval('turns')) as watched \\watch 0.01\n");
    assert.equal(status, 3);
    assert.deepEqual(stdout.match(/\d+/g), ['5', '10']);
    assert.match(stderr, /division by zero/);
    const turns = (await show()).filter(({ kind, attributes }) => kind === 'request' && String(attributes['db.query.text']).includes('as watched'));
    assert.equal(turns.length, 3);
  });

  test('LISTEN and NOTIFY', async () => {
    const { status, stdout, stderr } = await psql(shop.through, ['-At'], "listen news;\nselect pg_notify('news', 'it is hot');\n");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /notification "news" with payload "it is hot" received/);
  });

  test('large objects, in and out, by function calls', async () => {
    const file = join(directory, 'object');
    writeFileSync(file, Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 256)));
    const out = join(directory, 'object-out');
    const { status, stdout, stderr } = await psql(
      shop.through,
      ['-At'],
      `\\lo_import '${file}' 'a comment'\n\\lo_export :LASTOID '${out}'\n\\lo_unlink :LASTOID\n`,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^lo_import \d+/);
    assert.deepEqual(readFileSync(out), readFileSync(file));
    assert.ok((await show()).some(({ action }) => action === 'postgres.function_call'));
  });

  test("refusals are in PostgreSQL's own words", async () => {
    const wrong = await psql({ ...shop.through, PGPASSWORD: 'cs_wrong' }, ['-c', 'select 1']);
    assert.match(wrong.stderr, /token is not accepted/);
    const unknown = await psql({ ...shop.through, PGDATABASE: 'nowhere' }, ['-c', 'select 1']);
    assert.match(unknown.stderr, /nowhere/);
    const stranger = await psql({ ...shop.through, PGPASSWORD: await shop.gateway.issueToken('stranger') }, ['-c', 'select 1']);
    assert.match(stranger.stderr, /was not granted/);
  });

  test('cancel reaches the running statement', async () => {
    using child = spawn('psql', ['-X', '-c', 'select pg_sleep(300)'], { env: { ...process.env, ...shop.through }, stdio: ['ignore', 'ignore', 'pipe'] });
    const said = text(child.stderr);
    await waitUntil(() => shop.database.log().includes('pg_sleep(300)'));
    child.kill('SIGINT');
    assert.match(await said, /canceling statement/);
    assert.ok((await show()).some((record) => record.action === 'postgres.cancel'));
  });

  test('the record holds', () => {
    const { status, stdout } = shop.gateway.verify();
    assert.equal(status, 0, stdout);
  });
});
