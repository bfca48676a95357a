import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatVerifierKey } from '@countersign/ledger/format';
import { signerOf, TestLog } from '../../gateway/src/witnesses/testdata/test-log.ts';
import { tileWidth } from '../../ledger/src/tile.ts';
import { runProgram } from '../support/run.ts';
import { WitnessProcess } from '../support/witness-process.ts';
import { buildGo, requireGo } from './go.ts';

void test('the client of the Go team reads an anchor log: its checkpoint, its tiles, and each entry', requireGo('tlog-client'), async (t) => {
  const client = buildGo(t, 'tlog-client');
  const data = mkdtempSync(join(tmpdir(), 'countersign-anchor-'));
  t.after(() => {
    rmSync(data, { recursive: true, force: true });
  });
  const logs = Array.from({ length: tileWidth + 4 }, (_, i) => new TestLog(signerOf(`log${i}.example`)));
  const [log = new TestLog()] = logs;
  await using witness = new WitnessProcess(data);
  const read = async (): Promise<readonly string[]> => {
    const { status, stdout, stderr } = await runProgram(client, [`${witness.url}/anchor`, witness.anchorKey, 'entries'], { TOKEN: '' }, '\n');
    assert.equal(status, 0, stderr);
    return stdout.trim().split('\n');
  };
  await witness.start([formatVerifierKey(log.signer)]);
  assert.equal((await witness.addCheckpoint(await log.request(0, 7))).status, 200);
  const [size, enrolled = '', seen = ''] = await read();
  assert.equal(size, '2');
  assert.match(JSON.parse(enrolled), /^enrol\n\d+\nlog0\.example\n0\n\S+\nlog0\.example\+\S+\n$/);
  assert.match(JSON.parse(seen), /^seen\n\d+\nlog0\.example\n7\n\S+\n$/);
  await witness.stop();
  // Over the edge of a tile.
  await witness.start(logs.map(({ signer }) => formatVerifierKey(signer)));
  const lines = await read();
  assert.deepEqual([lines.length, lines[0]], [1 + 1 + logs.length, String(1 + logs.length)]);
});
