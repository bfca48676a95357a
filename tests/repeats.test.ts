import assert from 'node:assert/strict';
import { factNamesOf } from '../gateway/src/domain/facts-only.ts';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyFile, verifyStore } from '@countersign/ledger';
import { bodyEncodings, formatVerifierKey } from '@countersign/ledger/format';
import { openStoreFiles } from '../cli/src/store-files.ts';
import { defaultLimits } from '../gateway/src/domain/limits.ts';
import type { OpenedRecord } from '../gateway/src/domain/record.ts';
import type { Target } from '../gateway/src/domain/target.ts';
import { makeBundle, openLog } from '../gateway/src/feed/evidence.ts';
import { Follower } from '../gateway/src/feed/follower.ts';
import { standsAlways } from '../gateway/src/identity/standing.ts';
import { SessionIndex, type IndexedSession } from '../gateway/src/feed/session-index.ts';
import { grantPolicy } from '../gateway/src/policy/grants.ts';
import { journalStart } from '../gateway/src/recording/journal-reader.ts';
import type { KeyStore } from '../gateway/src/recording/key-store.ts';
import { KeystreamReader } from '../gateway/src/recording/keystream.ts';
import { standardKeeping, type Keeping } from '../gateway/src/recording/retention.ts';
import type { Recorder } from '../gateway/src/recording/recorder.ts';
import { readEntries, readSession, SessionOpener, SessionWalk, type RawRecord, type SessionExtent } from '../gateway/src/recording/session-reader.ts';
import { splicedHeaderBytes } from '../gateway/src/recording/spliced-body.ts';
import { conversation } from '../gateway/src/recording/testdata/conversation.ts';
import { openRecorder } from '../gateway/src/recording/testdata/open-recorder.ts';
import { LiveChannel } from '../gateway/src/sessions/live-channel.ts';
import { looking } from '../gateway/src/following/testdata/looking.ts';
import { IdsOfTargets } from '../gateway/src/sessions/ids-of-targets.ts';
import { LiveSessions } from '../gateway/src/sessions/live-sessions.ts';
import { openSqlite } from '../gateway/src/store/sqlite.ts';
import { HttpCalls } from '../gateway/src/exchange/target/http-calls.ts';
import { filesHolding } from './support/canary.ts';

const target: Target = {
  name: 'model',
  protocol: 'test',
  scheme: 'test',
  host: 'localhost',
  port: 1,
  path: '',
  user: '',
  durability: 'process',
  options: {},
};
const kept = standardKeeping(400, 90);
const keeping = (): Keeping => kept;
const environment = { policyVersion: 'v1', attributes: {} };
const principal = { id: 'agent', kind: 'agent', groups: [], targets: ['model'] } as const;

