import assert from 'node:assert/strict';
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { neverExpires } from '@countersign/ledger/format';
import { openSqlite } from '../store/sqlite.ts';
import { KeyStore } from './key-store.ts';
import { standardClass } from './retention.ts';
import type { SecretName } from './wraps.ts';

const root = createSecretKey(randomBytes(32));
const never = { class: 32_768, day: neverExpires };
const later = { class: 2, day: 300 };
const usual = { class: standardClass, day: 200 };

describe('a secret is opened by any key that wraps it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-wraps-'));
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const files = Array.from({ length: 3 }, (_, i) => join(directory, `${i}.db`));

  const destroy = (file: string, { class: classId, day }: typeof usual): void => {
    using database = openSqlite(file, { journal: 'truncate', secureDelete: true });
    for (const table of ['class_key', 'wraps']) {
      database.run(`DELETE FROM ${table} WHERE class = ? AND day = ?`, [classId, day]);
    }
  };
  const wrap = (keys: KeyStore, name: SecretName, under: typeof usual): void => {
    keys.wrap([name], under);
    keys.noteWraps([name], under, 1);
  };
  const same = (a: KeyObject | null, b: KeyObject): boolean => a?.equals(b) === true;

  test('a hold keeps what its day no longer does, and a longer class too', () => {
    const [file = ''] = files;
    using keys = KeyStore.open(file, root);
    const { keyId, meta, content } = keys.take(usual, usual, 0);
    wrap(keys, { key: keyId, slot: 'content' }, never);
    wrap(keys, { key: keyId, slot: 'content' }, later);
    destroy(file, usual);
    assert.ok(same(keys.find(keyId, 'content', usual), content.key));
    assert.equal(keys.find(keyId, 'meta', usual), null, 'what nothing wraps is gone');
    destroy(file, never);
    assert.ok(same(keys.find(keyId, 'content', usual), content.key));
    wrap(keys, { key: keyId, slot: 'content' }, never);
    destroy(file, later);
    assert.ok(same(keys.find(keyId, 'content', usual), content.key), 'it was wrapped again by way of a wrap');
    destroy(file, never);
    assert.equal(keys.find(keyId, 'content', usual), null);
    assert.ok(!same(keys.find(keyId, 'content', usual), meta.key));
  });

  test('a wrap that is not on record is told, also by the next start, until it is noted', () => {
    const [, file = ''] = files;
    const name = { slot: 'meta' } as const;
    {
      using keys = KeyStore.open(file, root);
      const wrapped = [1, 2, 3].map(() => ({ ...name, key: keys.take(usual, usual, 0).keyId }));
      keys.wrap(wrapped, never);
      keys.wrap(wrapped, never);
    }
    using keys = KeyStore.open(file, root);
    const first = keys.untoldWraps(2);
    assert.deepEqual([first?.under, first?.wraps.length], [never, 2]);
    const announced: number[] = [];
    keys.announceClassKeys((key) => announced.push(key.class));
    assert.deepEqual(announced, [never.class]);
    keys.noteWraps(first?.wraps ?? [], never, 1);
    const rest = keys.untoldWraps(2);
    assert.equal(rest?.wraps.length, 1);
    keys.noteWraps(rest.wraps, never, 1);
    assert.equal(keys.untoldWraps(2), null);
  });

  test('what is not there is not wrapped', () => {
    const [, , file = ''] = files;
    using keys = KeyStore.open(file, root);
    const { keyId } = keys.take(usual, usual, 0);
    destroy(file, usual);
    keys.wrap(
      [
        { key: keyId, slot: 'meta' },
        { key: 4711, slot: 'meta' },
      ],
      never,
    );
    assert.equal(keys.untoldWraps(9), null);
  });
});
