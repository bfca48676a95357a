import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexDump } from './hex-dump.ts';

test('bytes in hex have their place, and those of ASCII are text beside it', () => {
  assert.equal(
    hexDump(new TextEncoder().encode('Q\0\0\0 SELECT 1;\r\nü')),
    '00000000  51 00 00 00 20 53 45 4c 45 43 54 20 31 3b 0d 0a  Q... SELECT 1;..\n00000010  c3 bc                                            ..',
  );
  assert.equal(hexDump(new Uint8Array()), '');
});
