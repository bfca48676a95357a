import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { verifyFile, verifyStore } from '@countersign/ledger';
import { formatCheckpoint, parseCheckpoint, signNote } from '@countersign/ledger/format';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { makeReceipt, openLog } from '../feed/evidence.ts';
import { KeyStore } from './key-store.ts';
import { openStore } from './open-store.ts';
import type { SigningStep } from './recorder.ts';
import { SigningRotation } from './signing-rotation.ts';
import { openRecorder } from './testdata/open-recorder.ts';
import { rootOf } from './testdata/root-of.ts';
import { execute, noon, readBack, record, temporaryDirectory, textsOf, verify } from './testdata/kept-recording.ts';

const read = (data: string, name: string): string => readFileSync(join(data, 'log', name), 'utf8');

/** A store whose key was rotated twice, with copies of what was there before the first, and at each step of it. */
async function rotatedTwice(t: Parameters<typeof record>[0]) {
  const { data, recorder, keys, say, track, close } = await record(t);
  say('before');
  await recorder.publish();
  const first = { key: read(data, 'key').trim(), receipt: await receiptOf(data, recorder.published, 2) };
  const before = temporaryDirectory(t);
  cpSync(data, before, { recursive: true });
  const images: [SigningStep, string][] = [];
  const steps = new SigningRotation({
    keys,
    recorder,
    onStep: (step) => {
      const image = temporaryDirectory(t);
      cpSync(data, image, { recursive: true });
      images.push([step, image]);
    },
  });
  const rotated = await steps.rotate();
  say('between');
  const between = temporaryDirectory(t);
  await recorder.publish();
  cpSync(data, between, { recursive: true });
  const again = await new SigningRotation({ keys, recorder }).rotate();
  say('after');
  await recorder.publish();
  const receipt = await receiptOf(data, recorder.published, 2);
  await close();
  return { data, track, first, before, between, images, rotated, again, receipt };
}

async function receiptOf(data: string, published: { readonly size: number; readonly note: string }, index: number): Promise<Buffer> {
  return Buffer.from(await makeReceipt(await openLog(data), published, index));
}

