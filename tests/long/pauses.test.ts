import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway-process.ts';

test('T4.15, E53: a gateway that stood still for longer than a heartbeat may be late', async () => {
  await using gateway = await GatewayProcess.start({ config: '' });
  process.kill(gateway.pid, 'SIGSTOP');
  await delay(100_000);
  process.kill(gateway.pid, 'SIGCONT');
  assert.equal(gateway.cli(['session', 'list']).status, 0);
  assert.equal(await gateway.signal('SIGTERM'), 0);
  const { status, stdout } = gateway.verify();
  assert.equal(status, 0, stdout);
  assert.match(stdout, /nothing was recorded from/);
});
