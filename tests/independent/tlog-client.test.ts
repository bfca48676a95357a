import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { tileWidth } from '../../ledger/src/tile.ts';
import { openRunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';
import { auditorOf, auditors, grow } from '../support/growing-log.ts';
import { buildGo, requireGo } from './go.ts';

test('T4.37: the client of the Go team follows a log that grows', requireGo('tlog-client'), async (t) => {
  const client = buildGo(t, 'tlog-client');
  await using running = await openRunningGateway(auditors);
  const { authorization = '' } = await auditorOf(running);
  const key = (await (await running.ask('GET', '/log/key')).text()).trim();
  using child = spawn(client, [`${running.url}/log`, key], { env: { TOKEN: authorization.replace('Bearer ', '') }, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let size = 0;
  let rotations = 0;
  while (size < tileWidth + 20) {
    await grow(running);
    if (size > 0 && rotations < 2) {
      await running.json('POST', '/api/v1/keys/rotate-signing', { reason: 'a test' });
      rotations += 1;
    }
    child.stdin.write('\n');
    const { value, done } = await answers.next();
    assert.ok(done !== true, complaint);
    assert.ok(Number(value) > size);
    size = Number(value);
  }
  child.stdin.end();
  assert.equal(rotations, 2, 'it followed the keyring twice');
});
