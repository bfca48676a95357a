import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openKeyRing, ringKeysMax } from './keyring.ts';
import { MalformedError } from './malformed.ts';
import type { StoreFiles } from './store-files.ts';
import { filesOf, writeRotatedStore, type RotatedStore } from './testdata/golden-store.ts';
import { sha, signBoth, signerOf, signText, treeHash, witnessOf } from './testdata/store-writer.ts';
import { formatReceipt } from './tlog-proof.ts';
import { verifyFile } from './verify-file.ts';
import { verifyPublicLog } from './verify-public-log.ts';
import { verifyStore, type StoreReport } from './verify-store.ts';
import { parseWitnessPolicy } from './witness-policy.ts';

const never = 0xffff_ffff;

function storeOf(seeds: readonly number[], announced?: string, gatewayId?: string): RotatedStore & { readonly files: Map<string, Buffer> } {
  const store = writeRotatedStore(seeds, announced, gatewayId);
  return { ...store, files: store.writer.files };
}

const rotated = storeOf([1, 2, 3]);
const ring = textOf(rotated.files, 'log/keys');

function textOf(files: ReadonlyMap<string, Buffer>, path: string): string {
  return files.get(path)?.toString() ?? assert.fail(path);
}

async function reportOf(files: ReadonlyMap<string, Buffer>, keys: readonly string[]): Promise<StoreReport> {
  return verifyStore(filesOf(new Map(files)), { keys });
}

async function found(files: ReadonlyMap<string, Buffer>, keys: readonly string[]): Promise<readonly string[]> {
  const { verdict, findings } = await reportOf(files, keys);
  return [verdict, ...findings.map(({ where, what }) => `${where} ${what}`)];
}

function changed(files: ReadonlyMap<string, Buffer>, changes: Readonly<Record<string, string | null>>): Map<string, Buffer> {
  const result = new Map(files);
  for (const [path, text] of Object.entries(changes)) {
    if (text === null) {
      result.delete(path);
    } else {
      result.set(path, Buffer.from(text));
    }
  }
  return result;
}

/** The store of after two rotations without its keyring, with a record more that the thief of the first key has signed. */
function extendedByThief(): Map<string, Buffer> {
  const { writer } = storeOf([1, 2, 3]);
  writer.signer = signerOf(writer.origin, 1);
  writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 1 } });
  writer.commit();
  writer.checkpoint();
  writer.publish();
  return changed(writer.files, { 'log/keys': null, 'log/key': `${writer.signer.vkey}\n` });
}

/** A receipt under a checkpoint of so many records, in a history of one's own, signed by the key of a seed. */
function forgedReceipt(size: number, seed: number): Buffer {
  const leaf = Buffer.alloc(164);
  leaf[0] = 1;
  leaf[1] = 33;
  leaf.writeUInt16BE(3, 2);
  leaf.write(rotated.writer.gatewayId, 36, 'hex');
  leaf.writeUInt32BE(1, 44);
  leaf.writeUInt32BE(never, 58);
  leaf.writeUInt32BE(never, 64);
  const hashes = [sha(Uint8Array.of(0), leaf), ...Array.from({ length: size - 1 }, (_, i) => sha(Buffer.from(`other ${i}`)))];
  const proof: Buffer[] = [];
  for (let all = hashes; all.length > 1;) {
    let half = 1;
    while (2 * half < all.length) {
      half *= 2;
    }
    proof.unshift(treeHash(all.slice(half)));
    all = all.slice(0, half);
  }
  const origin = rotated.writer.origin;
  const text = `${origin}\n${size}\n${treeHash(hashes).toString('base64')}\njournal 1 96 ${Buffer.alloc(32).toString('base64')}\n`;
  return Buffer.from(formatReceipt({ index: 0, leaf, proof, checkpoint: signText(text, signerOf(origin, seed)) }));
}

