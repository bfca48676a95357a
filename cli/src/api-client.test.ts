import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from './api-client.ts';

/** Longer than Node waits for an answer where nothing else is said. */
const answeredMs = 6000;

test('the gateway of this machine may take its time', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-client-'));
  const socket = join(directory, 'operator.sock');
  const server = createServer((_request, response) => {
    void delay(answeredMs).then(() => response.end('{"rebuilt":true}'));
  }).listen(socket);
  try {
    await once(server, 'listening');
    assert.deepEqual(await new ApiClient({ url: 'http://127.0.0.1:1', socket, token: 'x' }).json('POST', '/api/v1/index/rebuild'), { rebuilt: true });
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});
