import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const requests = 40;

test('T4.10, E44: if bytes are changed under a running gateway, whole records are shown, then the place of the damage; nothing is exported, and exit codes are 1', async () => {
  await using server = createServer({ keepAliveTimeout: 120_000 }, (_request, response) => response.end('x'.repeat(3_000))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  await using gateway = await GatewayProcess.start({
    config: `targets: { api: { url: "http://127.0.0.1:${port}", durability: process } }\nprincipals: { agent: { kind: agent, targets: [api] } }\n`,
  });
  const token = await gateway.issueToken('agent');
  for (let i = 0; i < requests; i += 1) {
    await (await fetch(`http://127.0.0.1:${gateway.port('http')}/t/api/${i}`, { headers: { authorization: `Bearer ${token}` } })).text();
  }
  const { session, records } = await gateway.newest();
  // The next start seals the segment.
  await gateway.signal('SIGTERM');
  await gateway.start();
  await gateway.whenIndexed();
  assert.equal(gateway.cli(['session', 'show', session]).status, 0);
  const file = join(gateway.data, 'journal', '000000000001.segment');
  const bytes = readFileSync(file);
  bytes.fill(0x5a, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 40);
  writeFileSync(file, bytes);

  const shown = gateway.cli(['session', 'show', session, '--json']);
  assert.equal(shown.status, 1);
  assert.match(shown.stderr, /damaged in 000000000001\.segment at offset \d+/);
  const lines = shown.stdout.trim().split('\n');
  assert.ok(lines.length > 5 && lines.length < records, `${lines.length} of ${records} are whole`);
  for (const words of [
    ['session', 'replay', session, '--no-wait'],
    ['session', 'diff', session, session],
    ['session', 'replay', session, '--serve', '--', 'true'],
  ]) {
    const { status, stderr } = gateway.cli(words);
    assert.equal(status, 1, `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, /damaged in 000000000001\.segment/, words.join(' '));
  }
  const out = join(gateway.directory, 'part.bundle');
  const exported = gateway.cli(['session', 'export', session, '--out', out]);
  assert.equal(exported.status, 1);
  assert.equal(existsSync(out), false);
  assert.equal(gateway.verify().status, 1);
});
