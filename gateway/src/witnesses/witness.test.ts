import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { encodeUtf8, formatVerifierKey, parseNote, parseWitnessKey, signNote, verifyCosignatures } from '@countersign/ledger/format';
import { signerOf, TestLog } from './testdata/test-log.ts';
import { Witness } from './witness.ts';
import { WitnessServer } from './witness-server.ts';

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-witness-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

const now = (): number => 1_700_000_000_000;

test('a witness cosigns a log that grows, and nothing that does not continue it', async (t) => {
  const data = directoryOf(t);
  const log = new TestLog();
  const fork = new TestLog(log.signer, 4);
  await using witness = await Witness.open({ data, name: 'witness.example/w1', logs: [log.key], now });
  const status = async (from: TestLog, oldSize: number, size: number): Promise<string> => {
    const answer = await witness.addCheckpoint(await from.request(oldSize, size));
    return answer.status === 409 ? `409 ${answer.mediaType} ${answer.body}` : String(answer.status);
  };
  const conflict = (size: number): string => `409 text/x.tlog.size ${size}\n`;
  assert.equal(await status(log, 3, 5), conflict(0), 'a size that was never cosigned');
  const answer = await witness.addCheckpoint(await log.request(0, 5));
  assert.equal(answer.status, 200);
  const { held } = await verifyCosignatures(parseNote(encodeUtf8((await log.note(5)) + answer.body)), [parseWitnessKey(witness.vkey)]);
  assert.deepEqual(
    held.map(({ timeS }) => timeS),
    [1_700_000_000],
  );
  assert.equal(await status(log, 0, 5), conflict(5));
  assert.equal(await status(log, 4, 9), conflict(5));
  assert.equal(await status(log, 5, 5), '200', 'the same again, at a later time');
  assert.equal(await status(log, 0, 3), conflict(5), 'rolled back');
  assert.equal(await status(log, 5, 3), '400', 'an old size above that of the checkpoint');
  assert.equal(await status(fork, 5, 5), conflict(5), 'another root at the same size');
  assert.equal(await status(fork, 5, 9), '422', 'another history');
  const refused = readdirSync(data).find((name) => name.endsWith('.refused'));
  assert.equal(readFileSync(join(data, refused ?? ''), 'utf8'), await fork.note(9), 'what the log signed beside its history is kept');
  assert.equal(await status(new TestLog(), 5, 9), '403', 'another key of the log');
  assert.equal(await status(new TestLog(signerOf('other.example')), 0, 9), '404', 'another log');
  assert.equal(await status(log, 5, 9), '200');
  for (const bytes of ['', 'old 9\n', 'old 09\n\nx', 'old 9\nAAAA\n\nx', `old 9\n${'A'.repeat(43)}=\n`.repeat(70), `old 9\n\nlog.example\n9\n`]) {
    assert.equal((await witness.addCheckpoint(encodeUtf8(bytes))).status, 400, JSON.stringify(bytes.slice(0, 40)));
  }
  const both = await Promise.all([witness.addCheckpoint(await log.request(9, 12)), witness.addCheckpoint(await log.request(9, 11))]);
  assert.deepEqual(
    both.map((each) => each.status).toSorted((a, b) => a - b),
    [200, 409],
    'of two at once one is first',
  );
});

test('a witness is the same after a start, alone on its directory, and starts on nothing that it did not cosign', async (t) => {
  const data = directoryOf(t);
  const log = new TestLog();
  const options = { data, name: null, logs: [log.key], now };
  const first = await Witness.open(options);
  const { vkey } = first;
  await assert.rejects(Witness.open(options), { code: 'store_in_use' });
  assert.equal((await first.addCheckpoint(await log.request(0, 7))).status, 200);
  await first[Symbol.asyncDispose]();
  assert.equal(statSync(join(data, 'witness.key')).mode & 0o777, 0o600);
  {
    await using second = await Witness.open(options);
    assert.equal(second.vkey, vkey);
    assert.equal((await second.addCheckpoint(await log.request(0, 5))).body, '7\n');
  }
  await assert.rejects(Witness.open({ ...options, name: 'other.example' }), { code: 'key_unavailable' });
  await assert.rejects(Witness.open({ ...options, data: directoryOf(t), name: 'a b' }), { code: 'config_invalid' });
  const file = join(data, readdirSync(data).find((name) => name.endsWith('.checkpoint')) ?? '');
  writeFileSync(file, await log.note(3));
  await assert.rejects(Witness.open(options), { code: 'store_damaged' });
});

