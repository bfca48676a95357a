import { firstHoldClass } from '@countersign/ledger/format';
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { underOf } from '../recording/hold-rows.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { Erasures } from './erasures.ts';
import { SecretWraps } from './secret-wraps.ts';

const under = underOf(firstHoldClass);

describe('wraps are on record, and compared with the record both ways', () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-wraps-'));
  const whole = join(root, 'whole');
  before(async () => {
    mkdirSync(whole);
    const { recorder, keys } = await openRecorder(whole);
    recorder.openSession();
    recorder.openSession();
    await new SecretWraps({ recorder, keys }).keep(secretsUpTo(3), under);
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const secretsUpTo = (count: number) => Array.from({ length: count }, (_, i) => ({ key: i + 1, slot: 'content' }) as const);
  const verdict = async (data: string): Promise<string> => {
    using keyRows = openKeyRows(join(data, 'keys.db'));
    const report = await verifyStore(openStoreFiles(data), { keyRows });
    return `${report.verdict}: ${report.findings.map(({ what }) => what).join('; ')}`;
  };
  const changed = (sql: string): string => {
    const data = mkdtempSync(join(root, 'changed-'));
    cpSync(whole, data, { recursive: true });
    const database = new DatabaseSync(join(data, 'keys.db'));
    database.exec(sql);
    database.close();
    return data;
  };

  test('as they were made', async () => {
    assert.equal(await verdict(whole), 'holds: ');
  });

  for (const [what, sql, expected] of [
    ['one is gone', 'DELETE FROM wraps WHERE key = 2', 'retention: a wrap that it announces is not in the key store'],
    ['one is another', 'UPDATE wraps SET wrapped = zeroblob(60) WHERE key = 2', 'integrity: the key store holds another wrap than it announces'],
    [
      'one more',
      'INSERT INTO wraps SELECT key, 1, class, day, wrapped, 1 FROM wraps WHERE key = 2',
      `retention: the secret 2/1 under ${under.class}/${under.day} is wrapped, and the log does not announce it`,
    ],
    ['one that does not count yet', 'INSERT INTO wraps SELECT key, 1, class, day, wrapped, 0 FROM wraps WHERE key = 2', 'holds: '],
  ] as const) {
    test(what, async () => {
      assert.equal(await verdict(changed(sql)), expected);
    });
  }

  test('one of a secret that was erased, and that is put back', async () => {
    const data = changed('SELECT 1');
    const { recorder, keys } = await openRecorder(data);
    const erasures = new Erasures({ recorder, keys, forget: () => Promise.resolve() });
    await erasures.erase({ cause: 'erased', keys: [], secrets: [[2, 2]], why: {} });
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    assert.equal(await verdict(data), 'holds: ');
    const database = new DatabaseSync(join(data, 'keys.db'));
    database.exec(`ATTACH '${join(whole, 'keys.db')}' AS before; INSERT INTO wraps SELECT * FROM before.wraps WHERE key = 2`);
    database.close();
    assert.equal(await verdict(data), 'retention: a wrap that it announces is in the key store, and the secret was destroyed');
  });

  test('what a crash left off the record is recorded by the next start', async () => {
    const data = changed('UPDATE wraps SET told = 0 WHERE key > 1');
    const { recorder, keys } = await openRecorder(data);
    const wraps = new SecretWraps({ recorder, keys });
    keys.wrap(secretsUpTo(5), under);
    await wraps.tell();
    await wraps.tell();
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    assert.equal(await verdict(data), 'holds: ');
  });
});
