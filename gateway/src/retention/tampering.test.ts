import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { dayOf, standardKeeping } from '../recording/retention.ts';
import { openSqlite, type SqliteRow } from '../store/sqlite.ts';
import { dayMs, openErasures, recordSession } from './testdata/open-erasures.ts';

/** Contents and facts of the first session expired so long ago, and those of the second one did not. */
const agoDays = 401;

type Opened = Awaited<ReturnType<typeof openErasures>>;

/** An operator who has all keys of the gateway, and so can have anything recorded and signed, and change any file. */
interface Tampering {
  readonly what: string;
  /** Done with the running gateway. Absent: what is due is deleted as it should be. */
  readonly run?: (opened: Opened) => Promise<void>;
  /** Done with `keys.db` once the gateway has stopped. `before` are the class keys that were there at first. */
  readonly change?: (keys: ReturnType<typeof openSqlite>, before: readonly SqliteRow[]) => void;
  readonly found: RegExp;
  /** It is judged for so many days later. */
  readonly laterDays?: number;
}

const expiredKeys = ({ keys }: Opened): ReturnType<Opened['keys']['classDays']> => keys.classDays().filter(({ day }) => day < dayOf(Date.now()));

const eraseDue = async (opened: Opened): Promise<void> => {
  await opened.erasures.erase({ cause: 'expired', keys: expiredKeys(opened), secrets: [], why: {} });
};

const tamperings: readonly Tampering[] = [
  {
    what: 'destroys keys that are due, and nothing says so',
    run: async () => Promise.resolve(),
    change: (keys) => {
      keys.run('DELETE FROM class_key WHERE day < ?', [dayOf(Date.now())]);
    },
    found: /^retention: the key that it announces is gone, and no erasure says why$/m,
  },
  {
    what: 'destroys keys before their day, and nothing says so',
    change: (keys) => {
      keys.run('DELETE FROM class_key WHERE day > ?', [dayOf(Date.now())]);
    },
    found: /^retention: the key that it announces is not in the key store$/m,
  },
  {
    what: 'destroys the secrets of one session, and nothing says so',
    change: (keys) => {
      keys.run("UPDATE session_secrets SET announced = NULL, content = x'' WHERE id = 1");
    },
    found: /^integrity: the key store holds another key than it announces$/m,
  },
  {
    what: 'has keys recorded as expired whose day has not passed',
    run: async (opened) => {
      await eraseDue(opened);
      await opened.erasures.erase({ cause: 'expired', keys: opened.keys.classDays(), secrets: [], why: {} });
    },
    found: /as expired, before that day has passed$/m,
  },
  {
    what: 'has keys recorded as those of a hold that ended',
    run: async (opened) => {
      await opened.erasures.erase({ cause: 'released', keys: opened.keys.classDays(), secrets: [], why: {} });
    },
    found: /as released, which is no hold$/m,
  },
  {
    what: 'puts keys back that were destroyed',
    change: (keys, before) => {
      for (const { class: classId, day, wrapped } of before) {
        keys.run('INSERT OR IGNORE INTO class_key (class, day, wrapped) VALUES (?, ?, ?)', [
          Number(classId),
          Number(day),
          wrapped instanceof Uint8Array ? wrapped : null,
        ]);
      }
    },
    found: /^retention: the key that it announces is in the key store, and the log says that it was destroyed$/m,
  },
  {
    what: 'has secrets recorded as erased, and keeps them',
    run: async (opened) => {
      await eraseDue(opened);
      opened.recorder.announceErasure({ cause: 'erased', keys: [], secrets: [[1, 2]], copies: [] }, {});
      for (const { index } of opened.recorder.erasures) {
        opened.recorder.completeErasure(index);
      }
      await opened.recorder.publish();
    },
    found: /^retention: the secret of the contents of number 1 is in the key store, and the log says that it was destroyed$/m,
  },
  {
    what: 'puts back one of two secrets of a row that were erased',
    run: async (opened) => {
      await eraseDue(opened);
      for (const slot of [1, 2]) {
        await opened.erasures.erase({ cause: 'erased', keys: [], secrets: [[1, slot]], why: {} });
      }
    },
    change: (keys) => {
      keys.run('UPDATE session_secrets SET content = randomblob(60) WHERE id = 1');
    },
    found: /^retention: the secret of the contents of number 1 is in the key store, and the log says that it was destroyed$/m,
  },
  {
    what: 'destroys the other secret of a row, too, of which one was erased',
    run: async (opened) => {
      await eraseDue(opened);
      await opened.erasures.erase({ cause: 'erased', keys: [], secrets: [[1, 2]], why: {} });
    },
    change: (keys) => {
      keys.run("UPDATE session_secrets SET meta = x'' WHERE id = 1");
    },
    found: /^retention: the secret of the facts of number 1 is not in the key store, and no erasure names it$/m,
  },
  {
    what: 'has a deletion announced, and never carries it out',
    run: async ({ recorder, keys }) => {
      const named = keys.classDays().filter(({ day }) => day < dayOf(Date.now()));
      recorder.announceErasure(
        { cause: 'expired', keys: named.map((key) => [key.class, key.day, keys.classKeyHash(key) ?? ''] as const), secrets: [], copies: [] },
        {},
      );
      await recorder.publish();
    },
    found: /^retention: the erasure that it announces was never completed$/m,
    laterDays: 3,
  },
  {
    what: 'records for a shorter time than the log says, so that it expires soon',
    run: async (opened) => {
      await eraseDue(opened);
      opened.recorder.append(opened.recorder.own, { kind: 'keep', meta: '{"class":1,"content":400,"facts":2555,"floor":null}', content: [] });
      opened.recorder.keepAs(standardKeeping(2555, 1));
      recordSession(opened.recorder, 'gone tomorrow');
    },
    found: /^retention: its secrets keep content of class 1 until .*, and the log says that they are kept for 400 days$/m,
  },
  { what: 'deletes nothing', run: async () => Promise.resolve(), found: /which has passed, is there: what it opens is kept too long$/m },
];

