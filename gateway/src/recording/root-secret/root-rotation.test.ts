import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mountSmall, requireMounts } from '../../../../tests/support/mounted-disk.ts';
import { defaultKeys, type KeySettings } from '../../domain/root-settings.ts';
import { openSqliteReadOnly } from '../../store/sqlite.ts';
import { KeyStore } from '../key-store.ts';
import { openStore } from '../open-store.ts';
import { committed, noon, readBack, record, temporaryDirectory, textsOf, verify } from '../testdata/kept-recording.ts';
import { listEscrow, writeEscrow, type EscrowedRoot } from './escrow.ts';
import { LocalProvider } from './local-provider.ts';
import { openRoot } from './open-root.ts';
import { RootRotation } from './root-rotation.ts';
import { readRootRow } from './root-rows.ts';

/** The class keys and the signing key, as the root secret has wrapped them. */
function wrappedKeys(file: string): readonly Uint8Array[] {
  using database = openSqliteReadOnly(file);
  return database.all('SELECT wrapped FROM class_key UNION ALL SELECT wrapped FROM signing_key').map(({ wrapped }) => {
    assert.ok(wrapped instanceof Uint8Array);
    return wrapped;
  });
}

function rootNumber(data: string): number {
  return readRootRow(join(data, 'keys.db')).row?.id ?? 1;
}

describe('a root secret takes the place of another', () => {
  for (const [step, root] of [
    ['expected', 1],
    ['announced', 1],
    ['rewrapped', 2],
  ] as const) {
    test(`a process that is killed when it is ${step} leaves the one before or the new one, and the next start needs no hand`, async (t) => {
      const { data, recorder, keys, say, track, close } = await record(t);
      say('before');
      await committed(recorder);
      const masks = keys.maskKey('record');
      await close();
      const died = spawnSync(process.execPath, [join(import.meta.dirname, 'testdata', 'rotate-and-die.ts'), data, step, String(noon)], { encoding: 'utf8' });
      assert.equal(died.signal, 'SIGKILL', died.stderr);
      assert.equal(rootNumber(data), root);
      for (const isStarted of [false, true]) {
        if (isStarted) {
          await (await record(t, data)).close();
        }
        const { verdict, findings } = await verify(data, noon);
        assert.deepEqual([verdict, findings], ['holds', []]);
        assert.deepEqual(textsOf(await readBack(data, track.id)), ['before']);
      }
      assert.ok(masks.equals((await opened(data)).maskKey('record')), 'what is derived stays');
    });
  }

  test('what was recorded before and after is read, and no wrapped key of before is in the file', async (t) => {
    const { data, recorder, keys, say, track, close } = await record(t);
    say('before');
    await committed(recorder);
    const file = join(data, 'keys.db');
    const before = wrappedKeys(file);
    const provider = LocalProvider.readDefault(data, {}, false);
    const rotation = new RootRotation({ keys, recorder, provider, share: () => Promise.resolve(), escrow: () => Promise.resolve(), now: () => noon });
    const masks = keys.maskKey('record');
    assert.deepEqual(await rotation.rotate(), { root: 2, provider: provider.name, classKeys: 2 });
    assert.ok(before.length === 3 && !before.some((bytes) => readFileSync(file).includes(bytes)));
    say('after');
    await close();
    assert.equal(rootNumber(data), 2);
    const { verdict, findings } = await verify(data, noon);
    assert.deepEqual([verdict, findings], ['holds', []]);
    assert.deepEqual(textsOf(await readBack(data, track.id)), ['before', 'after']);
    assert.ok(masks.equals((await opened(data)).maskKey('record')), 'what is derived stays');
  });

  test('where the escrow has no space, the one before stays and the error says so, and another attempt succeeds with space', requireMounts(), async (t) => {
    await using disk = mountSmall(65_536);
    const { data, recorder, keys, close } = await record(t);
    const recipient = 'age15zdaqjrl5nahyg8r24mld6mx4zg4vex6tqtxph2mpqx2tt8u434qrfl2w4';
    const escrow = async (root: EscrowedRoot): Promise<void> => writeEscrow(disk.directory, root, keys.gatewayId ?? '', [recipient]);
    const provider = LocalProvider.readDefault(data, {}, false);
    const rotation = new RootRotation({ keys, recorder, provider, share: () => Promise.resolve(), escrow, now: () => noon });
    const ballast = join(disk.directory, 'ballast');
    const { bavail, bsize } = statfsSync(disk.directory);
    writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    await assert.rejects(rotation.rotate(), { code: 'cannot_record', message: /put in escrow in .*: the disk is full/ });
    assert.equal(rootNumber(data), 1);
    rmSync(ballast);
    assert.equal((await rotation.rotate()).root, 2);
    assert.deepEqual(
      listEscrow(disk.directory).map(({ root }) => root),
      [2],
    );
    await close();
  });

  test('a thread that has both reads before and after, and the old secret opens nothing any more', async (t) => {
    const { data, recorder, keys, close } = await record(t);
    const file = join(data, 'keys.db');
    const before = (await openRoot(data, { isNew: false })).secret;
    const escrow = (): Promise<void> => Promise.resolve();
    using beside = KeyStore.openBeside(file, [before]);
    using stale = KeyStore.openBeside(file, [before]);
    const cacheKey = beside.cacheKey();
    const share = async (next: Parameters<typeof beside.expectRoot>[0]): Promise<void> => Promise.resolve(beside.expectRoot(next));
    const rotation = new RootRotation({ keys, recorder, provider: LocalProvider.readDefault(data, {}, false), share, escrow, now: () => noon });
    for (let root = 2; root < 12; root++) {
      assert.equal((await rotation.rotate()).root, root);
      assert.equal(beside.signer().gatewayId, keys.gatewayId);
    }
    assert.ok(beside.cacheKey().equals(cacheKey));
    assert.throws(() => stale.signer(), /the root key is another one/);
    await close();
  });
});

