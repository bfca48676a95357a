import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { neverExpires } from '@countersign/ledger/format';
import { keptUnder, plannedErasures } from '../retention/retention-plan.ts';
import { openSqlite } from '../store/sqlite.ts';
import { KeyStore } from './key-store.ts';

const facts = { class: 1, day: 300 };
const contents = { class: 2, day: 200 };
const later = { class: 3, day: 400 };
const hold = { class: 32_768, day: neverExpires };

test('secrets are counted by class and day, without those that are made ahead or erased, and with the keys that wrap them too', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-kept-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'keys.db');
  using keys = KeyStore.open(file, createSecretKey(randomBytes(32)));
  const taken = [1, 2, 3].map(() => keys.take(facts, contents, 100).keyId);
  keys.take(facts, facts, 100);
  const [first = 0, second = 0] = taken;
  keys.wrap([{ key: first, slot: 'content' }], later);
  keys.wrap(
    [
      { key: first, slot: 'content' },
      { key: second, slot: 'content' },
      { key: second, slot: 'meta' },
    ],
    hold,
  );
  const counted = keys.withoutSpares(await keys.countSecrets());
  assert.deepEqual(counted, [
    {
      ...contents,
      facts: 0,
      contents: 3,
      further: [
        { ...later, facts: 0, contents: 1 },
        { ...hold, facts: 0, contents: 2 },
      ],
    },
    { ...facts, facts: 4, contents: 1, further: [{ ...hold, facts: 1, contents: 0 }] },
    { ...later, facts: 0, contents: 0, further: [] },
    { ...hold, facts: 0, contents: 0, further: [] },
  ]);
  const stays = [
    { ...later, facts: 0, contents: 1 },
    { ...hold, facts: 0, contents: 2 },
  ];
  assert.deepEqual(plannedErasures(counted, 200), []);
  assert.deepEqual(plannedErasures(counted, 201), [{ ...contents, facts: 0, contents: 3, stays }]);
  assert.deepEqual(
    plannedErasures(counted, 401).map((each) => [each.day, each.stays]),
    [
      [200, stays.slice(1)],
      [300, [{ ...hold, facts: 1, contents: 0 }]],
      [400, []],
    ],
  );
  assert.deepEqual(
    keptUnder([], counted).map((each) => [each.class, each.firstDay, each.isForEver]),
    [
      [1, 300, false],
      [2, 200, false],
      [3, 400, false],
      [32_768, null, true],
    ],
  );
  {
    using database = openSqlite(file, { journal: 'truncate', secureDelete: true });
    database.run(`UPDATE session_secrets SET content = x'' WHERE id = ?`, [second]);
    database.run('DELETE FROM class_key WHERE class = ?', [hold.class]);
  }
  const [left] = keys.withoutSpares(await keys.countSecrets());
  assert.deepEqual(left, { ...contents, facts: 0, contents: 2, further: [{ ...later, facts: 0, contents: 1 }] });
});

test('secrets that were made ahead, and are not wanted any more after a day or a deletion, are not counted as kept', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-spares-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  using keys = KeyStore.open(join(directory, 'keys.db'), createSecretKey(randomBytes(32)));
  const counts = async (): Promise<readonly number[]> => keys.withoutSpares(await keys.countSecrets()).flatMap((kept) => [kept.facts, kept.contents]);
  const erased = keys.take(facts, facts, 100).keyId;
  keys.take(facts, facts, 100);
  assert.deepEqual(await counts(), [2, 2]);
  keys.destroy({ keys: [], secrets: [[erased, 2]] });
  assert.deepEqual(await counts(), [2, 1]);
  keys.take(facts, facts, 100);
  keys.take(facts, facts, 101);
  assert.deepEqual(await counts(), [4, 3]);
});

test('a hundred thousand secrets are counted in slices', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-many-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'keys.db');
  using keys = KeyStore.open(file, createSecretKey(randomBytes(32)));
  {
    using database = openSqlite(file, { journal: 'truncate', secureDelete: true });
    database.run(`INSERT INTO class_key (class, day, wrapped) VALUES (1, 100, x'00')`);
    database.run(
      `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO session_secrets (class, meta_day, content_day, meta, content) SELECT 1, 100, 100, x'01', x'02' FROM n`,
    );
  }
  assert.deepEqual(await keys.countSecrets(), [{ class: 1, day: 100, facts: 100_000, contents: 100_000, further: [] }]);
});
