import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ShownRecord, SessionSummary } from '../../gateway/src/domain/shown-record.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql, runProgram } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

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

  const show = (): ShownRecord[] => {
    const session = shop.gateway.rows<SessionSummary>(['session', 'list']).at(-1);
    return shop.gateway.rows<ShownRecord>(['session', 'show', session?.session ?? '']);
  };

  test('statements, errors, transactions and several statements in one message', async () => {
    const { status, stdout, stderr } = await psql(shop.through, ['-At', '-c', 'select 1; select 2', '-c', 'begin', '-c', "select 'in'", '-c', 'rollback']);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '1\n2\nBEGIN\nin\nROLLBACK\n');
    const failed = await psql(shop.through, ['-c', 'select nothing from nowhere']);
    assert.match(failed.stderr, /relation "nowhere" does not exist/);
    const records = show();
    const request = records.find((record) => record.action === 'postgres.query');
    assert.equal(request?.attributes['db.query.text'], 'select nothing from nowhere');
    assert.equal(request?.verdict, 'allow');
    assert.equal(request?.principal, 'agent');
    assert.ok(records.some((record) => record.kind === 'response' && record.attributes['db.response.status_code'] === '42P01'));
  });

  test('\\d, \\copy in and out, \\watch', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `${i}\tvalue ${i} äöü`).join('\n');
    const file = join(directory, 'rows');
    writeFileSync(file, `${rows}\n`);
    const out = join(directory, 'out');
    const script = `create table copied (id int primary key, value text);
\\copy copied from '${file}'
\\d copied
\\copy copied to '${out}'
select count(*) from copied \\watch count=2 interval=0.01
`;
    const plain = script.replace(' \\watch count=2 interval=0.01', ';');
    const result = await psql(shop.through, ['-At'], plain);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /COPY 5000/);
    assert.match(result.stdout, /id\|integer\|/);
    assert.equal(readFileSync(out, 'utf8'), `${rows}\n`);
    const copied = show().filter((record) => record.action === 'postgres.copy');
    assert.ok(
      copied
        .map((record) => record.content?.text ?? '')
        .join('')
        .includes('value 4999 äöü'),
    );
    const watched = await runProgram('timeout', ['2', 'psql', '-X', '-At', '-c', 'select 40 + 2'], shop.through);
    assert.equal(watched.stdout, '42\n');
  });

  test("the session id is told, and refusals are in PostgreSQL's own words", async () => {
    const wrong = await psql({ ...shop.through, PGPASSWORD: 'cs_wrong' }, ['-c', 'select 1']);
    assert.match(wrong.stderr, /token is not accepted/);
    const unknown = await psql({ ...shop.through, PGDATABASE: 'nowhere' }, ['-c', 'select 1']);
    assert.match(unknown.stderr, /nowhere/);
    const stranger = await psql({ ...shop.through, PGPASSWORD: shop.gateway.token('stranger') }, ['-c', 'select 1']);
    assert.match(stranger.stderr, /was not granted/);
  });

  test('cancel reaches the running statement', async () => {
    const started = performance.now();
    const { stderr } = await runProgram('timeout', ['-s', 'INT', '1', 'psql', '-X', '-c', 'select pg_sleep(30)'], shop.through);
    assert.match(stderr, /canceling statement/);
    assert.ok(performance.now() - started < 15_000);
    assert.ok(show().some((record) => record.action === 'postgres.cancel'));
  });

  test('the record holds', () => {
    const { status, stdout } = shop.gateway.verify();
    assert.equal(status, 0, stdout);
  });
});
