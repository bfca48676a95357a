import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { verifyFile } from '@countersign/ledger';
import { bodyEncodings, formatVerifierKey } from '@countersign/ledger/format';
import { mountSmall, requireMounts } from '../../../tests/support/mounted-disk.ts';
import { compareOpenedAlone } from '../../../tests/support/opened-alone.ts';
import { makeBundle, makeReceipt, openLog } from '../feed/evidence.ts';
import { Follower } from '../feed/follower.ts';
import { SessionIndex } from '../feed/session-index.ts';
import { blockKeysOf, BlockStore } from '../search/block-store.ts';
import type { ReadRecord } from '../search/record-facts.ts';
import { RecordIndex, type RecalledSession } from '../search/record-index.ts';
import { openMemorySqlite } from '../store/sqlite.ts';
import { readMessageBytes } from './message-bytes.ts';
import { SessionOpener } from './session-reader.ts';
import {
  committed,
  dayMs,
  execute,
  forever,
  openKeys,
  rawsOf,
  readBack,
  record,
  short,
  standard,
  temporaryDirectory,
  textsOf,
  today,
  verify,
} from './testdata/kept-recording.ts';

async function allOf<Part>(parts: AsyncIterable<Part>): Promise<Part[]> {
  const all: Part[] = [];
  for await (const part of parts) {
    all.push(part);
  }
  return all;
}

