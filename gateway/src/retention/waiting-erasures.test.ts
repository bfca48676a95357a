import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openSqlite } from '../store/sqlite.ts';
import { WaitingErasures } from './waiting-erasures.ts';

const ann = { id: 'ann', onBehalfOf: null, address: '127.0.0.1' };
const bob = { ...ann, id: 'bob' };
const dayMs = 86_400_000;

test('an erasure waits over a restart for a day, sealed, and one that was changed in the file is not believed', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-waiting-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  let nowMs = Date.now();
  let ids = 0;
  const open = async (act: (waiting: WaitingErasures) => Promise<void>): Promise<void> => {
    const { recorder, keys } = await openRecorder(data);
    await act(new WaitingErasures({ rows: keys.waitingErasures, log: recorder, newId: () => `er_${(ids += 1)}`, now: () => nowMs }));
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  };
  await open(async (waiting) => {
    for (const query of ['principal:Ada-Lovelace', 'plum', 'cherry']) {
      waiting.keep(waiting.ask(ann, { query, reason: 'request', facts: false }));
    }
    return Promise.resolve();
  });
  assert.equal(readFileSync(join(data, 'keys.db')).includes('Lovelace'), false);
  {
    using database = openSqlite(join(data, 'keys.db'), { journal: 'truncate', secureDelete: true });
    database.exec("UPDATE waiting_erasures SET sealed = (SELECT sealed FROM waiting_erasures WHERE id = 'er_1') WHERE id = 'er_2'");
  }
  const nothing = async (): Promise<void> => Promise.resolve();
  await open(async (waiting) => {
    assert.deepEqual(
      waiting.list().map(({ id, query, by }) => [id, query, by]),
      [
        ['er_1', 'principal:Ada-Lovelace', ann],
        ['er_3', 'cherry', ann],
      ],
    );
    await assert.rejects(waiting.confirm('er_1', ann, nothing), { code: 'refused' });
    await assert.rejects(waiting.confirm('er_2', bob, nothing), { code: 'not_found' });
    assert.equal(await waiting.confirm('er_3', bob, async ({ endMs }) => Promise.resolve(endMs)), nowMs + dayMs);
    await assert.rejects(waiting.confirm('er_3', bob, nothing), { code: 'not_found' }, 'what was carried out waits no more');
  });
  nowMs += dayMs;
  await open(async (waiting) => {
    await assert.rejects(waiting.confirm('er_1', bob, nothing), { code: 'not_found' });
    assert.deepEqual(waiting.list(), []);
  });
  using database = openSqlite(join(data, 'keys.db'), { journal: 'truncate', secureDelete: true });
  assert.deepEqual(database.all('SELECT id FROM waiting_erasures'), [], 'what is over is removed, and what was changed');
});
