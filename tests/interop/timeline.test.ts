import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ShownRecord } from '../../gateway/src/domain/shown-record.ts';
import { requireProgram } from '../support/require-program.ts';
import { openShop, type Shop } from '../support/shop.ts';

describe('the timeline of a run', requireProgram('psql'), () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  /** Runs a shell script in a session of its own. */
  const run = async (script: string): Promise<string> => {
    const { status, stderr } = shop.gateway.cli(['run', '--as', 'agent', '--', 'sh', '-ec', script]);
    assert.equal(status, 0, stderr);
    return (await shop.gateway.newest()).session;
  };

  test('show and replay: all channels in one order, narrowed by channel, kind and text, with and without the gateway', async () => {
    const session = await run('psql -Xqc "select 1 as first" -c "select 2 as Second"; psql -Xqc "select 3 as second"');
    const show = (...words: readonly string[]): ShownRecord[] => shop.gateway.rows(['session', 'show', session, ...words]);
    const all = show();
    assert.deepEqual(all, await shop.gateway.records(session));
    assert.ok(all.every(({ time }, i) => i === 0 || time >= (all[i - 1]?.time ?? '')));
    const seen = (records: readonly ShownRecord[]) => records.map(({ channel, target, attributes }) => [channel, target, attributes['db.query.text']]);
    assert.deepEqual(seen(show('--kind', 'request', '--grep', 'AS SECOND')), [
      [1, 'shop', 'select 2 as Second'],
      [2, 'shop', 'select 3 as second'],
    ]);
    assert.deepEqual(
      show('--channel', '2'),
      all.filter(({ channel }) => channel === 2),
    );
    assert.deepEqual(
      show('--channel', '1', '--channel', '2', '--kind', 'request', '--kind', 'response'),
      all.filter(({ kind }) => kind === 'request' || kind === 'response'),
    );
    const words = ['session', 'replay', session, '--no-wait', '--channel', '2', '--grep', 'second'];
    const { stdout } = shop.gateway.cli(words);
    assert.match(stdout, /^\S+ {2}2 → postgres\.query shop .*\n {4}select 3 as second\n\S+ {2}2 ← response shop .*\n {4}second\n {4}3\n {4}SELECT 1\n$/);
    assert.equal(shop.gateway.cli([...words, '--data', shop.gateway.data]).stdout, stdout);
    assert.equal(shop.gateway.cli(['session', 'show', session, '--kind', 'nonsense']).status, 2);
    assert.equal(shop.gateway.cli(['session', 'show', session, '--channel', 'one']).status, 2);
  });
});
