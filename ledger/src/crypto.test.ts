import assert from 'node:assert/strict';
import { createHash, sign } from 'node:crypto';
import test from 'node:test';
import * as fc from 'fast-check';
import { sha256, verifyEd25519 } from './crypto.ts';
import { verifyEd25519Web } from './ed25519-web.ts';
import { HashSlots } from './hash-slots.ts';
import { HashLanes } from './sha256-lanes.ts';
import { sha256Portable } from './sha256.ts';
import { signerOf } from './testdata/store-writer.ts';

function reference(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function portable(bytes: Uint8Array): string {
  const target = new Uint8Array(40).fill(0xee);
  sha256Portable(bytes, target, 4);
  assert.deepEqual([...target.subarray(0, 4), ...target.subarray(36)], Array<number>(8).fill(0xee));
  return Buffer.from(target.subarray(4, 36)).toString('hex');
}

void test('both implementations of SHA-256 agree with node:crypto at every length up to 200', () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 255);
    assert.equal(Buffer.from(sha256(bytes)).toString('hex'), reference(bytes));
    assert.equal(portable(bytes), reference(bytes));
  }
});

for (const useVectors of [true, false]) {
  void test(`SHA-256 of many messages at once agrees with node:crypto, ${useVectors ? 'with' : 'without'} vectors`, () => {
    for (const bodyBytes of [0, 1, 3, 31, 54, 55, 62, 63, 64, 118, 119, 127, 164, 182]) {
      const lanes = new HashLanes(bodyBytes & 3, bodyBytes, useVectors);
      for (const count of [0, 1, 2, 3, 4, 5, 255, 256]) {
        const bodies = Array.from({ length: count }, (_, i) => Uint8Array.from({ length: bodyBytes }, (_unused, j) => (i * 31 + j * 7 + count) & 255));
        bodies.forEach((body, i) => lanes.memory.set(body, lanes.bodyAt + i * lanes.stride));
        lanes.hash(count);
        for (const [i, body] of bodies.entries()) {
          const digest = lanes.digests.subarray(32 * i, 32 * (i + 1));
          const message = Uint8Array.of(bodyBytes & 3, ...body);
          assert.equal(Buffer.from(digest).toString('hex'), reference(message));
        }
      }
    }
    assert.throws(() => new HashLanes(0, 300, useVectors), RangeError);
  });
}

for (const useVectors of [true, false]) {
  void test(`SHA-256 of messages of different lengths at once agrees with node:crypto, ${useVectors ? 'with' : 'without'} vectors`, () => {
    const slots = new HashSlots(16, 512, useVectors);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: slots.messageBytesMax }), { maxLength: 16 }), (messages) => {
        for (const [slot, message] of messages.entries()) {
          slots.memory.set(message, slots.at(slot));
          slots.close(slot, message.length);
        }
        slots.hash(messages.length);
        for (const [slot, message] of messages.entries()) {
          assert.equal(Buffer.from(slots.digests.subarray(32 * slot, 32 * (slot + 1))).toString('hex'), reference(message));
        }
      }),
      { numRuns: 300 },
    );
    assert.throws(() => new HashSlots(128, 512, useVectors), RangeError);
    assert.throws(() => new HashSlots(3, 64, useVectors), RangeError);
  });
}

void test('both implementations of SHA-256 agree with node:crypto on random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      assert.equal(Buffer.from(sha256(bytes)).toString('hex'), reference(bytes));
      assert.equal(portable(bytes), reference(bytes));
    }),
    { numRuns: 200 },
  );
});

for (const [name, verify] of Object.entries({ verifyEd25519, verifyEd25519Web })) {
  void test(`${name}: a changed message, signature or key does not verify, and what is no key is no error`, async () => {
    const signer = signerOf('example.com/log', 3);
    const message = Buffer.from('message');
    const signature = sign(null, message, signer.key);
    assert.equal(await verify(signer.publicKey, message, signature), true);
    assert.equal(await verify(signer.publicKey, Buffer.from('massage'), signature), false);
    for (let bit = 0; bit < 512; bit += 7) {
      const changed = Buffer.from(signature);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(await verify(signer.publicKey, message, changed), false);
    }
    assert.equal(await verify(signer.publicKey, message, signature.subarray(1)), false);
    assert.equal(await verify(Buffer.alloc(32, 0xff), message, signature), false);
    assert.equal(await verify(Buffer.alloc(31), message, signature), false);
  });
}
