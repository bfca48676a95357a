import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openSqlite } from '../store/sqlite.ts';
import { KeyStore } from './key-store.ts';

describe('numbers of classes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-classes-'));
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const file = join(directory, 'keys.db');
  const root = createSecretKey(randomBytes(32));

  test('a query has its number for good, also after a restart, and the store does not tell the query', () => {
    {
      using keys = KeyStore.open(file, root);
      assert.equal(keys.classes.find('principal:ann'), null);
      assert.deepEqual(
        ['principal:ann', 'target:orders', 'principal:ann'].map((query) => keys.classes.give(query)),
        [2, 3, 2],
      );
    }
    using keys = KeyStore.open(file, root);
    assert.deepEqual([keys.classes.give('class:health'), keys.classes.find('target:orders')], [4, 3]);
    assert.doesNotMatch(readFileSync(file, 'latin1'), /\bann\b|orders|health/);
  });

  test('numbers of holds are not given to rules', () => {
    using keys = KeyStore.open(file, root);
    {
      using database = openSqlite(file, { journal: 'truncate', secureDelete: true });
      database.run('INSERT INTO keeping (class, query_digest) VALUES (?, ?)', [32_767, randomBytes(32)]);
    }
    assert.throws(() => keys.classes.give('target:new'), { code: 'limit_exceeded', message: /This store has had 32766 rules/ });
    assert.equal(keys.classes.give('class:health'), 4);
  });
});
