import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { openRunningGateway } from '../../gateway/src/api/testdata/running-gateway.ts';
import type { SessionSummary } from '../../gateway/src/feed/shown-record.ts';
import { tilePath } from '@countersign/ledger/format';
import { turnBytesMax } from '../../gateway/src/recording/turn.ts';
import { compareIndex, rebuildIndexOffline } from '../../gateway/src/offline/offline-index.ts';
import { openOffline, type OfflineStore } from '../../gateway/src/offline/offline-store.ts';
import { isPlacedFrame, journalStart, readJournal, type PlacedFrame } from '../../gateway/src/recording/journal-reader.ts';
import { openRecorder } from '../../gateway/src/recording/testdata/open-recorder.ts';
import { waitUntil } from '../support/wait-until.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { mainFile } from '../support/main-file.ts';

/** Bytes of a segment, of which 128 KiB are kept free. */
const segmentBytes = 208 * 1024;
const sessions = 5;
const recordsEach = 40;

const runCli = async (words: readonly string[]): Promise<RunResult> => runProgram(process.execPath, [mainFile, ...words], {});

async function collect<T>(items: AsyncIterable<T>): Promise<{ readonly items: T[]; readonly error: string | null }> {
  const all: T[] = [];
  try {
    for await (const item of items) {
      all.push(item);
    }
    return { items: all, error: null };
  } catch (error) {
    return { items: all, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Returns the number of bytes that this process has read from files. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

const openNew: typeof openRecorder = async (data, options) => {
  mkdirSync(data);
  return openRecorder(data, options);
};

/** A store of several segments; the records of its sessions lie among one another, each in a frame of its own. */
async function makeStore(data: string): Promise<string[]> {
  const { recorder, keys } = await openNew(data, { segmentBytes });
  const tracks = Array.from({ length: sessions }, () => recorder.openSession());
  const opens = { principal: 'me', groups: [], target: 'shop', protocol: 'none', clientAddress: '' };
  for (const track of tracks) {
    recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 0, action: 'test.connect', verdict: 'allow', opens }), content: [] });
  }
  for (let i = 0; i < recordsEach; i++) {
    for (const track of tracks) {
      recorder.append(track, {
        kind: 'request',
        meta: JSON.stringify({ channel: 0, action: 'test.act', attributes: {} }),
        content: [randomBytes(1200)],
      });
      await turn();
    }
  }
  for (const track of tracks.slice(1)) {
    recorder.closeSession(track, 'client');
  }
  await recorder.publish();
  // The first is closed by the stop.
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  return tracks.map(({ id }) => id);
}

/** A store in which a target's definitions were learned as an event and, as stores of before have it, as a decision without a verdict. */
async function makeTelling(data: string): Promise<string> {
  const { recorder, keys } = await openNew(data);
  const track = recorder.openSession();
  const opens = { principal: 'me', groups: [], target: 'tools', protocol: 'none', clientAddress: '' };
  recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 0, action: 'test.connect', verdict: 'allow', opens }), content: [] });
  for (const [kind, told] of [
    ['decision', ['a 1', 'b 1']],
    ['event', ['b 2', 'c 2']],
  ] as const) {
    const attributes = { 'countersign.target': 'tools', 'countersign.told': told };
    recorder.append(track, { kind, meta: JSON.stringify({ channel: 0, action: 'test.learn', attributes }), content: [] });
  }
  recorder.closeSession(track, 'client');
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  return track.id;
}

const logSize = (data: string): number => Number(readFileSync(join(data, 'log', 'checkpoint'), 'utf8').split('\n')[1]);

const segment = (data: string, number: number): string => join(data, 'journal', `${String(number).padStart(12, '0')}.segment`);

async function frames(data: string): Promise<PlacedFrame[]> {
  const { items } = await collect(readJournal(data, journalStart));
  return items.filter(isPlacedFrame);
}