test('a witness over HTTP: one request, and limits on what it reads', async (t) => {
  const log = new TestLog();
  await using witness = await Witness.open({ data: directoryOf(t), name: null, logs: [log.key], now });
  await using server = await WitnessServer.open({ host: '127.0.0.1', port: 0, witness, onTrouble: (error) => assert.fail(String(error)) });
  const post = async (path: string, body: Uint8Array<ArrayBuffer>): Promise<Response> => fetch(server.url + path, { method: 'POST', body });
  const bytesOf = async (oldSize: number, size: number): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await log.request(oldSize, size));
  const ok = await post('/add-checkpoint', await bytesOf(0, 3));
  assert.equal(ok.status, 200);
  assert.match(await ok.text(), /^\u2014 \S+ \S+\n$/);
  const conflict = await post('/add-checkpoint', await bytesOf(0, 3));
  assert.deepEqual([conflict.status, conflict.headers.get('content-type'), await conflict.text()], [409, 'text/x.tlog.size', '3\n']);
  assert.equal((await post('/other', await bytesOf(3, 4))).status, 404);
  assert.equal((await fetch(`${server.url}/add-checkpoint`)).status, 405);
  assert.equal((await post('/add-checkpoint', new Uint8Array(65 * 1024))).status, 413);
});

test('a witness serves who comes, however many connections are silent, slow or idle', async (t) => {
  await using witness = await Witness.open({ data: directoryOf(t), name: null, logs: [new TestLog().key], now });
  await using server = await WitnessServer.open({ host: '127.0.0.1', port: 0, witness, onTrouble: (error) => assert.fail(String(error)) });
  const sockets: Socket[] = [];
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
  });
  const { port } = new URL(server.url);
  const connections = 128;
  const head = 'POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 9\r\n\r\n';
  for (const said of ['', head, head.replace('add-checkpoint', 'other'), `${head}123`]) {
    const opened = Array.from({ length: connections }, () => {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
      socket.write(said);
      return socket;
    });
    sockets.push(...opened);
    await Promise.all(opened.map(async (socket) => once(socket, 'connect')));
    const answer = await fetch(`${server.url}/anchor/key`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(60_000) });
    assert.equal(await answer.text(), `${witness.anchorKey}\n`, `after ${JSON.stringify(said)}`);
  }
});