describe('a log whose key was rotated', () => {
  test('holds with any of its keys, and with its keyring', async () => {
    for (const keys of [...rotated.vkeys.map((key) => [key]), [ring], [...rotated.vkeys], [rotated.vkeys[0] ?? '', ring]]) {
      assert.deepEqual(await found(rotated.files, keys), ['holds']);
      const log = await verifyPublicLog(async (path) => Promise.resolve(rotated.files.get(`log/${path}`)), { keys });
      assert.deepEqual([log.verdict, log.findings], ['holds', []]);
    }
    assert.equal((await verifyStore(filesOf(rotated.files))).verdict, 'holds');
    const { keys, handovers } = await openKeyRing(Buffer.from(ring));
    assert.deepEqual(
      keys.map(({ first }) => first),
      rotated.sizes,
    );
    assert.deepEqual(
      handovers.map(({ checkpoint }) => checkpoint.size),
      rotated.sizes.slice(1),
    );
  });

  test('a key counts for its sizes and no others, to the record', async () => {
    const [, second = 0, third = 0] = rotated.sizes;
    const verdictOf = async (size: number, seed: number, keys: readonly string[]): Promise<string> =>
      (await verifyFile(forgedReceipt(size, seed), { keys })).verdict;
    for (const keys of [[ring], [rotated.vkeys[0] ?? '', ring], [rotated.vkeys[2] ?? '', ring]]) {
      for (const [seed, first, next] of [
        [1, 1, second],
        [2, second, third],
        [3, third, third + 5],
      ] as const) {
        assert.equal(await verdictOf(first, seed, keys), 'holds');
        assert.equal(await verdictOf(next - 1, seed, keys), 'holds');
        assert.equal(await verdictOf(next, seed, keys), seed === 3 ? 'holds' : 'trust', `the key of seed ${seed} at size ${next}`);
        if (seed > 1) {
          assert.equal(await verdictOf(first - 1, seed, keys), 'trust');
        }
      }
    }
    assert.equal(await verdictOf(third, 1, [rotated.vkeys[2] ?? '']), 'trust');
  });

  test('who holds a newer key is not taken in by a keyring that the thief of an older one makes', async () => {
    const thief = storeOf([1, 9]);
    const [, real = '', newest = ''] = rotated.vkeys;
    assert.deepEqual(await found(thief.files, [rotated.vkeys[0] ?? '']), ['holds'], 'who holds the stolen key alone cannot tell');
    for (const keys of [[real], [newest], [rotated.vkeys[0] ?? '', real]]) {
      assert.equal((await reportOf(thief.files, keys)).verdict, 'trust', keys.join());
    }
    for (const keys of [[ring], [rotated.vkeys[0] ?? '', ring]]) {
      assert.equal((await reportOf(thief.files, keys)).verdict, 'integrity', 'the journal is not that of the handovers');
    }
    const forged = textOf(thief.files, 'log/keys');
    const receipt = forgedReceipt(100, 9);
    assert.equal((await verifyFile(receipt, { keys: [rotated.vkeys[0] ?? '', forged] })).verdict, 'holds');
    const proven = forgedReceipt(rotated.sizes[2] ?? 0, 3);
    assert.equal((await verifyFile(proven, { keys: [rotated.vkeys[0] ?? '', ring] })).verdict, 'holds');
    assert.equal((await verifyFile(proven, { keys: [rotated.vkeys[0] ?? '', ring, forged] })).verdict, 'trust', 'two keyrings of one key');
    for (const keys of [
      [newest, forged],
      [real, forged],
      [ring, forged],
      [rotated.vkeys[0] ?? '', ring, forged],
    ]) {
      assert.equal((await verifyFile(receipt, { keys })).verdict, 'trust');
    }
  });

  test('who holds several keys and no keyring is not taken in by the thief of the older one', async () => {
    const [first = '', real = '', newest = ''] = rotated.vkeys;
    const undecided = 'several trusted keys are of this log, and no keyring says from which size on each of them signs';
    const thief = storeOf([1]);
    const extended = extendedByThief();
    for (const keys of [
      [first, newest],
      [newest, first],
      [first, real, newest],
    ]) {
      for (const files of [thief.files, extended]) {
        assert.deepEqual(await found(files, keys), ['trust', `log/keys ${undecided}`]);
        const log = await verifyPublicLog(async (path) => Promise.resolve(files.get(`log/${path}`)), { keys });
        assert.deepEqual([log.verdict, log.findings.map(({ what }) => what)], ['trust', [undecided]]);
      }
      assert.equal((await verifyFile(forgedReceipt(100, 1), { keys })).verdict, 'trust');
    }
    assert.deepEqual(await found(thief.files, [first, first]), ['holds'], 'one key twice');
    assert.deepEqual(await found(thief.files, [first, signerOf('countersign/00000000000000b8', 3).vkey]), ['holds'], 'a key of another log');
  });

  test('holds with keyrings of two logs, each of which counts for its own', async () => {
    const other = storeOf([4, 5], undefined, '00000000000000b8');
    const otherRing = textOf(other.files, 'log/keys');
    const policy = parseWitnessPolicy(
      Buffer.from(`log ${rotated.vkeys[0]}\nlog ${other.vkeys[0]}\nwitness w ${witnessOf('witness.example/w1', 7).vkey}\nquorum w\n`),
    );
    for (const keys of [
      [ring, otherRing],
      [otherRing, ring],
      [rotated.vkeys[0] ?? '', otherRing],
      [ring, other.vkeys[1] ?? ''],
      [rotated.vkeys[0] ?? '', ring, otherRing],
    ]) {
      for (const { files, writer } of [rotated, other]) {
        assert.deepEqual(await found(files, keys), ['holds']);
        const log = await verifyPublicLog(async (path) => Promise.resolve(files.get(`log/${path}`)), { keys });
        assert.deepEqual([log.verdict, log.findings], ['holds', []]);
        const cosigned = changed(files, { 'log/cosigned': writer.note + witnessOf('witness.example/w1', 7).cosign(writer.note, 1_790_000_000) });
        assert.equal((await verifyStore(filesOf(cosigned), { keys, witnesses: policy })).verdict, 'holds');
      }
    }
    const [, second = 0] = rotated.sizes;
    assert.equal((await verifyFile(forgedReceipt(second - 1, 1), { keys: [otherRing, ring] })).verdict, 'holds');
    assert.equal((await verifyFile(forgedReceipt(second, 1), { keys: [otherRing, ring] })).verdict, 'trust', 'after its rotation');
    const keys = [ring, otherRing];
    const unannounced = storeOf([1, 2], signerOf(rotated.writer.origin, 5).vkey);
    const unrotated = signerOf('countersign/00000000000000c9', 6).vkey;
    const shown = changed(unannounced.files, { 'log/key': `${unrotated}\n`, 'log/keys': null });
    const given = [textOf(unannounced.files, 'log/keys'), unrotated];
    assert.deepEqual(
      await found(shown, given),
      ['trust', 'log/key is of another log than the journal'],
      'so the handovers of its own keyring are not passed over',
    );
    assert.deepEqual(await found(changed(rotated.files, { 'log/keys': null }), keys), ['holds'], 'the keyring that was given has its keys');
    const [verdict, ...what] = await found(rotated.files, [otherRing]);
    assert.deepEqual([verdict, what.includes('log/keys a trusted key is not in this keyring')], ['trust', true]);
  });

  test('witnesses end what the thief can show to who holds the stolen key alone', async () => {
    const witness = witnessOf('witness.example/w1', 7);
    const policy = (key: string) => parseWitnessPolicy(Buffer.from(`log ${key}\nwitness w ${witness.vkey}\nquorum w\n`));
    const [first = ''] = rotated.vkeys;
    const cosigned = changed(rotated.files, { 'log/cosigned': rotated.writer.note + witness.cosign(rotated.writer.note, 1_790_000_000) });
    const verdictOf = async (files: ReadonlyMap<string, Buffer>, key: string) =>
      (await verifyStore(filesOf(new Map(files)), { keys: [first], witnesses: policy(key) })).verdict;
    assert.equal(await verdictOf(cosigned, first), 'holds', 'the policy names the first key, and the third has signed');
    assert.equal(await verdictOf(storeOf([1, 9]).files, first), 'trust');
    const other = signerOf(rotated.writer.origin, 8).vkey;
    assert.equal(await verdictOf(cosigned, other), 'trust');
  });

  test('holds if its key is rotated while it is verified', async () => {
    const [before, after] = [storeOf([1]).files, storeOf([1, 2]).files];
    let [isPast, asked] = [false, 0];
    const files = (): StoreFiles => filesOf(isPast ? after : before);
    const report = await verifyStore(
      {
        list: async (path) => files().list(path),
        size: async (path) => {
          asked += path === 'log/checkpoint' ? 1 : 0;
          // The first time it is asked whether this is a store at all; the second time the keys were read.
          isPast = asked > 1;
          return files().size(path);
        },
        read: async (path, offset, length) => files().read(path, offset, length),
      },
      { keys: [rotated.vkeys[0] ?? ''] },
    );
    assert.deepEqual([report.verdict, report.findings], ['holds', []]);
    assert.ok(isPast);
  });

  test('a rotation that the log does not announce, or announces otherwise, is found', async () => {
    const hidden = storeOf([1, 2], signerOf(rotated.writer.origin, 5).vkey);
    assert.deepEqual(await found(hidden.files, [hidden.vkeys[0] ?? '']), [
      'integrity',
      `log/keys record ${(hidden.sizes[1] ?? 0) - 1} does not announce the key that signs from size ${hidden.sizes[1]} on`,
    ]);
  });

  test('a keyring of another history, of before, or none, is found', async () => {
    const [first = '', , newest = ''] = rotated.vkeys;
    const notes = ring.split(/\n\n(?=countersign)/);
    assert.equal((await reportOf(changed(rotated.files, { 'log/keys': null }), [first])).verdict, 'trust');
    assert.equal((await reportOf(changed(rotated.files, { 'log/keys': `${notes[0]}\n` }), [newest])).verdict, 'trust');
    assert.equal((await reportOf(changed(rotated.files, { 'log/keys': `${notes[0]}\n` }), [first])).verdict, 'trust');
    const { writer } = rotated;
    const [before, next] = [signerOf(writer.origin, 1), signerOf(writer.origin, 2)];
    const elsewhere = ring.split('\n\n')[0]?.replace(/\n[A-Za-z0-9+/=]{44}\n/, `\n${sha(Buffer.from('other')).toString('base64')}\n`) ?? '';
    const forked = signBoth(`${elsewhere}\n`, before, next);
    const short = storeOf([1, 2]);
    assert.deepEqual(await found(changed(short.files, { 'log/keys': forked }), [first]), ['integrity', 'log/keys root is not that of the log at its size']);
    const log = await verifyPublicLog(async (path) => Promise.resolve(path === 'keys' ? Buffer.from(forked) : short.files.get(`log/${path}`)), {
      keys: [first],
    });
    assert.deepEqual(
      log.findings.map(({ what }) => what),
      [`a key took over at size ${short.sizes[1]} in another history`],
    );
    // An older copy of the store, for who has kept the keyring.
    assert.equal((await reportOf(short.files, [ring])).verdict, 'completeness');
  });
});

