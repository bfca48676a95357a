import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { defaultKeys, type KeySettings } from '../../domain/root-settings.ts';
import { KeyStore } from '../key-store.ts';
import { openStore } from '../open-store.ts';
import { committed, noon, readBack, record, temporaryDirectory, textsOf, verify } from '../testdata/kept-recording.ts';
import { LocalProvider } from './local-provider.ts';
import { openRoot } from './open-root.ts';
import { RootRotation, type RotationStep } from './root-rotation.ts';
import { readRootRow } from './root-rows.ts';

function rootNumber(data: string): number {
  return readRootRow(join(data, 'keys.db')).row?.id ?? 1;
}

describe('a root secret takes the place of another', () => {
  test('killed at any step, the store verifies and is read with the one before or the new one', async (t) => {
    const { data, recorder, keys, say, track, close } = await record(t);
    say('before');
    await committed(recorder);
    const images: [RotationStep, string][] = [];
    const rotation = new RootRotation({
      keys,
      recorder,
      provider: LocalProvider.readDefault(data, {}, false),
      share: () => Promise.resolve(),
      escrow: () => Promise.resolve(),
      now: () => noon,
      onStep: (step) => {
        const image = temporaryDirectory(t);
        cpSync(data, image, { recursive: true });
        images.push([step, image]);
      },
    });
    const masks = keys.maskKey('record');
    assert.deepEqual(await rotation.rotate(), { root: 2, provider: rotation.provider, classKeys: 2 });
    say('after');
    await close();
    assert.ok(masks.equals((await opened(data)).maskKey('record')), 'what is derived stays');
    for (const [step, image] of [...images, ['whole', data] as const]) {
      assert.equal(rootNumber(image), step === 'rewrapped' || step === 'whole' ? 2 : 1, step);
      const { keys: again, recorder: next } = await record(t, image);
      await next[Symbol.asyncDispose]();
      again[Symbol.dispose]();
      const { verdict, findings } = await verify(image, noon);
      assert.deepEqual([verdict, findings], ['holds', []], step);
      assert.deepEqual(textsOf(await readBack(image, track.id)), step === 'whole' ? ['before', 'after'] : ['before'], step);
    }
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
