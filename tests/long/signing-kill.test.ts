import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { openStoreFiles } from '../../cli/src/store-files.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Where a gateway is killed as it begins this system call on this file, and whether the new key is in force at the next start. */
const points = [
  { name: 'announced, no transaction begun', syscall: 'openat', file: 'keys.db-journal', isNew: false },
  { name: 'the key store is to be written', syscall: 'pwrite64', file: 'keys.db', isNew: false },
  { name: 'the key store is written, not synced', syscall: 'fsync', file: 'keys.db', isNew: false },
  { name: 'the key store is synced, not committed', syscall: 'ftruncate', file: 'keys.db-journal', isNew: false },
  { name: 'in force and signed with, no keyring', syscall: 'statx', file: 'log/keys', isNew: true },
  { name: 'the keyring is there, the key is not', syscall: 'statx', file: 'log/key', isNew: true },
] as const;

test(
  'a gateway that is killed at any point of a rotation starts by itself, with the key before or the new one, and its store holds by the first',
  requireStrace(),
  async (t) => {
    await using gateway = await GatewayProcess.start({ config: '' });
    const read = (name: string): string | null => {
      const file = join(gateway.data, 'log', name);
      return existsSync(file) ? readFileSync(file, 'utf8') : null;
    };
    const rotate = async (): Promise<Response> => gateway.api('/api/v1/keys/rotate-signing', { method: 'POST', body: { reason: 'a test' } });
    const first = read('key')?.trim() ?? assert.fail('no key');
    for (const { name, syscall, file, isNew } of points) {
      await t.test(name, async () => {
        const before = { key: read('key'), keyring: read('keys') };
        {
          await using tracing = await injectFault(gateway.pid, { syscall, file: join(gateway.data, file), what: 'signal=SIGKILL' });
          await assert.rejects(rotate, 'no answer leaves');
          await waitUntil(() => gateway.killedBy !== null);
          assert.match(tracing.hits(), new RegExp(`${syscall}\\(.*\\+\\+\\+ killed by SIGKILL`, 's'));
        }
        await gateway.start();
        assert.equal(read('key') !== before.key, isNew);
        assert.equal(read('keys') !== before.keyring, isNew);
        if (isNew) {
          await gateway.whenIndexed();
          const found = await (await gateway.api('/api/v1/search?query=action:gateway.use_signing_key')).text();
          assert.ok(found.includes(JSON.stringify(read('key')?.trim())), 'it is on record that it is in force');
        }
        const answer = await rotate();
        assert.equal(answer.status, 200, await answer.text());
        const { verdict, findings } = await verifyStore(openStoreFiles(gateway.data), { keys: [first] });
        assert.deepEqual([verdict, findings], ['holds', []]);
      });
    }
    await gateway.signal('SIGTERM');
    const { verdict, findings, counts } = await verifyStore(openStoreFiles(gateway.data), { keys: [first] });
    assert.deepEqual([verdict, findings, counts.epochs], ['holds', [], points.length + 1]);
  },
);
