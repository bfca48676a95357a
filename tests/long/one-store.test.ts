import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { exitCodes } from '../../ledger/src/verdict.ts';
import { suiteParts } from '../support/suite-parts.ts';

describe('a store with a part of another store, or with an older part', () => {
  let gateway: GatewayProcess;
  let other: GatewayProcess;
  let early: string;
  const parts = suiteParts();
  before(async () => {
    other = parts.use(await GatewayProcess.start({ config: '' }));
    await other.signal('SIGTERM');
    gateway = parts.use(await GatewayProcess.start({ config: '' }));
    await gateway.sessions();
    await gateway.signal('SIGTERM');
    early = join(gateway.directory, 'early');
    cpSync(gateway.data, early, { recursive: true });
    await gateway.start();
    await gateway.sessions();
    await gateway.signal('SIGTERM');
  });

  const indexOf = (store: string): string => join(store, 'index.db');
  const replaceIndex = (from: string): void => {
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(indexOf(gateway.data) + suffix, { force: true });
    }
    cpSync(indexOf(from), indexOf(gateway.data));
  };

  test('T4.13, E42, E45: an index that is older, of another store, or missing, is made again from the journal', async () => {
    for (const change of [
      () => {
        replaceIndex(early);
      },
      () => {
        replaceIndex(other.data);
      },
      () => {
        writeFileSync(indexOf(gateway.data), 'no database');
      },
    ]) {
      const expected = gateway.rows<{ session: string }>(['session', 'list', '--all', '--data', gateway.data]).map(({ session }) => session);
      change();
      await gateway.start();
      const found = (await gateway.sessions('all')).map(({ session }) => session);
      assert.deepEqual(found.slice(0, expected.length), expected);
      assert.equal(found.length, expected.length + 1);
      await gateway.signal('SIGTERM');
    }
  });

  test('T4.13, E42: an older journal does not start, and with --accept-rollback the loss is in the record', async () => {
    rmSync(join(gateway.data, 'recovery'));
    for (const part of ['journal', 'log']) {
      rmSync(join(gateway.data, part), { recursive: true });
      cpSync(join(early, part), join(gateway.data, part), { recursive: true });
    }
    await assert.rejects(gateway.start(), /keys\.db knows of \d+\. Restore the newer copy of the journal.*--accept-rollback/);
    await gateway.start(['--accept-rollback']);
    assert.equal((await gateway.sessions('all')).length, 2);
    await gateway.signal('SIGTERM');
    const { status, stdout } = gateway.verify();
    assert.equal(status, exitCodes.holds, stdout);
    assert.match(stdout, /epoch 2 declares a loss: of \d+ records that were known, those from \d+ on are gone/);
  });
});