test('a witness takes up the next key of a log from a handover that continues it, and the one before for no more', async (t) => {
  const data = directoryOf(t);
  const [first, second, third] = [signerOf('log.example'), signerOf('log.example'), signerOf('log.example')];
  const [log, next, last] = [new TestLog(first), new TestLog(second), new TestLog(third)];
  const options = { data, name: 'witness.example/w1', logs: [log.key], now };
  const open = await Witness.open(options);
  const status = async (request: Promise<Uint8Array>, witness = open): Promise<number> => (await witness.addCheckpoint(await request)).status;
  const handover = await log.handover([
    [0, first],
    [7, second],
  ]);
  assert.equal(await status(log.request(0, 5)), 200);
  assert.equal(await status(next.request(5, 8)), 403, 'it does not know the key yet');
  const fork = new TestLog(first, 4);
  assert.equal(
    await status(
      fork.request(
        5,
        7,
        await fork.handover([
          [0, first],
          [7, third],
        ]),
      ),
    ),
    422,
    'a handover of another history',
  );
  for (const wrong of [
    await log.handover([
      [0, second],
      [7, third],
    ]),
    signNote(handover.slice(0, handover.indexOf('\n\n') + 1), second),
    await log
      .handover([
        [0, third],
        [3, first],
        [7, second],
      ])
      .then((note) => note.replace('key 3', 'key 9')),
  ]) {
    assert.ok([400, 403].includes(await status(log.request(5, 7, wrong))), wrong);
  }
  assert.equal(await status(log.request(5, 7, signNote(handover.slice(0, handover.indexOf('\n\n') + 1), first))), 400, 'the new key has not signed');
  assert.equal(await status(log.request(5, 7, handover)), 200);
  assert.equal(await status(log.request(7, 7, handover)), 200, 'the same again');
  assert.equal(await status(log.request(7, 7)), 403, 'the key before at the size of the handover');
  assert.equal(await status(log.request(7, 9)), 403, 'and at a larger one');
  assert.equal(
    await status(
      log.request(
        7,
        9,
        await log.handover([
          [0, first],
          [9, third],
        ]),
      ),
    ),
    403,
    'the thief of the key before hands over to one of his own',
  );
  assert.equal(await status(next.request(7, 8)), 200);
  assert.equal(
    await status(
      next.request(
        8,
        10,
        await next.handover([
          [0, first],
          [8, second],
          [10, third],
        ]),
      ),
    ),
    403,
    'a handover that says otherwise when the key took over',
  );
  await open[Symbol.asyncDispose]();
  const again = await Witness.open(options);
  assert.equal(await status(log.request(8, 9), again), 403, 'it has not forgotten');
  assert.equal(await status(next.request(8, 9), again), 200);
  assert.equal(
    await status(
      next.request(
        9,
        12,
        await next.handover([
          [0, first],
          [7, second],
          [12, third],
        ]),
      ),
      again,
    ),
    200,
  );
  assert.equal(await status(last.request(12, 13), again), 200);
  assert.equal(await status(next.request(13, 14), again), 403);
  assert.deepEqual(again.logs.get('log.example')?.keys, [first, second, third].map(formatVerifierKey), 'the anchor log has them');
  const kept = readdirSync(data).find((name) => name.endsWith('.keys')) ?? '';
  writeFileSync(join(data, kept), handover);
  await again[Symbol.asyncDispose]();
  await assert.rejects(Witness.open(options), { code: 'store_damaged' });
});

test('a key that was enrolled by hand takes the place of the one before with the first checkpoint that it has signed', async (t) => {
  const data = directoryOf(t);
  const [first, second, thiefs] = [signerOf('log.example'), signerOf('log.example'), signerOf('log.example')];
  const [log, next] = [new TestLog(first), new TestLog(second)];
  const options = { data, name: 'witness.example/w1', now };
  const status = async (witness: Witness, request: Promise<Uint8Array>): Promise<number> => (await witness.addCheckpoint(await request)).status;
  const before = await Witness.open({ ...options, logs: [log.key] });
  assert.equal(await status(before, log.request(0, 5)), 200);
  await before[Symbol.asyncDispose]();
  const both = await Witness.open({ ...options, logs: [log.key, next.key] });
  assert.equal(await status(both, log.request(5, 6)), 200, 'the key before still signs, as far as the witness knows');
  assert.equal(await status(both, next.request(6, 8)), 200);
  const forgeries = async (witness: Witness): Promise<void> => {
    assert.equal(await status(witness, log.request(8, 8)), 403, 'the thief of the key before signs what was cosigned');
    assert.equal(await status(witness, log.request(8, 9)), 403, 'and a history of his own that goes on from there');
    for (const size of [8, 9]) {
      const handover = log.handover([
        [0, first],
        [size, thiefs],
      ]);
      assert.equal(await status(witness, log.request(8, size, await handover)), 403, 'and hands over to one of his keys');
    }
  };
  await forgeries(both);
  await both[Symbol.asyncDispose]();
  await using again = await Witness.open({ ...options, logs: [] });
  await forgeries(again);
  const earlier = await log.handover([
    [0, first],
    [7, second],
  ]);
  assert.equal(await status(again, log.request(0, 7, earlier)), 409, 'the handover of before is answered with the size, so that the gateway goes on');
  assert.equal(await status(again, next.request(8, 9)), 200);
});
