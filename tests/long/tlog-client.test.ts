import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { tileWidth } from '../../ledger/src/tile.ts';
import { openRunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';
import { auditorOf, auditors, grow } from '../support/growing-log.ts';
import { notAllowedHere } from '../support/require-program.ts';

const compiler = 'go';
const source = join(import.meta.dirname, '..', 'support', 'tlog-client');

/** Where there is Go, and the module that the client is made of. */
function requireGo(): { readonly skip?: string } {
  const { status } = spawnSync(compiler, ['mod', 'download'], { cwd: source });
  return status === 0 ? {} : notAllowedHere('Go and its module golang.org/x/mod are not here');
}

function buildClient(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-tlog-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const client = join(directory, 'tlog-client');
  const { status, stderr } = spawnSync(compiler, ['build', '-o', client, '.'], { cwd: source, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return client;
}

test('T4.37: the client of the Go team follows a log that grows', requireGo(), async (t) => {
  const client = buildClient(t);
  await using running = await openRunningGateway(auditors);
  const { authorization = '' } = await auditorOf(running);
  const key = (await (await running.ask('GET', '/log/key')).text()).trim();
  using child = spawn(client, [running.url, key], { env: { TOKEN: authorization.replace('Bearer ', '') }, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let size = 0;
  while (size < tileWidth + 20) {
    await grow(running);
    child.stdin.write('\n');
    const { value, done } = await answers.next();
    assert.ok(done !== true, complaint);
    assert.ok(Number(value) > size);
    size = Number(value);
  }
  child.stdin.end();
});
