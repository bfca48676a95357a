import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { LargeBuffers } from './large-buffers.ts';

test('the memory of large buffers is free soon after a reader went through them', () => {
  const packed = zstdCompressSync(Buffer.alloc(64 * 1024));
  const buffers = new LargeBuffers();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let i = 0; i < 2000; i++) {
    buffers.pass(zstdDecompressSync(packed, { chunkSize: 72 * 1024 }).length);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  assert.ok(most < 24 * 1024 * 1024, `${most} bytes`);
});
