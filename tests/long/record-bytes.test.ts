import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text as readAll } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { openOffline } from '../../gateway/src/offline/offline-store.ts';
import { openRecorder } from '../../gateway/src/recording/testdata/open-recorder.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { mainFile } from '../support/main-file.ts';
import { portOf } from '../../gateway/src/wire/testdata/sockets.ts';

const partBytes = 1024 * 1024;
const longParts = 160;

/** Parts of messages that lie among one another: two on one channel, one each way, and one on another. */
const pieces: Readonly<Record<'asked' | 'answered' | 'beside', readonly Buffer[]>> = {
  asked: ['asked one,', 'asked two,', 'asked three'].map((text) => Buffer.from(text)),
  answered: [randomBytes(70_000), randomBytes(70_000)],
  beside: ['beside one,', 'beside two'].map((text) => Buffer.from(text)),
};
const whole = (name: keyof typeof pieces): Buffer => Buffer.concat(pieces[name]);

describe('bytes of a record', () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-bytes-'));
  const data = join(root, 'data');
  let session = '';
  const numbers: Record<string, number> = {};
  before(async () => {
    mkdirSync(data);
    const { recorder, keys } = await openRecorder(data);
    const track = recorder.openSession();
    const begun = new Map<string, number>();
    const add = async (name: keyof typeof pieces, i: number): Promise<void> => {
      const first = begun.get(name);
      const kind = name === 'answered' ? 'response' : 'request';
      const request = kind === 'response' ? begun.get('asked') : first;
      const meta = JSON.stringify({ channel: name === 'beside' ? 1 : 0, ...(request === undefined ? {} : { request }) });
      const { [i]: content, length } = pieces[name];
      const seq = recorder.append(track, { kind, meta, content: [content ?? assert.fail()], continues: i < length - 1, repeats: true });
      begun.set(name, first ?? seq);
      numbers[name] = first ?? seq;
      await turn();
    };
    await add('asked', 0);
    await add('beside', 0);
    await add('asked', 1);
    await add('answered', 0);
    await add('beside', 1);
    await add('asked', 2);
    await add('answered', 1);
    // These bytes were recorded before, so they are stored as a copy.
    const again = recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 2 }), content: [whole('answered')], repeats: true });
    numbers['again'] = recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 2 }), content: [whole('answered')], repeats: true });
    assert.equal(again + 1, numbers['again']);
    const long = JSON.stringify({ channel: 3 });
    for (let i = 0; i < longParts; i += 1) {
      const seq = recorder.append(track, {
        kind: 'response',
        meta: i === 0 ? long : JSON.stringify({ channel: 3, request: numbers['long'] }),
        content: [Buffer.alloc(partBytes, `${i},`)],
        continues: i < longParts - 1,
      });
      numbers['long'] ??= seq;
      await turn();
    }
    recorder.closeSession(track, 'client');
    await recorder.publish();
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    session = track.id;
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const show = async (words: readonly string[], from = data): Promise<RunResult> =>
    runProgram(process.execPath, [mainFile, 'session', 'show', session, '--data', from, ...words], {});

  test('T4.43: a message in several records is one range, whatever lies between', async () => {
    await using store = await openOffline(data, {});
    for (const name of ['asked', 'beside'] as const) {
      const text = whole(name).toString();
      const { status, stdout, stderr } = await show(['--record', String(numbers[name]), '--bytes', '0-']);
      assert.equal(status, 0, stderr);
      assert.equal(stdout, text);
      for (const [from, to] of [
        [0, 0],
        [3, 7],
        [8, 12],
        [9, 20],
        [text.length - 1, text.length - 1],
        [0, text.length - 1],
      ] as const) {
        const read = store.bytes(session, { record: numbers[name] ?? 0, from, to });
        assert.equal(await readAll(read), text.slice(from, to + 1), `${from}-${to}`);
      }
    }
  });

  test('T4.43: a body that was stored as a copy is read too', async () => {
    const out = join(root, 'out');
    for (const [name, content] of [
      ['answered', whole('answered')],
      ['again', whole('answered')],
    ] as const) {
      const { status } = await runProgram(
        'sh',
        ['-c', '"$0" "$@" >"$OUT"', process.execPath, mainFile, 'session', 'show', session, '--data', data, '--record', `#${numbers[name]}`, '--bytes', '5-'],
        { OUT: out },
      );
      assert.equal(status, 0);
      assert.ok(readFileSync(out).equals(content.subarray(5)), name);
    }
  });

  test('T4.43: a missing record or byte is named', async () => {
    for (const [record, range, said] of [
      ['1000000', '0-', /has no record 1000000/],
      [String(numbers['asked']), '31-40', /have 31 bytes, from byte 0 to byte 30: there is no byte 31/],
      [String(numbers['asked']), '9-40', /end with byte 30: there is no byte 40/],
      ['0', '0-', /Record 0 holds no bytes/],
    ] as const) {
      const { status, stderr } = await show(['--record', record, '--bytes', range]);
      assert.equal(status, 1);
      assert.match(stderr, said);
    }
    for (const words of [
      ['--record', '1'],
      ['--bytes', '0-'],
      ['--record', 'x', '--bytes', '0-'],
      ['--record', '1', '--bytes', '5-4'],
      ['--record', '1', '--bytes', '0-', '--json'],
    ]) {
      assert.equal((await show(words)).status, 2, words.join(' '));
    }
  });

  test('T4.43: a range in a long message takes bounded memory', async () => {
    const peak = 'data:text/javascript,process.on("exit",()=>process.stderr.write(`peak ${process.resourceUsage().maxRSS}`))';
    const words = ['--import', peak, mainFile, 'session', 'show', session, '--data', data];
    const run = async (range: string): Promise<{ readonly megabytes: number; readonly count: number; readonly end: string }> => {
      const script = '"$0" "$@" | tee /dev/null | wc -c';
      const { stdout, stderr } = await runProgram('sh', ['-c', script, process.execPath, ...words, '--record', String(numbers['long']), '--bytes', range], {});
      return { megabytes: Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024, count: Number(stdout), end: stderr };
    };
    const [little, all] = [await run('0-0'), await run('0-')];
    assert.deepEqual([little.count, all.count], [1, longParts * partBytes], all.end);
    assert.ok(all.megabytes < little.megabytes + longParts / 2, `${little.megabytes} MiB for a byte, ${all.megabytes} MiB for ${longParts} MiB`);
  });

  test('T4.43: erased and damaged bytes are named as such', async () => {
    const erased = join(root, 'erased');
    cpSync(data, erased, { recursive: true });
    const keys = new DatabaseSync(join(erased, 'keys.db'));
    keys.exec('DELETE FROM session_secrets');
    keys.close();
    const words = ['--record', String(numbers['answered']), '--bytes', '0-'];
    assert.match((await show(words, erased)).stderr, /The bytes of record \d+ are erased/);
    const damaged = join(root, 'damaged');
    cpSync(data, damaged, { recursive: true });
    const [first = ''] = readdirSync(join(damaged, 'journal'));
    const file = join(damaged, 'journal', first);
    const journal = readFileSync(file);
    // In the bodies of the answer.
    journal.fill(0x5a, 100_000, 100_100);
    writeFileSync(file, journal);
    const { status, stderr, stdout } = await show(['--record', String(numbers['long']), '--bytes', '0-9'], damaged);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /is damaged in \d+\.segment at offset \d+/);
    const cut = join(root, 'cut');
    cpSync(data, cut, { recursive: true });
    rmSync(join(cut, 'index.db'), { force: true });
    truncateSync(join(cut, 'journal', first), 200_000);
    const shortened = await show(['--record', String(numbers['long']), '--bytes', '0-'], cut);
    assert.equal(shortened.status, 1);
    assert.match(shortened.stderr, /The journal is damaged in .*: it ends after \d+ records, but a checkpoint over \d+ was given out/);
  });
});

