import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { anchorFileBytesMax, MalformedError } from '@countersign/ledger';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';
import { anchorFilesAt } from './anchor-files.ts';

test('a file of an anchor log is read from a directory, up to the length of one', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-anchor-files-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const read = anchorFilesAt(directory);
  writeFileSync(join(directory, 'key'), 'a key');
  assert.equal(Buffer.from((await read('key')) ?? []).toString(), 'a key');
  assert.equal(await read('checkpoint'), undefined);
  assert.equal(await read('key/checkpoint'), undefined);
  truncateSync(join(directory, 'key'), anchorFileBytesMax);
  assert.equal((await read('key'))?.length, anchorFileBytesMax);
  truncateSync(join(directory, 'key'), anchorFileBytesMax + 1);
  await assert.rejects(read('key'), MalformedError);
  mkdirSync(join(directory, 'cosigned'));
  await assert.rejects(read('cosigned'), /cosigned is no file/);
});

test('a pipe in the place of a file of an anchor log is refused and does not stop who reads it', { timeout: 60_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-anchor-files-'));
  const pipe = join(directory, 'checkpoint');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  t.after(() => {
    // Somebody who waits for a writer goes on.
    const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    closeSync(descriptor);
    rmSync(directory, { recursive: true, force: true });
  });
  await assert.rejects(anchorFilesAt(directory)('checkpoint'), /checkpoint is no file/);
});

test('a file of an anchor log is read from where it is served, and a server that answers something else is told of', async (t) => {
  let sent = 0;
  const server = createServer((request, response) => {
    const [, name = ''] = /^\/anchor\/(.*)$/.exec(request.url ?? '') ?? [];
    if (name === 'endless') {
      const timer = setInterval(() => {
        sent += 65_536;
        response.write(Buffer.alloc(65_536));
      }, 1);
      response.once('close', () => {
        clearInterval(timer);
      });
      return;
    }
    const statuses: Readonly<Record<string, number>> = { key: 200, checkpoint: 404, broken: 500, moved: 302 };
    response.writeHead(statuses[name] ?? 400, { location: '/anchor/key' }).end('a key');
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const read = anchorFilesAt(`http://127.0.0.1:${portOf(server)}/anchor/`);
  assert.equal(Buffer.from((await read('key')) ?? []).toString(), 'a key');
  assert.equal(await read('checkpoint'), undefined);
  await assert.rejects(read('broken'), /it answered 500\. A witness serves its anchor log below \/anchor/);
  await assert.rejects(read('moved'), /--anchor http.*moved: /);
  await assert.rejects(read('endless'), MalformedError);
  assert.ok(sent >= anchorFileBytesMax);
});
