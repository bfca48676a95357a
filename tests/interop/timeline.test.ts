import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { ComparedStep } from '@countersign/gateway/comparison';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import type { CliResult } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

describe('the timeline of a run', requireProgram('psql'), () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  /** Without holding up this process, whose connections to the gateway would be closed meanwhile. */
  const cli = async (...words: readonly string[]): Promise<CliResult> => {
    const child = shop.gateway.spawnCli(words);
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { status, stdout, stderr };
  };
  /** A session with these statements. */
  const ask = async (...statements: readonly string[]): Promise<string> => {
    const { status, stderr } = await psql(shop.through, ['-q', '-o', '/dev/null', ...statements.flatMap((statement) => ['-c', statement])]);
    assert.equal(status, 0, stderr);
    return (await shop.gateway.newest()).session;
  };

  test('show and replay: all channels in one order, narrowed by channel, kind and text, with and without the gateway', async () => {
    const script = 'psql -Xqc "select 1 as first" -c "select 2 as Second"; psql -Xqc "select 3 as second"';
    assert.equal((await cli('run', '--as', 'agent', '--', 'sh', '-ec', script)).status, 0);
    const { session } = await shop.gateway.newest();
    const show = async (...words: readonly string[]): Promise<ShownRecord[]> => parseRows((await cli('session', 'show', session, ...words, '--json')).stdout);
    const all = await show();
    assert.deepEqual(all, await shop.gateway.records(session));
    assert.ok(all.every(({ time }, i) => i === 0 || time >= (all[i - 1]?.time ?? '')));
    const seen = (records: readonly ShownRecord[]) => records.map(({ channel, target, attributes }) => [channel, target, attributes['db.query.text']]);
    assert.deepEqual(seen(await show('--kind', 'request', '--grep', 'AS SECOND')), [
      [1, 'shop', 'select 2 as Second'],
      [2, 'shop', 'select 3 as second'],
    ]);
    assert.deepEqual(
      await show('--channel', '2'),
      all.filter(({ channel }) => channel === 2),
    );
    assert.deepEqual(
      await show('--channel', '1', '--channel', '2', '--kind', 'request', '--kind', 'response'),
      all.filter(({ kind }) => kind === 'request' || kind === 'response'),
    );
    const words = ['session', 'replay', session, '--no-wait', '--channel', '2', '--grep', 'second'];
    const { stdout } = await cli(...words);
    assert.match(
      stdout,
      /^\S+ \S+ {2}2 → postgres\.query shop .*\n {4}select 3 as second\n\S+ \S+ {2}2 ← response shop .*\n {4}second\n {4}3\n {4}SELECT 1\n$/,
    );
    assert.equal((await cli(...words, '--data', shop.gateway.data)).stdout, stdout);
    assert.equal((await cli('session', 'show', session, '--kind', 'nonsense')).status, 2);
    assert.equal((await cli('session', 'show', session, '--channel', 'one')).status, 2);
  });

  test('diff: shows where two runs begin to differ, in requests and in answers', async () => {
    await ask('create table visits (at int)');
    const start = ['insert into visits values (1)', 'select 1', 'select count(*) from visits'];
    const a = await ask(...start, 'select 3');
    const spaced = await ask('select 1');
    const same = await ask('select   1\n');
    const b = await ask(...start, String.raw`select E'\x1b]0;owned\x07' as b`);
    const diff = async (...words: readonly string[]): Promise<CliResult> => cli('session', 'diff', ...words);
    assert.deepEqual(await diff(a, a), { status: 0, stderr: '', stdout: '5 requests: the same was asked and answered\n' });
    assert.equal((await diff(spaced, same)).status, 0, 'white space asks nothing');
    const { status, stdout } = await diff(a, b);
    assert.equal(status, 1);
    assert.equal(
      stdout.replaceAll(/ #\d+/g, ''),
      [
        'the first 3 requests and their answers are the same',
        'they part at postgres.query shop: it was answered differently',
        `  postgres.connect shop\n      ${await connectText(a)}`,
        '  postgres.query shop\n      insert into visits values (1)',
        '  postgres.query shop\n      select 1',
        '  postgres.query shop\n      select count(*) from visits',
        '      count\n-     1\n+     2\n      SELECT 1',
        '- postgres.query shop\n-     select 3',
        String.raw`+ postgres.query shop${'\n'}+     select E'\x1b]0;owned\x07' as b`,
        '',
      ].join('\n'),
    );
    assert.equal((await diff(a, b, '--data', shop.gateway.data)).stdout, stdout);
    const rows = parseRows<ComparedStep>((await diff(a, b, '--json')).stdout);
    assert.deepEqual(
      rows.map(({ change, a: left, b: right }) => [change, left?.asked ?? null, right?.answer.replace(/^in_hot.*/s, '(settings)') ?? null]),
      [
        ['same', await connectText(a), '(settings)'],
        ['same', 'insert into visits values (1)', 'INSERT 0 1\n'],
        ['same', 'select 1', '?column?\n1\nSELECT 1\n'],
        ['answer', 'select count(*) from visits', 'count\n2\nSELECT 1\n'],
        ['removed', 'select 3', null],
        ['added', null, 'b\n\u001B]0;owned\u0007\nSELECT 1\n'],
      ],
    );
    assert.equal((await diff(a)).status, 2);
    assert.match((await diff(a, '0'.repeat(32))).stderr, /There is no session/);
  });

  test('diff: an answer is the same however it was cut into records', async () => {
    const statement = 'select repeat(md5(i::text), i % 700) from generate_series(1, 400) as i';
    const a = await ask(statement);
    const b = await ask(statement);
    const isCut = ({ attributes }: ShownRecord): boolean => Number(attributes['countersign.begun_bytes']) > 0;
    assert.ok((await shop.gateway.records(a)).some(isCut), 'a row lies in two records');
    const { status, stdout } = await cli('session', 'diff', a, b);
    assert.equal(status, 0, stdout);
  });

  test('a statement says in a comment which trace it belongs to: recorded with it, whichever way it comes', async () => {
    const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
    const comment = `/*application='shop',traceparent='${traceparent}'*/`;
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'me', password: shop.token, database: 'shop' });
    await client.connect();
    await client.query(`select 1 ${comment}`);
    await client.query(`select $1::int ${comment}`, [2]);
    await client.query('select 3');
    await client.end();
    const requests = (await shop.gateway.records((await shop.gateway.newest()).session)).filter(({ attributes }) => attributes['db.query.text']);
    assert.deepEqual(
      requests.map(({ attributes }) => attributes['countersign.traceparent'] ?? null),
      [traceparent, traceparent, null],
    );
  });

  const connectText = async (session: string): Promise<string> =>
    (await shop.gateway.records(session)).find(({ action }) => action === 'postgres.connect')?.content?.text ?? '';
});

function parseRows<Row>(lines: string): Row[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