test('T4.43: bytes by range of a running gateway, and who read them is on the record', async () => {
  const body = Buffer.alloc(3 * partBytes, 'abcdefghij');
  await using server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    request.resume().on('end', () => response.end(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  await using gateway = await GatewayProcess.start({
    config: `targets: { api: { url: "http://127.0.0.1:${port}" } }\nprincipals: { agent: { kind: agent, targets: [api] } }\n`,
  });
  const headers = { authorization: `Bearer ${await gateway.issueToken('agent')}` };
  await (await fetch(`http://127.0.0.1:${gateway.port('http')}/t/api/x`, { method: 'POST', headers, body: body.toString('utf8') })).text();
  const { session } = await gateway.newest();
  const records = await gateway.records(session);
  for (const kind of ['request', 'response']) {
    const parts = records.filter((record) => record.kind === kind);
    assert.ok(parts.length > 1);
    const first = String(parts[0]?.seq);
    const all = await gateway.api(`/api/v1/sessions/${session}/records/${first}/bytes?bytes=0-`);
    assert.equal(all.headers.get('content-type'), 'application/octet-stream');
    const bytes = Buffer.from(await all.arrayBuffer());
    const head = bytes.indexOf('\r\n\r\n') + 4;
    assert.ok(head > 4 && bytes.includes(body.subarray(0, 1000)));
    const { status, stdout } = gateway.cli(['session', 'show', session, '--record', first, '--bytes', `${head}-${head + 2 * partBytes}`]);
    assert.equal(status, 0);
    assert.ok(Buffer.from(stdout).equals(bytes.subarray(head, head + 2 * partBytes + 1)));
  }
  for (const query of ['', '?bytes=x', '?bytes=4-3']) {
    assert.equal((await gateway.api(`/api/v1/sessions/${session}/records/1/bytes${query}`)).status, 400);
  }
  assert.equal((await gateway.api(`/api/v1/sessions/${session}/records/999999/bytes?bytes=0-`)).status, 404);
  assert.equal((await gateway.api(`/api/v1/sessions/${session}/records/1/bytes?bytes=0-`, { token: headers.authorization })).status, 401);
  const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
  const accesses = (await Promise.all(own.map(async (each) => gateway.records(each.session))))
    .flat()
    .map(({ attributes }) => attributes['countersign.access.what']);
  assert.ok(accesses.includes(`bytes 0- of record ${records.find(({ kind }) => kind === 'request')?.seq}`), JSON.stringify(accesses));
});