async function findingsOf(data: string, atMs: number): Promise<string> {
  using keyRows = openKeyRows(join(data, 'keys.db'));
  const { findings } = await verifyStore(openStoreFiles(data), { keyRows, retentionAtMs: atMs });
  return findings.map(({ code, what }) => `${code}: ${what}`).join('\n');
}

for (const { what, run = eraseDue, change, found, laterDays = 0 } of tamperings) {
  test(`an operator with all keys of the gateway is found who ${what}`, async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'countersign-tampering-'));
    t.after(() => {
      rmSync(data, { recursive: true });
    });
    const close = async ({ recorder, keys }: Opened): Promise<void> => {
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
    };
    const old = await openErasures(data, agoDays);
    recordSession(old.recorder, 'long ago');
    await close(old);
    const rowsOf = (): readonly SqliteRow[] => {
      using keys = openSqlite(join(data, 'keys.db'), { journal: 'truncate', secureDelete: true });
      return keys.all('SELECT class, day, wrapped FROM class_key');
    };
    const before = rowsOf();
    const opened = await openErasures(data);
    recordSession(opened.recorder, 'today');
    await run(opened);
    await close(opened);
    if (change !== undefined) {
      using keys = openSqlite(join(data, 'keys.db'), { journal: 'truncate', secureDelete: true });
      change(keys, before);
    }
    assert.match(await findingsOf(data, Date.now() + laterDays * dayMs), found);
  });
}

test('what is deleted as it should be is no finding', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-tampering-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  for (const ago of [agoDays, 0]) {
    const opened = await openErasures(data, ago);
    recordSession(opened.recorder, 'said');
    if (ago === 0) {
      await eraseDue(opened);
    }
    await opened.recorder[Symbol.asyncDispose]();
    opened.keys[Symbol.dispose]();
  }
  assert.equal(await findingsOf(data, Date.now()), '');
});
