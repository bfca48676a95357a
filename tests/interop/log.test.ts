import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { parseCheckpoint, type Checkpoint } from '../../ledger/src/checkpoint.ts';
import { parseNote } from '../../ledger/src/note.ts';
import { TileReader, tilesOf, tilePath, tileWidth } from '../../ledger/src/tile.ts';
import { routes } from '../../gateway/src/api/routes.ts';
import { notAllowedHere } from '../support/require-program.ts';
import { openRunningGateway, type RunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';

const auditors = '  eve: { kind: human, groups: [auditors], targets: [] }\n';

async function auditorOf(running: RunningGateway): Promise<Readonly<Record<string, string>>> {
  const { token } = await running.json('POST', '/api/tokens', { principal: 'eve' });
  return { authorization: `Bearer ${String(token)}` };
}

/** Some records more, under a published checkpoint. */
async function grow({ json, ask }: RunningGateway): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const { session } = await json('POST', '/api/runs', { principal: 'bot' });
    await json('POST', `/api/runs/${String(session)}/end`);
  }
  const [log = ''] = (await (await ask('GET', '/log/checkpoint')).text()).split('\n');
  assert.ok((await ask('GET', `/api/receipts/${log.replace('countersign/', '')}/0`)).ok);
}

test('T4.37: checkpoints and tiles can be read by the token of an auditor, who may do nothing else', async () => {
  await using running = await openRunningGateway(auditors);
  const headers = await auditorOf(running);
  for (const path of ['/log/checkpoint', '/log/key', '/log/tile/0/000.p/1']) {
    assert.equal((await running.ask('GET', path, { headers })).status, 200, path);
  }
  const others = routes.filter(({ callers }) => callers !== 'auditors' && callers !== 'everybody');
  assert.ok(others.length > 10);
  for (const { method, path } of others) {
    const { status } = await running.ask(method, path.replaceAll(/:\w+/g, 'x'), { headers });
    assert.equal(status, 403, `${method} ${path}`);
  }
  const { token } = await running.json('POST', '/api/tokens', { principal: 'bot' });
  for (const authorization of [`Bearer ${String(token)}`, 'Bearer nobody', '']) {
    assert.ok([401, 403].includes((await running.ask('GET', '/log/checkpoint', { headers: { authorization } })).status));
  }
  const { token: runToken } = await running.json('POST', '/api/runs', { principal: 'eve' });
  assert.equal((await running.ask('GET', '/log/checkpoint', { headers: { authorization: `Bearer ${String(runToken)}` } })).status, 403, 'a run audits nothing');
});

test('T4.37: the tiles of every checkpoint that was read can be read until the full ones are there, and after', async () => {
  await using running = await openRunningGateway(auditors);
  const headers = await auditorOf(running);
  const fetchFile = async (path: string): Promise<Uint8Array> => {
    const response = await running.ask('GET', `/log/${path}`, { headers });
    assert.equal(response.status, 200, path);
    return new Uint8Array(await response.arrayBuffer());
  };
  const kept: Checkpoint[] = [];
  do {
    await grow(running);
    kept.push(parseCheckpoint(parseNote(await fetchFile('checkpoint')).text));
    for (const { size, root } of kept) {
      assert.deepEqual(await new TileReader(size, fetchFile).root(), root, `a log of ${size}`);
    }
    const newest = kept.at(-1)?.size ?? 0;
    for (const { size } of kept) {
      const isFull = newest >= tileWidth;
      assert.equal(
        existsSync(join(running.data, 'log', tilePath(0, 0, Math.min(size, tileWidth)))),
        size >= tileWidth || !isFull,
        `the file of ${size} at ${newest}`,
      );
    }
  } while ((kept.at(-1)?.size ?? 0) < tileWidth + 20);
  const wider = [...tilesOf(kept.at(-1)?.size ?? 0)].find(({ index }) => index === 1);
  assert.equal((await running.ask('GET', `/log/${tilePath(0, 1, (wider?.width ?? 0) + 1)}`, { headers })).status, 404, 'of records that are not there');
});

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