test('what was learned of a target stands whether an event or, in a store of before, a decision says it; each is shown as it was recorded', async () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-telling-'));
  try {
    const data = join(root, 'store');
    const id = await makeTelling(data);
    await rebuildIndexOffline(data, {});
    using index = new DatabaseSync(join(data, 'index.db'));
    assert.deepEqual(
      index
        .prepare('SELECT target, key, value FROM told ORDER BY key')
        .all()
        .map((row) => Object.values(row)),
      [
        ['tools', 'a', '1'],
        ['tools', 'b', '2'],
        ['tools', 'c', '2'],
      ],
    );
    const { status, stdout, stderr } = await runCli(['session', 'show', id, '--json', '--data', data]);
    assert.equal(status, 0, stderr);
    const shown = stdout
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line));
    assert.deepEqual(
      shown.map(({ kind, verdict }) => [kind, verdict]),
      [
        ['open', null],
        ['decision', 'allow'],
        ['decision', null],
        ['event', null],
        ['close', null],
      ],
    );
    assert.equal((await runCli(['verify', '--data', data])).status, 0);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

describe('how a session is read', () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-reading-'));
  const whole = join(root, 'whole');
  let ids: string[];
  let copies = 0;
  before(async () => {
    ids = await makeStore(whole);
    await rebuildIndexOffline(whole, {});
    assert.ok(readdirSync(join(whole, 'journal')).length >= 4);
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const copy = (): string => {
    const data = join(root, `copy${copies++}`);
    cpSync(whole, data, { recursive: true });
    return data;
  };
  const using = async <T>(data: string, act: (store: OfflineStore) => Promise<T>): Promise<T> => {
    await using store = await openOffline(data, {});
    return await act(store);
  };
  /** The frame of a record of a session, which is larger than a frame that the recorder writes of its own. */
  const recordIn = async (data: string): Promise<PlacedFrame> =>
    (await frames(data)).find(({ place, frame }) => place.segment === 2 && place.offset > 20_000 && frame.end - frame.offset > 1200) ?? assert.fail();
  const changeBytes = async (data: string): Promise<void> => {
    const { place } = await recordIn(data);
    const file = segment(data, place.segment);
    const bytes = readFileSync(file);
    bytes.fill(0x5a, place.offset + 60, place.offset + 100);
    writeFileSync(file, bytes);
  };
  const removeFrame = async (data: string): Promise<void> => {
    const { place, frame } = await recordIn(data);
    const file = segment(data, place.segment);
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, frame.offset), bytes.subarray(frame.end)]));
  };
  const damages: Readonly<Record<string, (data: string) => void | Promise<void>>> = {
    'bytes changed in a sealed segment': changeBytes,
    'a frame removed': removeFrame,
    'a segment missing': (data) => {
      rmSync(segment(data, 2));
    },
    'a cut at the end': (data) => {
      const last = readdirSync(join(data, 'journal')).length;
      rmSync(segment(data, last));
      truncateSync(segment(data, last - 1), 4096);
    },
  };

  for (const [name, damage] of Object.entries(damages)) {
    for (const withIndex of [true, false]) {
      test(`T4.10, E44: ${name}, ${withIndex ? 'with' : 'without'} an index: what is whole is shown, then the place; nothing is exported`, async () => {
        const data = copy();
        await damage(data);
        if (!withIndex) {
          rmSync(join(data, 'index.db'));
        }
        let damaged = 0;
        for (const id of ids) {
          const shown = await using(data, async (store) => collect(store.records(id)));
          const exported = await using(data, async (store) => collect(store.bundle(id)));
          assert.deepEqual(
            shown.items.map(({ seq }) => seq),
            shown.items.map((_, seq) => seq),
          );
          assert.equal(shown.items.length === recordsEach + 3, shown.error === null, `${shown.items.length}: ${shown.error}`);
          if (shown.error !== null) {
            damaged += 1;
            assert.match(shown.error, /damaged in 0000000000\d\d\.segment at offset \d+: /);
            assert.deepEqual([exported.items, exported.error !== null], [[], true]);
          } else {
            assert.equal(exported.error, null);
          }
        }
        assert.ok(damaged > 0);
        if (!withIndex) {
          const listed = await using(data, async (store) => collect(store.sessions({ which: 'clients' })));
          assert.equal(listed.items.length, sessions, 'sessions of which something is there');
          assert.match(listed.error ?? '', /The journal is damaged in \d+\.segment at offset \d+/);
        }
      });
    }
  }

  test('T4.10: the commands show the whole records and end with 1, and an export leaves no file', async () => {
    const data = copy();
    await removeFrame(data);
    let broken = { id: '', stdout: '', stderr: '' };
    for (const id of ids) {
      const { error } = await using(data, async (store) => collect(store.records(id)));
      broken = error === null || broken.id !== '' ? broken : { id, ...(await runCli(['session', 'show', id, '--data', data, '--json'])) };
    }
    assert.match(broken.stderr, /^countersign: The recording of session [0-9a-f]+ is damaged in 000000000002\.segment at offset \d+/);
    assert.ok(broken.stdout.split('\n').length > 2);
    const out = join(data, 'out.bundle');
    for (const words of [
      ['export', broken.id, '--out', out],
      ['replay', broken.id, '--no-wait'],
      ['diff', broken.id, ids[4] ?? ''],
      ['replay', broken.id, '--serve', '--', 'true'],
    ]) {
      const { status, stderr } = await runCli(['session', words[0] ?? '', '--data', data, ...words.slice(1)]);
      assert.deepEqual([status, /000000000002\.segment at offset \d+/.test(stderr)], [1, true], `${words.join(' ')}: ${stderr}`);
    }
    assert.equal(existsSync(out), false);
  });

  const flip = (file: string, at: number): void => {
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(file, bytes);
  };
  const places: Readonly<Record<string, (data: string) => [file: string, at: number]>> = {
    'a tile': (data) => [join(data, 'log', tilePath(0, 0, logSize(data))), 40],
    'the signature of the checkpoint': (data) => [join(data, 'log', 'checkpoint'), readFileSync(join(data, 'log', 'checkpoint')).length - 20],
    'the size in the checkpoint': (data) => [join(data, 'log', 'checkpoint'), readFileSync(join(data, 'log', 'checkpoint')).indexOf('\n') + 1],
    'the key of the log': (data) => [join(data, 'log', 'key'), 60],
  };
  for (const [name, place] of Object.entries(places)) {
    test(`T4.10, E44: ${name} changed in one byte: no bundle and no receipt that does not hold is given out`, async () => {
      const data = copy();
      flip(...place(data));
      const shown = await using(data, async (store) => collect(store.records(ids[0] ?? '')));
      assert.equal(shown.items.length, recordsEach + 3);
      const exported = await using(data, async (store) => collect(store.bundle(ids[0] ?? '')));
      assert.deepEqual(exported.items, []);
      assert.match(exported.error ?? '', /log\/(?:tile|checkpoint|key)/);
      const { status, stderr } = await runCli(['session', 'export', ids[0] ?? '', '--data', data]);
      assert.deepEqual([status, stderr.startsWith('countersign: ')], [1, true], stderr);
    });
  }

  test('T4.10, E44: a tile changed under a running gateway: no receipt that does not hold is given out', async () => {
    await using running = await openRunningGateway();
    const { ask, data } = running;
    const recordOf = async (index: number): Promise<Response> =>
      ask('GET', `/api/v1/receipts/${/[0-9a-f]{16}/.exec(readFileSync(join(data, 'log', 'key'), 'utf8'))?.[0]}/${index}`);
    assert.equal((await recordOf(0)).status, 200);
    for (const width of readdirSync(join(data, 'log', 'tile', '0', '000.p'))) {
      flip(join(data, 'log', 'tile', '0', '000.p', width), 32);
    }
    const refused = await recordOf(0);
    assert.deepEqual([refused.ok, /store_damaged/.test(await refused.text())], [false, true]);
  });

  test('T4.10: an open session is whole up to its last record', async () => {
    const data = join(root, 'open');
    const { recorder, keys } = await openNew(data);
    const track = recorder.openSession();
    recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0, action: 'test.act' }), content: [Buffer.from('one')] });
    await recorder.publish();
    const { items, error } = await using(data, async (store) => collect(store.records(track.id)));
    assert.deepEqual([items.length, error], [2, null]);
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  });

  test('T4.48: a session is read from its own frames, not from all that lie between', async () => {
    const data = join(root, 'sparse');
    const { recorder, keys } = await openNew(data);
    const [long, busy] = [recorder.openSession(), recorder.openSession()];
    const act = JSON.stringify({ channel: 0, action: 'test.act' });
    for (let i = 0; i < 900; i++) {
      if (i % 300 === 0) {
        recorder.append(long, { kind: 'request', meta: act, content: [Buffer.from('seldom')] });
      }
      recorder.append(busy, { kind: 'request', meta: act, content: [Buffer.from(`often ${i} ${randomBytes(400).toString('base64')}`)] });
      await turn();
    }
    recorder.closeSession(long, 'client');
    recorder.closeSession(busy, 'client');
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    await rebuildIndexOffline(data, {});
    const placed = await frames(data);
    const parts = new DatabaseSync(join(data, 'index.db'))
      .prepare('SELECT p.* FROM parts p JOIN sessions s ON s.id = p.session WHERE s.session = ?')
      .all(long.id);
    assert.ok(parts.length >= 3 && parts.length <= 6, `${parts.length} parts`);
    const held = parts.reduce((sum, { start, end }) => sum + Number(end) - Number(start), 0);
    const all = placed.reduce((sum, { frame }) => sum + frame.end - frame.offset, 0);
    assert.ok(held < all / 5, `${held} of ${all} bytes`);
    const { shown, read } = await using(data, async (store) => {
      const before_ = bytesRead();
      return { shown: await collect(store.records(long.id)), read: bytesRead() - before_ };
    });
    assert.deepEqual([shown.items.length, shown.error], [5, null]);
    assert.ok(read < all / 2, `${read} of ${all} bytes were read`);
  });

  const forgeries: Readonly<Record<string, string>> = {
    'a row deleted': 'DELETE FROM sessions WHERE id = 3',
    'the principal changed': "UPDATE sessions SET principal = 'somebody else'",
    'an extent shortened': 'UPDATE sessions SET records = 3, closed_ms = NULL',
    'the parts cut': 'DELETE FROM parts WHERE seq > 5; UPDATE parts SET end = start + 512',
    'the parts elsewhere': 'UPDATE parts SET start = 128, end = 640, segment = 1',
    'a row added':
      "INSERT INTO sessions SELECT 99, 'x', opened_ms, closed_ms, reason, records, principal, targets, keys, key, own, token, secrets, seal FROM sessions WHERE id = 3",
    'the position moved': 'UPDATE position SET sessions = 2, size = 3',
    'no database any more': '',
  };
  for (const [name, sql] of Object.entries(forgeries)) {
    test(`T4.11, E45: index.db is not believed against the journal: ${name}`, async () => {
      const data = copy();
      const truth = await using(whole, async (store) => ({
        list: (await collect(store.sessions({ which: 'all' }))).items,
        records: await collect(store.records(ids[1] ?? '')),
        bundle: await collect(store.bundle(ids[1] ?? '')),
      }));
      if (sql === '') {
        writeFileSync(join(data, 'index.db'), 'garbage'.repeat(1000));
      } else {
        const database = new DatabaseSync(join(data, 'index.db'));
        database.exec(sql);
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        database.close();
      }
      assert.equal(await compareIndex(data, {}), name.startsWith('the parts') ? 'agrees' : 'differs');
      await using(data, async (store) => {
        assert.deepEqual(await collect(store.records(ids[1] ?? '')), truth.records);
        assert.deepEqual(await collect(store.bundle(ids[1] ?? '')), truth.bundle);
        assert.deepEqual((await collect(store.sessions({ which: 'all' }))).items, truth.list);
      });
      const records = truth.list.reduce((sum, session) => sum + session.records, 0);
      assert.equal((await rebuildIndexOffline(data, {})).records, records);
      assert.equal(await compareIndex(data, {}), 'agrees');
      assert.deepEqual(await rebuildIndexOffline(data, {}), { sessions: truth.list.length, records });
    });
  }

  test('T4.11, E45: under a running gateway, too; and it can be told to make the index again', async () => {
    await using running = await openRunningGateway();
    const { ask, json, data } = running;
    const { session } = await json('POST', '/api/v1/runs', { principal: 'bot', targets: ['shop'], command: 'true', recordOutput: false });
    await json('POST', `/api/v1/runs/${String(session)}/end`, { exitCode: 0 }).catch(() => undefined);
    const list = async (): Promise<string> => (await (await ask('GET', '/api/v1/sessions?all&facts')).text()).replaceAll(/"durationMs":\d+/g, '');
    await waitUntil(async () => !/"unindexed":[1-9]/.test(await list()));
    const before_ = await list();
    using database = new DatabaseSync(join(data, 'index.db'));
    database.exec("UPDATE sessions SET principal = 'forged'");
    assert.equal(await list(), before_);
    database.exec('DELETE FROM sessions WHERE id = 1');
    assert.equal(await list(), before_);
    const { sessions: count } = await json('POST', '/api/v1/index/rebuild', {});
    assert.equal(count, before_.trimEnd().split('\n').length);
  });

  test('T4.11: verify says whether index.db agrees, and its exit code is that of the record', async () => {
    const data = copy();
    const agrees = await runCli(['verify', '--data', data]);
    assert.deepEqual([agrees.status, /^index\.db agrees with the journal$/m.test(agrees.stdout)], [0, true], agrees.stdout + agrees.stderr);
    const database = new DatabaseSync(join(data, 'index.db'));
    database.exec("UPDATE sessions SET principal = 'forged'");
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    const differs = await runCli(['verify', '--data', data, '--json']);
    assert.deepEqual([differs.status, JSON.parse(differs.stdout).index], [0, 'differs']);
  });

  test('T4.47: sessions are listed in pages by their number, and limited', async () => {
    const [listed, page] = await using(whole, async (store) => [
      await collect(store.sessions({ which: 'clients' })),
      await collect(store.sessions({ which: 'clients', after: ids[1] ?? '', limit: 2 })),
    ]);
    assert.deepEqual(
      listed.items.map(({ session }: SessionSummary) => session),
      ids,
    );
    assert.deepEqual(
      page.items.map(({ session }: SessionSummary) => session),
      ids.slice(2, 4),
    );
    const data = copy();
    assert.match((await runCli(['index', 'rebuild', '--data', data])).stdout, /^index\.db is made again: 6 sessions, \d+ records\n$/);
    const { stdout } = await runCli(['session', 'list', '--data', data, '--after', ids[1] ?? '', '--limit', '2', '--json']);
    assert.equal(stdout.trimEnd().split('\n').length, 2);
    const plan = new DatabaseSync(join(whole, 'index.db'), { readOnly: true })
      .prepare('EXPLAIN QUERY PLAN SELECT * FROM sessions WHERE id > 5 ORDER BY id LIMIT 200')
      .all();
    assert.match(String(plan[0]?.['detail']), /USING INTEGER PRIMARY KEY/);
  });

  test('T4.47: with an index that is good the journal is not read from its beginning', async () => {
    const data = copy();
    // Bytes that nobody reads may be damaged without notice: the list comes from the index, which is compared with the journal only at its end.
    const bytes = readFileSync(segment(data, 1));
    bytes.fill(0x5a, 4000, 4040);
    writeFileSync(segment(data, 1), bytes);
    const { items, error } = await using(data, async (store) => collect(store.sessions({ which: 'clients' })));
    assert.deepEqual([items.length, error], [sessions, null]);
  });

  /** The most that happens between two turns of the event loop, while something is read to its end. */
  const mostInATurn = async <T>(items: AsyncIterable<T>): Promise<{ readonly most: number; readonly all: number }> => {
    let [all, most, before_, isOver] = [0, 0, 0, false];
    const look = (): void => {
      most = Math.max(most, all - before_);
      before_ = all;
      if (!isOver) {
        setImmediate(look);
      }
    };
    setImmediate(look);
    try {
      for await (const item of items) {
        void item;
        all += 1;
      }
    } finally {
      isOver = true;
    }
    await turn();
    return { most: Math.max(most, all - before_), all };
  };

  test('T4.45: reading does a bounded part of its work in a turn of the event loop', async () => {
    const data = join(root, 'long');
    const { recorder, keys } = await openNew(data);
    const track = recorder.openSession();
    const act = JSON.stringify({ channel: 0, action: 'test.act' });
    for (let i = 0; i < 1500; i++) {
      recorder.append(track, { kind: 'request', meta: act, content: [Buffer.from(`${i}`)] });
    }
    recorder.closeSession(track, 'client');
    for (let i = 0; i < 300; i++) {
      recorder.closeSession(recorder.openSession(), 'client');
    }
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    const stepsMax = turnBytesMax / 4096;
    await using(data, async (store) => {
      for (const [what, items, count] of [
        ['show', store.records(track.id), 1502],
        ['export', store.bundle(track.id), 1504],
        ['list', store.sessions({ which: 'clients' }), 301],
      ] as const) {
        const { most, all } = await mostInATurn<unknown>(items);
        assert.equal(all, count, what);
        assert.ok(most <= stepsMax, `${what}: ${most} in one turn`);
      }
    });
  });
});
