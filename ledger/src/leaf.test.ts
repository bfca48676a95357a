import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { commitClear, commitSealed, decodeLeaf, encodeLeaf, leafBytes, leafFlags, leafHash, leafKinds, leafOffsets, neverExpires, type Leaf } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { writeGoldenStore } from './testdata/golden-store.ts';
import { sha } from './testdata/store-writer.ts';

const request: Leaf = {
  kind: 'request',
  flags: leafFlags.hasMeta | leafFlags.hasContent | leafFlags.continues,
  session: '00112233445566778899aabbccddeeff',
  sessionSeq: 7,
  timeMs: 1_790_000_000_123,
  gatewayId: '00000000000000a7',
  epoch: 3,
  logIndex: 2 ** 40 + 5,
  metaClass: 1,
  metaExpiryDay: 20_800,
  contentClass: 2,
  contentExpiryDay: neverExpires,
  previous: new Uint8Array(32).fill(1),
  metaCommit: new Uint8Array(32).fill(2),
  contentCommit: new Uint8Array(32).fill(3),
};

void test('a leaf has the bytes of docs/formats/leaf.md', () => {
  const expected = [
    '0104',
    '000e',
    '00112233445566778899aabbccddeeff',
    '0000000000000007',
    '000001a0c4f7387b',
    '00000000000000a7',
    '00000003',
    '0000010000000005',
    '0001',
    '00005140',
    '0002',
    'ffffffff',
    '01'.repeat(32),
    '02'.repeat(32),
    '03'.repeat(32),
  ].join('');
  const bytes = encodeLeaf(request);
  assert.equal(bytes.length, leafBytes);
  assert.equal(
    Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{56}).{16}/, '$1'),
    expected.replace(/^(.{56}).{16}/, '$1'),
  );
  assert.equal(Buffer.from(bytes).readBigUInt64BE(28), 1_790_000_000_123n);
  assert.deepEqual(decodeLeaf(bytes), request);
  assert.deepEqual(leafHash(bytes), new Uint8Array(sha(Uint8Array.of(0), bytes)));
});

void test('leaves of a second writer are read field by field', () => {
  const { writer, session } = writeGoldenStore();
  for (const record of session.records) {
    const leaf = decodeLeaf(record.leaf);
    assert.equal(leaf.kind, record.kind);
    assert.equal(leaf.logIndex, record.index);
    assert.equal(leaf.session, session.id.toString('hex'));
    assert.equal(leaf.gatewayId, writer.gatewayId);
    assert.deepEqual(encodeLeaf(leaf), new Uint8Array(record.leaf));
    assert.deepEqual(leafHash(record.leaf), new Uint8Array(writer.leafHashes[record.index] ?? []));
    const [salt, plaintext] = [record.contentSalt, record.content];
    if (plaintext !== undefined) {
      const commit = commitSealed({
        slot: 'content',
        session: session.id,
        sessionSeq: leaf.sessionSeq,
        salt,
        plaintext,
      });
      assert.deepEqual(commit, leaf.contentCommit);
    }
  }
});

void test('commitments are those of the formula, and slot, session, sequence and salt each change them', () => {
  const session = Buffer.alloc(16, 5);
  const salt = Buffer.alloc(32, 6);
  const plaintext = Buffer.from('card 4111');
  const body = { slot: 'meta', session, sessionSeq: 258, salt, plaintext } as const;
  const number = Buffer.from('0000000000000102', 'hex');
  const expected = sha(Uint8Array.of(2, 1), session, number, salt, plaintext);
  assert.deepEqual(commitSealed(body), new Uint8Array(expected));
  const others = [
    { ...body, slot: 'content' as const },
    { ...body, sessionSeq: 259 },
    { ...body, session: Buffer.alloc(16, 4) },
    { ...body, salt: Buffer.alloc(32, 7) },
    { ...body, plaintext: Buffer.from('card 4112') },
  ];
  const distinct = new Set([body, ...others].map((one) => Buffer.from(commitSealed(one)).toString('hex')));
  assert.equal(distinct.size, 6);
  assert.deepEqual(commitClear(plaintext), new Uint8Array(sha(Uint8Array.of(3), plaintext)));
  assert.throws(() => commitSealed({ ...body, salt: Buffer.alloc(31) }), MalformedError);
});

