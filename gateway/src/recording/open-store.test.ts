import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openSqlite } from '../store/sqlite.ts';
import { openStore } from './open-store.ts';
import { openRecorder } from './testdata/open-recorder.ts';

/** More than are made ready at once: the key store grows. */
const sessions = 70;

describe('what a start finds is one store', () => {
  let root: string;
  /** An early copy of a store, the same store later, and another one. Each was stopped in good order. */
  let early: string;
  let late: string;
  let other: string;
  /** The early copy as it went on elsewhere. */
  let twin: string;
  /** The late store as a crash leaves it. */
  let crashed: string;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'countersign-one-store-'));
    early = join(root, 'early');
    late = join(root, 'late');
    other = join(root, 'other');
    crashed = join(root, 'crashed');
    await recordSessions(late);
    await recordSessions(late);
    cpSync(late, early, { recursive: true });
    await recordSessions(late, crashed);
    await recordSessions(other);
    await recordSessions(other);
    twin = copyOf(early, () => undefined);
    await recordSessions(twin);
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  function copyOf(store: string, change: (data: string) => void): string {
    const data = mkdtempSync(join(root, 'copy-'));
    cpSync(store, data, { recursive: true });
    change(data);
    return data;
  }

  /** Puts this part of another store in. */
  const take =
    (from: () => string, ...names: readonly string[]) =>
    (data: string): void => {
      for (const name of names) {
        rmSync(join(data, name), { recursive: true, force: true });
        cpSync(join(from(), name), join(data, name), { recursive: true });
      }
    };
  const remove =
    (...names: readonly string[]) =>
    (data: string): void => {
      for (const name of names) {
        rmSync(join(data, name), { recursive: true });
      }
    };
  const edit = (sql: string) => (data: string) => {
    using database = openSqlite(join(data, 'keys.db'), { journal: 'truncate' });
    database.exec(sql);
  };

  const refusals: readonly (readonly [string, (data: string) => void, string, RegExp])[] = [
    ['no keys.db', remove('keys.db'), 'store_damaged', /a journal, and no \S+keys\.db\. Restore the keys\.db of this journal/],
    ['the keys.db of another store', take(() => other, 'keys.db', 'root.key'), 'store_damaged', /log\/key is not the key of the signer in keys\.db\. Restore/],
    [
      'keys and published log of another store',
      take(() => other, 'keys.db', 'root.key', 'log'),
      'store_damaged',
      /written by gateway [0-9a-f]{16}, and keys\.db holds [0-9a-f]{16}/,
    ],
    [
      'an older keys.db',
      take(() => early, 'keys.db'),
      'store_rolled_back',
      /keys\.db is older than the journal: key \d+, which was announced.*Restore a newer copy of keys\.db/,
    ],
    ['no signer in keys.db', edit('DELETE FROM signing_key'), 'store_damaged', /the signing key is not in keys\.db/],
    [
      'no signer in keys.db and no log/',
      (data) => {
        edit('DELETE FROM signing_key')(data);
        remove('log')(data);
      },
      'store_damaged',
      /keys\.db holds no signing key/,
    ],
    [
      'keys that are others than were announced',
      edit('UPDATE session_secrets SET meta = content, content = meta'),
      'store_damaged',
      /another key \d+ than the journal announces/,
    ],
    ['the journal of another store', take(() => other, 'journal'), 'store_damaged', /written by gateway/],
    ['journal and snapshot of another store', take(() => other, 'journal', 'recovery'), 'store_damaged', /written by gateway/],
    [
      'an older journal',
      take(() => early, 'journal'),
      'store_rolled_back',
      /ends after \d+ records, but a checkpoint over \d+ was given out\. Restore the newer copy/,
    ],
    [
      'an older journal with its published log',
      take(() => early, 'journal', 'log', 'recovery'),
      'store_rolled_back',
      /ends after \d+ records, but keys\.db knows of \d+/,
    ],
    ['no journal', remove('journal'), 'store_rolled_back', /ends after 0 records/],
    ['no journal and no published log', remove('journal', 'log'), 'store_rolled_back', /ends after 0 records, but keys\.db knows/],
    ['the published log of another store', take(() => other, 'log'), 'store_damaged', /log\/key is not the key/],
    ['no root.key', remove('root.key'), 'key_unavailable', /root\.key is missing, and no other key opens this store: restore the file/],
    ['no root.key and no keys.db', remove('root.key', 'keys.db'), 'key_unavailable', /root\.key is missing/],
    ['the root.key of another store', take(() => other, 'root.key'), 'key_unavailable', /the root key is another one/],
    ['the published checkpoint of another history', take(() => twin, 'log'), 'store_damaged', /log\/checkpoint over \d+ records is none of this journal/],
  ];
  for (const [what, change, code, message] of refusals) {
    test(`T4.13, E42: ${what}: no start, nothing is made or changed, and it is said what to restore`, async () => {
      const data = copyOf(late, change);
      const files = (): string[] => readdirSync(data, { recursive: true, encoding: 'utf8' }).toSorted();
      const found = files();
      await assert.rejects(openStore(data, {}, false), { code, message });
      assert.deepEqual(files(), found);
    });
  }

  for (const [what, change] of [
    ['nothing', () => undefined],
    ['an older published log', take(() => early, 'log')],
    ['no published log', remove('log')],
    ['an older snapshot', take(() => early, 'recovery')],
    ['the snapshot of another store', take(() => other, 'recovery')],
  ] as const) {
    test(`T4.13, E42: ${what} is no reason to refuse: it is made again from the journal`, async () => {
      for (const store of [late, crashed]) {
        const data = copyOf(store, change);
        const { recorder, keys } = await openRecorder(data);
        await recorder[Symbol.asyncDispose]();
        keys[Symbol.dispose]();
      }
    });
  }

  for (const how of ['stopped', 'crashed'] as const) {
    test(`T4.50: starts of a store that was ${how} leave no secrets behind that nobody uses`, async () => {
      let data = copyOf(late, () => undefined);
      const counts: number[] = [];
      for (let start = 0; start < 5; start++) {
        const { recorder, keys } = await openRecorder(data);
        recorder.openSession();
        await recorder.publish();
        const left = copyOf(data, () => undefined);
        await recorder[Symbol.asyncDispose]();
        keys[Symbol.dispose]();
        data = how === 'crashed' ? left : data;
        using database = openSqlite(join(data, 'keys.db'), { journal: 'truncate' });
        counts.push(Number(database.get('SELECT count(*) AS rows FROM session_secrets')?.['rows']));
      }
      // The gateway's own session and the other one.
      const [first = 0] = counts;
      assert.deepEqual(
        counts.map((count) => count - first),
        [0, 2, 4, 6, 8],
      );
    });
  }

  test('T4.13, E42: a rollback that is accepted is declared by the epoch', async () => {
    for (const [change, declared] of [
      [take(() => early, 'journal', 'log'), ['number', 'object']],
      [take(() => early, 'journal'), ['number', 'object']],
      [take(() => early, 'keys.db'), ['object', 'number']],
    ] as const) {
      const data = copyOf(late, change);
      const { keys, rollback } = await openStore(data, {}, true);
      keys[Symbol.dispose]();
      assert.deepEqual([typeof rollback?.records, typeof rollback?.key], declared);
    }
  });
});

async function recordSessions(data: string, crashed?: string): Promise<void> {
  mkdirSync(data, { recursive: true });
  const { recorder, keys } = await openRecorder(data);
  for (let i = 0; i < sessions; i++) {
    recorder.openSession();
  }
  await recorder.publish();
  if (crashed !== undefined) {
    cpSync(data, crashed, { recursive: true });
  }
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
}
