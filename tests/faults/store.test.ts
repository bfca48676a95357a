import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { exitCodes } from '../../ledger/src/verdict.ts';
import { openShop, type Shop } from '../support/shop.ts';

describe('a store in the hands of somebody else', () => {
  let shop: Shop;
  let early: string;
  before(async () => {
    shop = await openShop();
    await work('before the copy');
    early = join(shop.gateway.directory, 'early');
    await shop.gateway.signal('SIGTERM');
    cpSync(shop.gateway.data, early, { recursive: true });
    await shop.gateway.start();
    await work('after the copy');
    await shop.gateway.signal('SIGTERM');
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
  });

  async function work(word: string): Promise<void> {
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'me', password: shop.token, database: 'shop' });
    await client.connect();
    for (let i = 0; i < 20; i++) {
      await client.query('select $1::text, $2::int', [word, i]);
    }
    await client.end();
  }

  /** Returns the verdict on a copy that somebody changed. */
  function verdictOn(tamper: (copy: string) => void, words: readonly string[] = []): { readonly status: number; readonly stdout: string } {
    const copy = join(shop.gateway.directory, 'copy');
    rmSync(copy, { recursive: true, force: true });
    cpSync(shop.gateway.data, copy, { recursive: true });
    tamper(copy);
    return shop.gateway.command(['verify', '--data', copy, ...words]);
  }

  const segmentsOf = (store: string): string[] =>
    readdirSync(join(store, 'journal'))
      .toSorted()
      .map((name) => join(store, 'journal', name));
  const key = (): string => join(shop.gateway.data, 'log', 'key');

  test('as it is it holds, by the key that was kept elsewhere', () => {
    const { status, stdout } = verdictOn(() => undefined, ['--key', readFileSync(key(), 'utf8').trim()]);
    assert.equal(status, exitCodes.holds, stdout);
  });

  test('C29: a byte flipped anywhere in the journal is found', () => {
    const [segment = ''] = segmentsOf(shop.gateway.data);
    // The rest of a segment is space that was set aside.
    const used = readFileSync(segment).findLastIndex((byte) => byte !== 0);
    for (let n = 0; n < 4; n++) {
      const at = Math.floor((used * (n + 0.5)) / 4);
      const { status, stdout } = verdictOn((copy) => {
        const file = segmentsOf(copy)[0] ?? '';
        const bytes = readFileSync(file);
        bytes.writeUInt8(bytes.readUInt8(at) ^ 0x20, at);
        writeFileSync(file, bytes);
      });
      assert.ok(status !== exitCodes.holds && status !== exitCodes.retention, `byte ${at}: ${stdout}`);
    }
  });

  test('C29: missing records and files are found', () => {
    const cuts: Readonly<Record<string, (copy: string) => void>> = {
      'the end of the journal': (copy) => {
        const file = segmentsOf(copy).at(-1) ?? '';
        truncateSync(file, Math.floor(readFileSync(file).findLastIndex((byte) => byte !== 0) / 2));
      },
      'a segment': (copy) => {
        rmSync(segmentsOf(copy)[0] ?? '');
      },
      'all records': (copy) => {
        rmSync(join(copy, 'journal'), { recursive: true });
        mkdirSync(join(copy, 'journal'));
      },
    };
    for (const [what, cut] of Object.entries(cuts)) {
      assert.notEqual(verdictOn(cut).status, exitCodes.holds, what);
    }
  });

  test('C29: an old copy of everything verifies alone, but not with a checkpoint that was kept', () => {
    const restore = (copy: string): void => {
      rmSync(copy, { recursive: true });
      cpSync(early, copy, { recursive: true });
    };
    assert.equal(verdictOn(restore).status, exitCodes.holds);
    const known = join(shop.gateway.data, 'log', 'checkpoint');
    const { status, stdout } = verdictOn(restore, ['--known', known, '--key', key()]);
    assert.ok(status === exitCodes.completeness || status === exitCodes.trust, stdout);
    assert.equal(
      verdictOn(() => undefined, ['--known', join(early, 'log', 'checkpoint'), '--key', key()]).status,
      exitCodes.holds,
      'the newer one goes on from the older',
    );
  });

  test('C29: the store of another gateway is not this one', async () => {
    await using other = await openShop();
    const { status } = shop.gateway.command(['verify', '--data', other.gateway.data, '--key', key()]);
    assert.equal(status, exitCodes.trust);
  });
});