describe('a keyring that is malformed is refused', () => {
  const signers = [1, 2, 3, 4].map((seed) => signerOf(rotated.writer.origin, seed));
  const [one = assert.fail(), two = assert.fail(), three = assert.fail()] = signers;
  const head = (size: number): string =>
    `${rotated.writer.origin}\n${size}\n${Buffer.alloc(32).toString('base64')}\njournal 1 96 ${Buffer.alloc(32).toString('base64')}\n`;
  const lines = (...keys: readonly (readonly [number, { readonly vkey: string }])[]): string =>
    keys.map(([first, { vkey }]) => `key ${first} ${vkey}\n`).join('');
  const whole = signBoth(head(5) + lines([0, one], [5, two]), one, two);
  const stranger = signerOf('countersign/00000000000000b8', 3);

  test('the smallest one is accepted', async () => {
    assert.equal((await openKeyRing(Buffer.from(whole))).keys.length, 2);
    const longer = `${whole}\n${signBoth(head(9) + lines([0, one], [5, two], [9, three]), two, three)}`;
    assert.equal((await openKeyRing(Buffer.from(longer))).keys.length, 3);
  });

  const wrong: Readonly<Record<string, string>> = {
    'an empty file': '',
    'a line too many at its end': `${whole}\n`,
    'signed by the key before alone': signText(head(5) + lines([0, one], [5, two]), one),
    'signed by the new key alone': signText(head(5) + lines([0, one], [5, two]), two),
    'signed by others': signBoth(head(5) + lines([0, one], [5, two]), one, three),
    'one key alone': signText(head(5) + lines([5, two]), two),
    'three keys at first': signBoth(head(9) + lines([0, one], [5, two], [9, three]), two, three),
    'a first key that does not sign from the beginning': signBoth(head(5) + lines([1, one], [5, two]), one, two),
    'another size than that of the checkpoint': signBoth(head(5) + lines([0, one], [6, two]), one, two),
    'a key that takes over at once': signBoth(head(0) + lines([0, one], [0, two]), one, two),
    'a key twice': signBoth(head(5) + lines([0, one], [5, one]), one, one),
    'a key of another log': signBoth(head(5) + lines([0, one], [5, stranger]), one, stranger),
    'a handover that forgets a key': `${whole}\n${signBoth(head(9) + lines([0, one], [9, three]), one, three)}`,
    'a handover that changes a size': `${whole}\n${signBoth(head(9) + lines([0, one], [4, two], [9, three]), two, three)}`,
    'a handover twice': `${whole}\n${whole}`,
    'sizes that shrink': `${whole}\n${signBoth(head(5) + lines([0, one], [5, two], [5, three]), two, three)}`,
    'a line besides': signBoth(`${head(5)}more\n${lines([0, one], [5, two])}`, one, two),
    'a size in another spelling': signBoth(head(5) + lines([0, one], [5, two]).replace('key 5', 'key 05'), one, two),
    'no journal line': signBoth(head(5).replace(/journal.*\n/, '') + lines([0, one], [5, two]), one, two),
    'too many keys': Array.from({ length: ringKeysMax }, () => whole).join('\n'),
  };
  for (const [name, text] of Object.entries(wrong)) {
    test(name, async () => {
      await assert.rejects(openKeyRing(Buffer.from(text)), MalformedError);
    });
  }

  test('any byte of it that is changed', async () => {
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await assert.rejects(openKeyRing(bytes), MalformedError, `byte ${at}`);
    }
  });
});