void test('C29: a leaf that is not exactly of the format is refused', () => {
  const change = (at: number, ...values: number[]): Uint8Array => {
    const bytes = encodeLeaf(request);
    bytes.set(values, at);
    return bytes;
  };
  const zeros = Array<number>(32).fill(0);
  const refused = [
    encodeLeaf(request).subarray(1),
    Buffer.concat([encodeLeaf(request), Buffer.alloc(1)]),
    change(leafOffsets.version, 2),
    change(leafOffsets.kind, 0),
    change(leafOffsets.kind, 12),
    change(leafOffsets.kind, leafKinds.open),
    change(leafOffsets.kind, leafKinds.decision),
    change(leafOffsets.flags, 0, 7),
    change(leafOffsets.flags, 0, 0x16),
    change(leafOffsets.flags, 1, 6),
    change(leafOffsets.flags, 0, 2),
    change(leafOffsets.flags, 0, 4),
    change(leafOffsets.sessionSeq, 0, 0x20),
    change(leafOffsets.timeMs, 0xff),
    change(leafOffsets.logIndex, 0, 0x20),
    change(leafOffsets.epoch, 0, 0, 0, 0),
    change(leafOffsets.sessionSeq, ...zeros.slice(0, 8)),
  ];
  for (const bytes of refused) {
    assert.throws(() => decodeLeaf(bytes), MalformedError);
  }
  assert.throws(() => encodeLeaf({ ...request, previous: new Uint8Array(31) }), MalformedError);
  assert.throws(() => encodeLeaf({ ...request, session: 'zz' }), MalformedError);
  assert.throws(() => encodeLeaf({ ...request, kind: 'epoch' }), MalformedError);
});

void test('governance leaves are clear and all others never', () => {
  const governance = new Set([
    'open',
    'close',
    'resume',
    'access',
    'incident',
    'epoch',
    'heartbeat',
    'seal',
    'key',
    'policy',
    'hold',
    'erasure',
    'reconcile',
    'keep',
    'secrets',
    'wrap',
    'signer',
    'pause',
  ]);
  for (const [name, code] of Object.entries(leafKinds)) {
    for (const flags of [leafFlags.hasMeta, leafFlags.hasMeta | leafFlags.metaClear]) {
      const bytes = encodeLeaf({
        ...request,
        flags: leafFlags.hasMeta,
        contentCommit: new Uint8Array(32),
      });
      bytes[leafOffsets.kind] = code;
      bytes[leafOffsets.flags + 1] = flags;
      const legal = governance.has(name) === (flags !== leafFlags.hasMeta);
      if (legal) {
        assert.equal(decodeLeaf(bytes).kind, name);
      } else {
        assert.throws(() => decodeLeaf(bytes), MalformedError);
      }
    }
  }
});

void test('a leaf of facts only has a commitment to content and no class of content; only sealed kinds are of facts only', () => {
  const flags = leafFlags.hasMeta | leafFlags.hasContent | leafFlags.factsOnly;
  const leaf = { ...request, flags, contentClass: 0, contentExpiryDay: 0 };
  assert.equal(decodeLeaf(encodeLeaf(leaf)).flags, flags);
  assert.throws(() => encodeLeaf({ ...leaf, contentClass: 1 }), MalformedError);
  assert.throws(() => encodeLeaf({ ...leaf, contentExpiryDay: 1 }), MalformedError);
  assert.throws(() => encodeLeaf({ ...leaf, kind: 'access', flags: flags | leafFlags.metaClear }), MalformedError);
});

void test('any bytes are a leaf that encodes to themselves, or a MalformedError', () => {
  const bytes = fc.uint8Array({ minLength: leafBytes, maxLength: leafBytes });
  const nearly = fc.tuple(fc.nat(leafBytes - 1), fc.nat(255)).map(([at, value]) => {
    const leaf = encodeLeaf(request);
    leaf[at] = value;
    return leaf;
  });
  fc.assert(
    fc.property(fc.oneof(bytes, nearly), (input) => {
      try {
        assert.deepEqual(encodeLeaf(decodeLeaf(input)), new Uint8Array(input));
      } catch (error) {
        assert.ok(error instanceof MalformedError);
      }
    }),
    { numRuns: 2000 },
  );
});
