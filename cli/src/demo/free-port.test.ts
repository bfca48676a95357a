import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { freePort } from './free-port.ts';

const rangeFile = '/proc/sys/net/ipv4/ip_local_port_range';

test('a free port is none that the system gives to somebody else in between', { skip: process.platform !== 'linux' }, async () => {
  const [lowest = 0, highest = 0] = readFileSync(rangeFile, 'utf8').trim().split(/\s+/).map(Number);
  for (let i = 0; i < 50; i++) {
    const port = await freePort();
    assert.ok(port < lowest || port > highest, String(port));
  }
});
