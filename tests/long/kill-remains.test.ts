import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../cli/src/store-files.ts';
import { openKeyRows } from '../../gateway/src/recording/key-rows.ts';
import { oldKey, openErasures, recordSession } from '../../gateway/src/retention/testdata/open-erasures.ts';
import { openSqliteReadOnly } from '../../gateway/src/store/sqlite.ts';
import { plantRemains } from '../../gateway/src/store/testdata/plant-remains.ts';
import { filesWith } from '../support/canary.ts';
import { requireStrace } from '../support/strace.ts';

const eraseAndDie = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'retention', 'testdata', 'erase-and-die.ts');
/** An erasure has fewer writes to the key store. */
const writesMax = 60;

test('an erasure that is killed at any of its writes to the key store leaves nothing once the next start has gone on with it', requireStrace(), async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-remains-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const made = join(directory, 'made');
  mkdirSync(made);
  const doomed = await makeStore(made);
  let [killed, leftByKill] = [0, 0];
  for (let isWhole = false; !isWhole; killed++) {
    assert.ok(killed < writesMax);
    const data = join(directory, String(killed));
    cpSync(made, data, { recursive: true });
    isWhole = eraseUntil(data, killed + 1);
    leftByKill += holding(data, doomed).length;
    const { recorder, keys, erasures } = await openErasures(data);
    if (recorder.erasures.length === 0 && findSecret(join(data, 'keys.db')).length > 0) {
      // It was killed before the erasure was announced.
      assert.ok(!isWhole);
      await erasures.erase({ cause: 'erased', keys: [], secrets: [[oldKey, 2]], why: { by: 'ann' } });
    }
    await erasures.resume();
    assert.deepEqual(holding(data, doomed), [], `killed at write ${killed + 1}`);
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    using keyRows = openKeyRows(join(data, 'keys.db'));
    const { verdict, findings } = await verifyStore(openStoreFiles(data), { keyRows });
    assert.deepEqual({ verdict, findings }, { verdict: 'holds', findings: [] }, `killed at write ${killed + 1}`);
    rmSync(data, { recursive: true });
  }
  // Some of these writes come before, and some after the last bytes are overwritten.
  assert.ok(killed > 4 && leftByKill > 1, `${killed} writes, of which ${leftByKill} left bytes`);
});

/** Makes a store with sessions, and returns the wrapped secret of the first one, which is in unused parts of the key store, too. */
async function makeStore(data: string): Promise<Uint8Array> {
  const { recorder, keys } = await openErasures(data);
  for (let i = 0; i < 200; i++) {
    recordSession(recorder, `request ${i}`);
  }
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  const file = join(data, 'keys.db');
  const doomed = findSecret(file);
  assert.ok(plantRemains(file, doomed) > 4);
  return doomed;
}

function findSecret(file: string): Uint8Array {
  using database = openSqliteReadOnly(file);
  const content = database.get('SELECT content FROM session_secrets WHERE id = ?', [oldKey])?.['content'];
  assert.ok(content instanceof Uint8Array);
  return content;
}

/** Erases the first session in a process that is killed at a write to the key store. Returns true if the erasure is completed before that. */
function eraseUntil(data: string, write: number): boolean {
  const inject = ['-P', join(data, 'keys.db'), '-e', 'trace=pwrite64', '-e', `inject=pwrite64:signal=SIGKILL:when=${write}`];
  const { signal, stdout, stderr } = spawnSync('strace', ['-f', '-o', '/dev/null', ...inject, process.execPath, eraseAndDie, data, 'completed', 'secrets'], {
    encoding: 'utf8',
  });
  assert.equal(signal, 'SIGKILL', stderr);
  return stdout === 'completed';
}

function holding(data: string, bytes: Uint8Array): string[] {
  return filesWith(data, (all) => all.includes(bytes));
}