describe('a secret is for one class and one day', () => {
  test('a session past midnight, and of two classes in turn, announces each secret once and is read back', async (t) => {
    const { data, clock, track, say, close } = await record(t);
    for (const [text, keeping] of [['a'], ['b', short], ['c'], ['d', short], ['e', { ...short }]] as const) {
      say(text, keeping);
    }
    clock.nowMs += dayMs;
    say('f');
    say('g', short);
    say('h', forever);
    await close();
    const records = await readBack(data, track.id);
    assert.equal(
      records.map(({ kind }) => kind).join(' '),
      'open request secrets request request request request secrets request secrets request secrets request close',
    );
    assert.deepEqual(textsOf(records), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    const places = (await rawsOf(data, track.id))
      .filter(({ leaf }) => leaf.kind === 'request')
      .map(({ leaf }) => [leaf.metaClass, leaf.metaExpiryDay - today, leaf.contentClass, leaf.contentExpiryDay - today]);
    const never = 0xffff_ffff - today;
    assert.deepEqual(places, [
      [1, 400, 1, 90],
      [2, 400, 2, 7],
      [1, 400, 1, 90],
      [2, 400, 2, 7],
      [2, 400, 2, 7],
      [1, 401, 1, 91],
      [2, 401, 2, 8],
      [3, never, 3, 31],
    ]);
    const { verdict, findings, counts } = await verify(data, clock.nowMs);
    assert.deepEqual([verdict, findings, counts.bodies?.opened], ['holds', [], 16]);
    assert.ok((await compareOpenedAlone(data)) > 20);
  });

  test('what repeats itself copies from bodies of its own secret alone', async (t) => {
    const { data, clock, track, say, close } = await record(t);
    const said = randomBytes(6000).toString('hex');
    const texts: string[] = [];
    for (let i = 0; i < 30; i++) {
      clock.nowMs += i % 10 === 9 ? dayMs : 0;
      const text = `${said}${i}`;
      say(text, i % 2 === 0 ? standard : short);
      texts.push(text);
    }
    await close();
    const raws = await rawsOf(data, track.id);
    const stored = raws.filter(({ leaf }) => leaf.kind === 'request').map(({ entry }) => entry.storedContent.length);
    assert.equal(stored.filter((bytes) => bytes > 6000).length, 7, 'each secret has its first body whole');
    assert.ok(raws.some(({ entry }) => (entry.header.content.encoding & bodyEncodings.spliced) !== 0));
    assert.deepEqual(textsOf(await readBack(data, track.id)), texts);
    assert.equal((await verify(data, clock.nowMs)).verdict, 'holds');
    await compareOpenedAlone(data);
    execute(data, `DELETE FROM class_key WHERE class = 2 AND day = ${today + 7}`);
    const left = textsOf(await readBack(data, track.id));
    assert.deepEqual(
      left,
      texts.map((text, i) => (i < 9 && i % 2 === 1 ? 'erased' : text)),
    );
    const { verdict, counts } = await verify(data, (today + 8) * dayMs);
    assert.deepEqual([verdict, counts.bodies?.erased, counts.bodies?.mismatched], ['holds', 4, 0]);
  });

  test('of a session over days, the bundle, the receipts and single messages hold', async (t) => {
    const { data, clock, track, say, close } = await record(t);
    const texts = Array.from({ length: 6 }, (_, i) => `${'said '.repeat(1500)}${i}`);
    for (const [i, text] of texts.entries()) {
      say(text, i % 2 === 0 ? standard : short);
      clock.nowMs += i % 2 === 0 ? 0 : dayMs;
    }
    await close();
    using keys = openKeys(data);
    const log = await openLog(data);
    const raws = await rawsOf(data, track.id);
    const extent = { session: track.id, records: raws.length, state: 'closed', parts: () => [] } as const;
    const checkpoint = { size: Infinity, note: readFileSync(join(data, 'log', 'checkpoint'), 'utf8') };
    const bundle = (await allOf(makeBundle(log, keys, extent, { checkpoint, findPolicy: null }))).join('');
    const report = await verifyFile(Buffer.from(bundle), { keys: log.keys.all.map(formatVerifierKey) });
    assert.deepEqual([report.verdict, report.findings], ['holds', []]);
    const requests = raws.filter(({ leaf }) => leaf.kind === 'request');
    assert.ok(
      bundle.includes(
        Buffer.from(texts[5] ?? '')
          .toString('base64')
          .slice(0, 1000),
      ),
    );
    for (const { leaf } of [...requests.slice(-1), ...raws.filter(({ leaf: { kind } }) => kind === 'secrets').slice(0, 1)]) {
      assert.equal(
        (await verifyFile(Buffer.from(await makeReceipt(log, checkpoint, leaf.logIndex)), { keys: log.keys.all.map(formatVerifierKey) })).verdict,
        'holds',
      );
    }
    for (const [i, { leaf }] of requests.entries()) {
      const parts = await allOf(readMessageBytes(data, extent, new SessionOpener(keys), { record: leaf.sessionSeq, from: 0, to: null }));
      assert.equal(Buffer.concat(parts).toString(), texts[i]);
    }
  });

  test('the indexes go on in the midst of a session over days', async (t) => {
    const { data, clock, recorder, keys, track, close } = await record(t);
    const facts = (channel: number): string =>
      JSON.stringify({
        channel,
        action: 'gateway.authenticate',
        opens: { principal: 'ann', groups: [], clientAddress: '', target: `t${channel}`, protocol: 'x' },
      });
    const index = new SessionIndex(openMemorySqlite(), keys.cacheKey());
    const fail = (error: unknown): void => {
      throw error;
    };
    const store = new BlockStore(openMemorySqlite(), blockKeysOf(keys));
    const recall = (session: string): Promise<RecalledSession | null> => {
      const found = index.find(session);
      return Promise.resolve(found === null ? null : { ...found, isOwn: found.own, parts: [...index.parts(found.id, 0)] });
    };
    const seen: (string | null)[] = [];
    for (let day = 0; day < 4; day++) {
      for (const each of [track, recorder.own]) {
        recorder.append(each, { kind: 'decision', meta: facts(day), content: [Buffer.from('text')], keeping: day % 2 === 0 ? standard : forever });
        recorder.append(each, { kind: 'decision', meta: facts(10 + day), content: [] });
      }
      await committed(recorder);
      await using follower = await Follower.open(data, keys, index, fail);
      await follower.catchUp();
      const follow = { next: recorder.size - 3, see: (_: number, { shown }: ReadRecord) => (shown.kind === 'decision' ? seen.push(shown.target) : 0) };
      await new RecordIndex({ data, keys, store, findProtocol: () => undefined, recall, followers: [follow] }).catchUp();
      clock.nowMs += dayMs;
    }
    assert.deepEqual(index.find(track.id)?.targets, ['t0', 't10', 't1', 't11', 't2', 't12', 't3', 't13']);
    assert.deepEqual(new Set(seen), new Set(['t0', 't10', 't1', 't11', 't2', 't12', 't3', 't13']));
    await close();
    await compareOpenedAlone(data);
  });

  test('a store of before, whose sessions say nothing of classes and days, opens, holds, is read and goes on', async (t) => {
    const data = temporaryDirectory(t);
    cpSync(join(import.meta.dirname, 'testdata', 'store-of-before'), data, { recursive: true });
    for (const secret of ['root.key', 'keys.db']) {
      chmodSync(join(data, secret), 0o600);
    }
    const said = 'what was said before, and is said again. '.repeat(120);
    const before = 'e9016bb692ada4df3abdf82c1b382e99';
    assert.equal((await verify(data, Date.now())).counts.bodies?.opened, 11);
    const { track, say, close } = await record(t, data, Date.now());
    say('new', short);
    await close();
    assert.deepEqual(
      textsOf(await readBack(data, before)),
      [0, 1, 2, 3].map((i) => `${said}${i}`),
    );
    assert.deepEqual(textsOf(await readBack(data, track.id)), ['new']);
    const { verdict, findings } = await verify(data, Date.now());
    assert.deepEqual([verdict, findings], ['holds', []]);
    assert.ok((await compareOpenedAlone(data)) > 11);
  });

  test('an end past midnight, too, counts the record that announces its secrets', async (t) => {
    const { data, clock, recorder, track, close } = await record(t);
    clock.nowMs += dayMs;
    recorder.closeSession(track, 'client', { why: 'done' });
    await close();
    assert.deepEqual(
      (await readBack(data, track.id)).map(({ kind, content }) => [kind, content === null ? null : Buffer.from(content).toString()]),
      [
        ['open', null],
        ['secrets', null],
        ['close', '{"why":"done"}'],
      ],
    );
    const { verdict, findings } = await verify(data, clock.nowMs);
    assert.deepEqual([verdict, findings], ['holds', []]);
  });

  test('on a full disk a session past midnight ends with the secrets that it has', requireMounts(), async (t) => {
    await using disk = mountSmall(8 * 1024 * 1024);
    const { data, clock, recorder, track, say, close } = await record(t, disk.directory);
    say('a');
    const full = join(data, 'full');
    const { bavail, bsize } = statfsSync(data);
    writeFileSync(full, Buffer.alloc(bavail * bsize));
    clock.nowMs += dayMs;
    assert.throws(() => {
      for (;;) {
        say(randomBytes(50_000).toString('hex'));
      }
    }, /cannot be written|disk/i);
    recorder.closeSession(track, 'cannot_record', { why: 'full' });
    rmSync(full);
    await close();
    const last = (await readBack(data, track.id)).at(-1);
    assert.deepEqual([last?.kind, Buffer.from(last?.content ?? []).toString()], ['close', '{"why":"full"}']);
    assert.equal((await verify(data, clock.nowMs)).verdict, 'holds');
  });

  for (const [what, sql, says] of [
    ['class of the facts', 'UPDATE session_secrets SET meta_class = 9 WHERE meta_class = 2', /another class or day/],
    ['day', `UPDATE session_secrets SET content_day = content_day + 1 WHERE class = 2`, /another class or day/],
    ['secret', 'UPDATE session_secrets SET meta = zeroblob(60) WHERE class = 2', /another key than it announces/],
  ] as const) {
    test(`a row whose ${what} was changed is a finding of integrity`, async (t) => {
      const { data, clock, say, close } = await record(t);
      say('a', short);
      await close();
      execute(data, sql);
      const { verdict, findings } = await verify(data, clock.nowMs);
      assert.equal(verdict, 'integrity');
      assert.ok(
        findings.some(({ what: found }) => says.test(found)),
        JSON.stringify(findings),
      );
    });
  }
});
