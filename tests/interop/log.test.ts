import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCheckpoint, type Checkpoint } from '../../ledger/src/checkpoint.ts';
import { parseNote } from '../../ledger/src/note.ts';
import { TileReader, tilesOf, tilePath, tileWidth } from '../../ledger/src/tile.ts';
import { routes } from '../../gateway/src/api/routes.ts';
import { openRunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';
import { auditorOf, auditors, grow } from '../support/growing-log.ts';

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
  const { token } = await running.json('POST', '/api/v1/tokens', { principal: 'bot' });
  for (const authorization of [`Bearer ${String(token)}`, 'Bearer nobody', '']) {
    assert.ok([401, 403].includes((await running.ask('GET', '/log/checkpoint', { headers: { authorization } })).status));
  }
  assert.equal((await running.ask('GET', '/log/key', { headers: { authorization: `Bearer ${String(token)}` } })).status, 200, 'the key is for everybody');
  const { token: runToken } = await running.json('POST', '/api/v1/runs', { principal: 'eve' });
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
