import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCheckpoint, type Checkpoint } from '../../ledger/src/checkpoint.ts';
import { parseNote } from '../../ledger/src/note.ts';
import { TileReader, tilePath, tileWidth } from '../../ledger/src/tile.ts';
import { routes } from '../../gateway/src/api/routes.ts';
import { openRunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';
import { auditorOf, auditors, grow } from '../support/growing-log.ts';

test('T4.37: checkpoints and tiles can be read by the token of an auditor, who may do nothing else', async () => {
  await using running = await openRunningGateway(auditors);
  const headers = await auditorOf(running);
  for (const path of ['/log/checkpoint', '/log/key', '/log/tile/0/000.p/1']) {
    assert.equal((await running.ask('GET', path, { headers })).status, 200, path);
  }
  const others = routes.filter(({ callers }) => callers !== 'auditors' && callers !== 'keepers' && callers !== 'everybody');
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
  const newest = async (): Promise<Checkpoint> => parseCheckpoint(parseNote(await fetchFile('checkpoint')).text);
  const kept: Checkpoint[] = [];
  for (let last = 0; last < tileWidth + 20;) {
    await grow(running);
    kept.push(await newest());
    last = kept.at(-1)?.size ?? 0;
    for (const { size, root } of kept) {
      assert.deepEqual(await new TileReader(size, fetchFile).root(), root, `a log of ${size}`);
    }
    const wasFull = last >= tileWidth;
    const partial = kept.filter((each) => each.size < tileWidth).map((each) => existsSync(join(running.data, 'log', tilePath(0, 0, each.size))));
    // Records of the gateway's own may have filled the tile meanwhile.
    const isFull = (await newest()).size >= tileWidth;
    assert.ok(wasFull ? !partial.includes(true) : isFull || !partial.includes(false), `${partial.join()} at ${last}`);
  }
  assert.equal((await running.ask('GET', `/log/${tilePath(0, 1, tileWidth - 1)}`, { headers })).status, 404, 'of records that are not there');
});