describe('a signing key takes the place of another', () => {
  test('what both have signed verifies with either and the keyring; receipts too', async (t) => {
    const { data, first, rotated, again, receipt } = await rotatedTwice(t);
    assert.deepEqual([rotated.keys, again.keys, again.vkey], [2, 3, read(data, 'key').trim()]);
    assert.ok(rotated.from < again.from && rotated.vkey !== again.vkey);
    const ring = read(data, 'keys');
    for (const keys of [[first.key], [rotated.vkey], [again.vkey], [ring], [first.key, again.vkey]]) {
      const { verdict, findings } = await verifyStore(openStoreFiles(data), { keys });
      assert.deepEqual([verdict, findings], ['holds', []]);
      for (const file of [first.receipt, receipt]) {
        const report = await verifyFile(file, { keys: [...keys, ring] });
        assert.deepEqual([report.verdict, report.findings], ['holds', []]);
      }
    }
    assert.equal((await verifyFile(first.receipt, { keys: [first.key] })).verdict, 'holds');
    assert.equal((await verifyFile(receipt, { keys: [first.key] })).verdict, 'trust', 'without the keyring nothing says that the new key is of this log');
    assert.equal((await verifyFile(first.receipt, { keys: [again.vkey] })).verdict, 'trust');
  });

  test('killed at any step, the store starts by itself, and verifies with the key before or the new one', async (t) => {
    const { first, images, track, rotated } = await rotatedTwice(t);
    assert.deepEqual(
      images.map(([step]) => step),
      ['announced', 'in force', 'signed'],
    );
    for (const [step, image] of images) {
      const { keys, recorder } = await record(t, image);
      const key = read(image, 'key').trim();
      assert.equal(key, step === 'announced' ? first.key : rotated.vkey, step);
      assert.equal(existsSync(join(image, 'log', 'keys')), step !== 'announced', step);
      await new SigningRotation({ keys, recorder }).rotate();
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
      for (const trusted of [first.key, read(image, 'key').trim()]) {
        const { verdict, findings } = await verifyStore(openStoreFiles(image), { keys: [trusted] });
        assert.deepEqual([verdict, findings], ['holds', []], step);
      }
      assert.deepEqual((await verify(image, noon)).findings, [], step);
      assert.deepEqual(textsOf(await readBack(image, track.id)), ['before'], step);
    }
  });

  test('where the keyring cannot be written, no checkpoint by the new key is published until it can', async (t) => {
    const { data, recorder, keys, say, close } = await record(t);
    await recorder.publish();
    const before = read(data, 'checkpoint');
    mkdirSync(join(data, 'log', 'keys'));
    await assert.rejects(new SigningRotation({ keys, recorder }).rotate());
    say('meanwhile');
    await assert.rejects(recorder.publish());
    assert.equal(read(data, 'checkpoint'), before);
    rmdirSync(join(data, 'log', 'keys'));
    const { size } = await recorder.publish();
    assert.equal(size, recorder.size);
    await close();
    const { verdict, findings } = await verifyStore(openStoreFiles(data));
    assert.deepEqual([verdict, findings], ['holds', []]);
  });

  test('a checkpoint that was kept before a rotation counts at a start, and one that the old key signs later does not', async (t) => {
    const { data, between, first, again } = await rotatedTwice(t);
    const kept = read(between, 'checkpoint');
    const { keys } = await openStore(data, {}, false, kept);
    keys[Symbol.dispose]();
    const newest = read(data, 'checkpoint');
    const { origin, root } = parseCheckpoint(newest.slice(0, newest.indexOf('\n\n') + 1));
    using stolen = KeyStore.openReadOnly(join(between, 'keys.db'), rootOf(between));
    const { signer } = stolen.signer();
    const late = signNote(formatCheckpoint({ origin, root, size: again.from }), { ...signer, name: origin });
    await assert.rejects(openStore(data, {}, false, late), { code: 'malformed' });
    assert.notEqual(first.key, again.vkey);
  });

  test('the private half of the key before is in no file of the store', async (t) => {
    const { data, recorder, keys, close } = await record(t);
    const wrappedOf = (): Buffer => Buffer.from(hexOf(data), 'hex');
    const before = wrappedOf();
    assert.ok(readFileSync(join(data, 'keys.db')).includes(before));
    await new SigningRotation({ keys, recorder }).rotate();
    await close();
    assert.ok(!readFileSync(join(data, 'keys.db')).includes(before));
    assert.ok(readFileSync(join(data, 'keys.db')).includes(wrappedOf()));
  });

  test('a start refuses keys that are not of one age', async (t) => {
    const { data, between, before } = await rotatedTwice(t);
    const refused = async (change: (image: string) => void, why: RegExp): Promise<void> => {
      const image = temporaryDirectory(t);
      cpSync(data, image, { recursive: true });
      change(image);
      await assert.rejects(openStore(image, {}, false), why);
    };
    await refused((image) => cpSync(join(between, 'keys.db'), join(image, 'keys.db')), /log\/key is not the key of the signer in keys\.db/);
    await refused((image) => {
      rmSync(join(image, 'log'), { recursive: true });
      cpSync(join(before, 'keys.db'), join(image, 'keys.db'));
    }, /the key in keys\.db has not signed the newest checkpoint/);
    await refused((image) => writeFileSync(join(image, 'log', 'keys'), `${read(image, 'keys')}\n`), /another keyring than keys\.db/);
    await refused((image) => truncateSync(join(image, 'log', 'keys'), 2 ** 31), /no such file has more than 1048576/);
    await refused((image) => execute(image, 'DELETE FROM handovers WHERE size = (SELECT max(size) FROM handovers)'), /does not end with the signing key/);
    await refused((image) => cpSync(join(between, 'journal'), join(image, 'journal'), { recursive: true }), /store_rolled_back|The journal ends after/);
  });
});

describe('a loss that reaches behind a rotation', () => {
  test('is declared, and the key in force begins a keyring anew', async (t) => {
    const { data, before, first, again } = await rotatedTwice(t);
    rmSync(join(data, 'journal'), { recursive: true });
    cpSync(join(before, 'journal'), join(data, 'journal'), { recursive: true });
    await assert.rejects(openRecorder(data), { code: 'store_rolled_back' });
    const { recorder, keys } = await openRecorder(data, { mayRollBack: true });
    assert.ok(!existsSync(join(data, 'log', 'keys')));
    assert.equal(read(data, 'key').trim(), again.vkey);
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    const two = [first.key, again.vkey];
    const both = await verifyStore(openStoreFiles(data), { keys: two });
    assert.deepEqual([both.verdict, both.findings, both.losses.length], ['holds', [], 1]);
    const anchored = await verifyStore(openStoreFiles(data), { keys: two, anchored: { keys: two, trees: [] } });
    assert.equal(anchored.verdict, 'trust', 'no witness goes on after a loss, so under an anchor log the keyring must be there');
    for (const key of two) {
      assert.equal((await verifyStore(openStoreFiles(data), { keys: [key] })).verdict, 'trust', 'nobody could hand over from the first key');
    }
    const next = await openRecorder(data);
    const third = await new SigningRotation(next).rotate();
    assert.equal(third.keys, 2, 'it goes on from there');
    await next.recorder[Symbol.asyncDispose]();
    next.keys[Symbol.dispose]();
    assert.equal((await verifyStore(openStoreFiles(data), { keys: [again.vkey] })).verdict, 'trust', 'the part of before is by a key that no keyring has');
  });
});

function hexOf(data: string): string {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(join(data, 'keys.db'), { readOnly: true });
  const row = database.prepare('SELECT hex(wrapped) AS wrapped FROM signing_key').get();
  database.close();
  return String(row?.['wrapped']);
}