describe('what wraps the root secret changes', () => {
  const env = (name: string): KeySettings['root'] => ({ kind: 'local', key: { env: name } });
  const keysOf = (root: KeySettings['root'], previous: KeySettings['previous'] = null): KeySettings => ({ ...defaultKeys, root, previous });
  const environment = { A: randomBytes(32).toString('hex'), B: randomBytes(32).toString('hex') };

  /** A store of before: its local key is the root secret itself. */
  async function storeOfBefore(data: string): Promise<void> {
    using _keys = KeyStore.open(join(data, 'keys.db'), LocalProvider.readDefault(data, {}, true).key);
    _keys.signer();
  }

  test('a store of before opens as it is, and another key takes it over if the one before is named', async (t) => {
    const data = temporaryDirectory(t);
    await storeOfBefore(data);
    const previous = { kind: 'local' as const, key: { file: join(data, 'root.key') } };
    assert.equal((await openStored(data, {})).provider, null, 'nothing is written for it');
    const masks = (await opened(data)).maskKey('hash');
    const moved = { keys: keysOf(env('A'), previous), environment };
    await assert.rejects(openStored(data, { ...moved, keys: keysOf(env('A')) }), { code: 'key_unavailable' });
    assert.match((await openStored(data, moved)).provider ?? '', /^local [0-9a-f]{16}$/);
    rmSync(join(data, 'root.key'));
    const alone = { keys: keysOf(env('A')), environment };
    assert.ok((await opened(data, alone)).maskKey('hash').equals(masks), 'what is derived stays');
    const again = { keys: keysOf(env('B'), env('A')), environment };
    await openStored(data, again);
    assert.ok((await opened(data, { ...again, keys: keysOf(env('B')) })).maskKey('hash').equals(masks));
    await assert.rejects(openStored(data, alone), /the root key is another one/);
  });

  test('a key that does not open the store is not taken over', async (t) => {
    const data = temporaryDirectory(t);
    await storeOfBefore(data);
    const before = readFileSync(join(data, 'root.key'));
    writeFileSync(join(data, 'root.key'), environment.B);
    const source = { keys: keysOf(env('A'), { kind: 'local', key: { file: join(data, 'root.key') } }), environment };
    await assert.rejects(openStored(data, source), /the root key is another one/);
    writeFileSync(join(data, 'root.key'), before);
    assert.equal((await openStored(data, {})).provider, null);
  });

  async function openStored(data: string, source: Parameters<typeof openStore>[1]): Promise<{ readonly provider: string | null }> {
    using open = (await openStore(data, source, false)).keys;
    open.signer();
    return { provider: open.rootRow?.provider ?? null };
  }
});

async function opened(data: string, source: Parameters<typeof openStore>[1] = {}): Promise<KeyStore> {
  return KeyStore.openReadOnly(join(data, 'keys.db'), (await openRoot(data, { ...source, isNew: false })).secret);
}
