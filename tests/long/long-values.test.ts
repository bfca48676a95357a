import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';

const megabytes = 64;
const numbers = 400_000;
/** A value of many records: filling, and then numbers, of which each is there once. */
const statement = `select 'before' as a, repeat('x', ${megabytes} * 1024 * 1024) || (select string_agg(lpad(i::text, 8, '0'), '-' order by i) from generate_series(1, ${numbers}) i) || 'ENDNEEDLE' as b, 'behind' as c`;

describe('a value of 64 MiB', requireProgram('psql'), () => {
  let shop: Shop;
  let session = '';
  before(async () => {
    shop = await openShop();
    const { status } = await psql({ ...shop.through }, ['-qAt', '-o', '/dev/null', '-c', statement]);
    assert.equal(status, 0);
    session = (await shop.gateway.newest()).session;
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  test('T4.43: grep finds text at the end of a long value and text that is divided between records, in bounded memory', async () => {
    const records = (await shop.gateway.records(session)).filter(({ kind, attributes }) => kind === 'response' && attributes['countersign.is_whole'] !== false);
    const parts = records.filter(({ content }) => (content?.bytes ?? 0) > 1000);
    assert.ok(parts.length > megabytes, `${parts.length} parts`);
    const texts = parts.map(({ content }) => content?.text ?? '');
    // Where one part ends and the next begins: told from what was recorded.
    const seam = `${texts.at(-3)?.slice(-9)}${texts.at(-2)?.slice(0, 9)}`;
    assert.match(seam, /^[-\d]{18}$/);
    assert.ok(texts.every((text) => !text.includes(seam)));
    for (const words of [['endneedle'], [seam], [seam, '--each']]) {
      const { status, stdout, stderr } = shop.gateway.cli(['session', 'show', session, '--grep', ...words], {
        environment: { NODE_OPTIONS: '--max-old-space-size=192' },
      });
      assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
      assert.ok(stdout.includes('←'));
    }
  });

  test('T4.43: --full prints all of it in its place, and --bytes gives what was recorded', async () => {
    const { stdout } = shop.gateway.cli(['session', 'show', session, '--full', '--kind', 'response']);
    const printed = stdout.replaceAll(/^(?! {4}).*\n/gm, '').replaceAll('\n    ', '\n');
    assert.match(printed, /before \| x{1000}/);
    assert.equal(printed.match(/x/g)?.length, megabytes * 1024 * 1024);
    assert.match(printed, /00000001-00000002-/);
    assert.ok(printed.includes(`${numbers - 1}ENDNEEDLE | behind`.replace(/^\d+/, String(numbers).padStart(8, '0'))));
    const first = (await shop.gateway.records(session)).find(({ kind, content }) => kind === 'response' && content?.text?.includes('before |') === true);
    const from = 40 * 1024 * 1024;
    const { status, stdout: bytes } = shop.gateway.cli(['session', 'show', session, '--record', String(first?.seq), '--bytes', `${from}-${from + 999}`]);
    assert.deepEqual([status, bytes], [0, 'x'.repeat(1000)]);
  });
});