/** Opens a channel as a login does. */
function openChannel(recorder: Recorder): LiveChannel {
  const sessions = new LiveSessions(recorder, () => environment);
  const policy = grantPolicy([principal]);
  const context = {
    recorder,
    sessions,
    policy: () => policy,
    controls: [],
    limits: defaultLimits,
    calls: new HttpCalls(defaultLimits),
    ids: new IdsOfTargets(() => null),
    factNames: factNamesOf([]),
    findTarget: () => target,
    keepingOf: () => keeping,
    looking,
  };
  const session = sessions.open('channel');
  const facts = { principal: 'agent', principalKind: 'agent', groups: [], tokenId: '', clientAddress: '', target: '', protocol: '', durability: '' } as const;
  return new LiveChannel(context, session, session.openChannel(facts, {}), {
    identity: { principal, tokenId: '', standing: standsAlways(principal) },
    target,
    keeping,
    address: '',
    claims: [],
    describeClaims: () => ({}),
  });
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

describe('requests that repeat earlier ones', () => {
  const canary = `canary-repeated-${randomBytes(8).toString('hex')}`;
  const turns = [...conversation(50)].map((turn) => Buffer.concat([Buffer.from(canary), turn]));
  const large = randomBytes(2_500_000);
  /** Longer than one record: recorded in parts. One byte more at the beginning, each time. */
  const long = [0, 1, 2].map((more) => Buffer.concat([Buffer.alloc(more), large, Buffer.alloc(more * 1000)]));
  const data = mkdtempSync(join(tmpdir(), 'countersign-repeats-'));
  let recorder: Recorder;
  let keys: KeyStore;
  let raw: RawRecord[];
  /** The session in the middle, and at its end. */
  let midway: IndexedSession;
  let whole: IndexedSession;

  before(async () => {
    ({ recorder, keys } = await openRecorder(data));
    const database = openSqlite(join(data, 'index.db'), { journal: 'truncate' });
    const index = new SessionIndex(database, keys.cacheKey());
    await using follower = await Follower.open(data, keys, index, (error) => {
      throw error;
    });
    const channel = openChannel(recorder);
    const look = async (): Promise<IndexedSession> => {
      await recorder.publish();
      await follower.catchUp();
      return index.find(channel.session) ?? assert.fail('the session is not in the index');
    };
    const send = async (content: Buffer): Promise<void> => {
      await channel.request({ name: 'test.act', attributes: {} }, [content.subarray(0, 10), content.subarray(10)], { repeats: true });
      channel.record('response', {}, [Buffer.from('an answer')]);
    };
    for (const [i, content] of [...turns, ...long].entries()) {
      await send(content);
      midway = i === 25 ? { ...(await look()) } : midway;
    }
    await channel.close('client');
    whole = await look();
    raw = await collect(readEntries(data, whole.session, { from: journalStart }));
  });
  after(async () => {
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    rmSync(data, { recursive: true, force: true });
  });

  /** As when the index knew of no part. */
  function extentOf({ session, records }: IndexedSession, state: SessionExtent['state']): SessionExtent {
    return { session, records, state, parts: () => [] };
  }

  function requestsOf(records: readonly OpenedRecord[]): Buffer[] {
    const requests: Buffer[][] = [];
    let continued = false;
    for (const { kind, content, continues, withheld } of records) {
      assert.equal(withheld, null);
      if (kind === 'request') {
        requests.splice(continued ? -1 : requests.length, continued ? 1 : 0, [...(continued ? (requests.at(-1) ?? []) : []), Buffer.from(content ?? [])]);
        continued = continues;
      }
    }
    return requests.map((parts) => Buffer.concat(parts));
  }

  function openAll(records: readonly RawRecord[], opener: SessionOpener): OpenedRecord[] {
    return records.map((record) => opener.open(record));
  }

  test('are read back to the byte, in parts too', async () => {
    const requests = requestsOf(openAll(raw, new SessionOpener(keys)));
    assert.deepEqual(
      requests.map(({ length }) => length),
      [...turns, ...long].map(({ length }) => length),
    );
    assert.ok(requests.every((request, i) => request.equals([...turns, ...long][i] ?? Buffer.alloc(0))));
  });

  test('cost what is new in them: 50 turns not 1.3 times the last, three long ones not 1.1 times the first', () => {
    const stored = raw.filter(({ leaf }) => leaf.kind === 'request').map(({ entry }) => entry.storedContent.length);
    const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0);
    assert.ok(sum(stored.slice(0, turns.length)) < (turns.at(-1)?.length ?? 0) * 1.3);
    assert.ok(sum(turns.map(({ length }) => length)) > (turns.at(-1)?.length ?? 0) * 20, 'they repeat');
    assert.ok(sum(stored.slice(turns.length)) < large.length * 1.1);
  });

  test('a reader that begins in the middle reads the same', async () => {
    const opener = new SessionOpener(keys);
    const walk = new SessionWalk(whole.session);
    assert.ok(midway.records < whole.records);
    const first = openAll(await collect(readSession(data, extentOf(midway, 'live'), walk)), opener);
    const then = openAll(await collect(readSession(data, extentOf(whole, 'closed'), walk)), opener);
    assert.deepEqual(
      [...first, ...then].map(({ seq }) => seq),
      raw.map((_, seq) => seq),
    );
    assert.ok(requestsOf([...first, ...then]).every((request, i) => request.equals([...turns, ...long][i] ?? Buffer.alloc(0))));
  });

  test('the store holds, and so does the bundle, which holds them whole', async () => {
    const store = await verifyStore(openStoreFiles(data));
    assert.equal(store.verdict, 'holds', JSON.stringify(store.findings));
    const log = await openLog(data);
    const lines = await collect(makeBundle(log, keys, extentOf(whole, 'closed'), { checkpoint: recorder.published, findPolicy: null }));
    const bundle = await verifyFile(Buffer.from(lines.join('')), { keys: log.keys.all.map(formatVerifierKey) });
    assert.equal(bundle.verdict, 'holds', JSON.stringify(bundle.findings));
    assert.deepEqual([bundle.counts.records, bundle.counts.withheld], [raw.length, 0]);
    assert.ok(lines.some((line) => line.includes(turns[49]?.toString('base64') ?? 'none')));
  });

  test('B24: they are in no file in clear', () => {
    assert.deepEqual(filesHolding(data, canary), []);
  });

  test('without the key they are erased', async () => {
    const opened = openAll(raw.slice(1, -1), new SessionOpener(keys));
    assert.ok(opened.every(({ withheld, content }) => withheld === 'erased' && content === null));
  });

  const forgeries: Readonly<Record<string, (body: Buffer) => Buffer>> = {
    'put where there is no place': (body) => changed(body, (bytes) => bytes.writeUInt8(16)),
    'put elsewhere, with other literals': (body) =>
      changed(body, (bytes) => {
        bytes.writeUInt8(7);
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      }),
    'with more copies than there is room for': (body) => changed(body, (bytes) => bytes.writeUInt16BE(0xffff, 2)),
    'with a copy of more than there is': (body) => changed(body, (bytes) => bytes.writeUInt32BE(0xffff_ffff, splicedHeaderBytes + 4)),
    'with a copy of a body that is not there': (body) => changed(body, (bytes) => bytes.writeUInt8(15, splicedHeaderBytes + 8)),
    'with a copy from elsewhere': (body) => changed(body, (bytes) => bytes.writeUInt8(1, splicedHeaderBytes + 11)),
    'of nothing': () => Buffer.alloc(0),
    'of other bytes': (body) => randomBytes(body.length),
  };
  for (const [name, forge] of Object.entries(forgeries)) {
    test(`a spliced body ${name} is a mismatch, and what follows is a mismatch or exact`, async () => {
      const forged = raw.findIndex(({ leaf, entry }) => leaf.sessionSeq > 20 && entry.header.content.encoding === bodyEncodings.spliced);
      assert.ok(forged > 20);
      const opened = openAll(
        raw.map((record, i) => (i === forged ? reseal(record, forge) : record)),
        new SessionOpener(keys),
      );
      const exact = openAll(raw, new SessionOpener(keys));
      assert.equal(opened[forged]?.withheld, 'mismatch');
      for (const [i, { withheld, content }] of opened.entries()) {
        assert.ok(i === forged || withheld === 'mismatch' || Buffer.from(content ?? []).equals(exact[i]?.content ?? Buffer.alloc(0)));
        assert.ok(i >= forged || withheld === null);
        assert.ok(withheld === null || content === null);
      }
    });
  }

  for (const encoding of [bodyEncodings.plain, bodyEncodings.zstd, bodyEncodings.spliced, bodyEncodings.spliced | bodyEncodings.zstd]) {
    test(`bodies that say that their encoding is ${encoding} are mismatches where it is another`, async () => {
      const claim = (record: RawRecord): RawRecord => {
        const { header } = record.entry;
        return { ...record, entry: { ...record.entry, header: { ...header, content: { ...header.content, encoding } } } };
      };
      for (const [i, { withheld }] of openAll(raw.map(claim), new SessionOpener(keys)).entries()) {
        const { content } = raw[i]?.entry.header ?? assert.fail();
        assert.ok(content.bytes === 0 || content.encoding === encoding || withheld === 'mismatch');
      }
    });
  }

  /** As whoever has the key could: another body under the same leaf. */
  function reseal(record: RawRecord, forge: (body: Buffer) => Buffer): RawRecord {
    const { entry, leaf } = record;
    const secret = keys.find(whole.key ?? 0, 'content', { class: leaf.contentClass, day: leaf.contentExpiryDay }) ?? assert.fail();
    const seal = (body: Buffer): Buffer => new KeystreamReader(secret).unseal(entry.header.content.position, body).encoded;
    return { ...record, entry: { ...entry, storedContent: seal(forge(seal(Buffer.from(entry.storedContent)))) } };
  }
});

function changed(body: Buffer, change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(body);
  change(bytes);
  return bytes;
}
