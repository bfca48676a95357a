import assert from 'node:assert/strict';
import test from 'node:test';
import { commitWithCheckpoint, filesOf, writeFirstEpoch, writeGoldenStore } from './testdata/golden-store.ts';
import { boundariesOf } from './testdata/tamper.ts';
import type { StoreFiles } from './store-files.ts';
import { StoreWriter, type WrittenSession } from './testdata/store-writer.ts';
import type { Finding } from './verdict.ts';
import { verifyStore, type StoreReport } from './verify-store.ts';

const secrets = 'ab'.repeat(32);

async function reportOf(writer: StoreWriter): Promise<StoreReport> {
  return verifyStore(filesOf(writer.files), { keys: [writer.signer.vkey] });
}

/** A gateway that has just started and signs whatever `act` makes it record; the findings about it. */
async function findingsOf(act: (writer: StoreWriter) => void): Promise<readonly Finding[]> {
  const writer = new StoreWriter();
  writer.start(null);
  act(writer);
  commitWithCheckpoint(writer);
  writer.publish();
  return (await reportOf(writer)).findings;
}

function opened(writer: StoreWriter): WrittenSession {
  const session = writer.newSession();
  writer.record(session, 'open', { meta: { secrets, key: 1 } });
  return session;
}

async function expectOnly(code: Finding['code'], what: RegExp, act: (writer: StoreWriter) => void): Promise<void> {
  const findings = await findingsOf(act);
  assert.deepEqual(
    findings.map((finding) => finding.code),
    [code],
    JSON.stringify(findings),
  );
  assert.match(findings[0]?.what ?? '', what);
}

void test('C28: a live store holds, with an unsigned tail, with zeros and with a torn tail', async () => {
  const { writer, left } = writeFirstEpoch();
  const signed = writer.leafHashes.length;
  writer.record(left, 'decision', { meta: 'x' });
  writer.record(left, 'decision', { meta: 'y' });
  writer.commit();
  const end = writer.offset;
  writer.preallocate(5_000_000);
  const report = await reportOf(writer);
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.closed, false);
  assert.equal(report.unsigned.leaves, 2);
  assert.equal(report.newest?.size, signed);
  assert.equal(report.counts.sessionsOpen, 2);
  writer.record(left, 'decision', { meta: 'z' });
  writer.commit();
  const whole = writer.files.get(writer.segmentPath) ?? Buffer.alloc(0);
  for (let length = end + 1; length < whole.length; length++) {
    writer.files.set(writer.segmentPath, whole.subarray(0, length));
    const torn = await reportOf(writer);
    assert.equal(torn.verdict, 'holds', `torn at ${length}`);
    assert.equal(torn.unsigned.tornBytes, length - end);
    assert.equal(torn.unsigned.leaves, 2);
    const zeroed = Buffer.concat([whole.subarray(0, length), Buffer.alloc(8192)]);
    writer.files.set(writer.segmentPath, zeroed);
    assert.equal((await reportOf(writer)).verdict, 'holds', `torn at ${length}, zeros behind`);
  }
});

/** A store with a partial tile, and the same store when its gateway has filled the tile, published that and removed the partial one. */
function twoMoments(): { readonly keys: readonly string[]; readonly before: Files; readonly after: Files } {
  const { writer, left } = writeFirstEpoch();
  const before = new Map(writer.files);
  for (let i = writer.leafHashes.length; i < 300; i++) {
    writer.record(left, 'decision', { meta: String(i) });
  }
  commitWithCheckpoint(writer);
  writer.publish();
  const after = new Map([...writer.files].filter(([path]) => !path.startsWith('log/tile/0/000.p/')));
  return { keys: [writer.signer.vkey], before, after };
}

type Files = ReadonlyMap<string, Buffer>;

/** Moments, by the calls that a verifier made up to them, at which a gateway may change the files. */
const moments: Readonly<Record<string, (call: string, path: string, times: number) => boolean>> = {
  'its tiles were listed': (call, path) => call === 'list' && path === 'log/tile/0',
  'the partial tile was seen': (call, path) => call === 'size' && path.startsWith('log/tile/0/000.p/'),
  'the length of the checkpoint was asked for': (call, path, times) => call === 'size' && path === 'log/checkpoint' && times === 2,
};
for (const [moment, isMoment] of Object.entries(moments)) {
  void test(`C28: a store whose gateway continues after ${moment} holds`, async () => {
    const { keys, before, after } = twoMoments();
    let isPast = false;
    const asked: string[] = [];
    const files = (): StoreFiles => filesOf(isPast ? after : before);
    const noting = async <T>(call: string, path: string, answer: Promise<T>): Promise<T> => {
      const given = await answer;
      asked.push(`${call} ${path}`);
      isPast ||= isMoment(call, path, asked.filter((one) => one === `${call} ${path}`).length);
      return given;
    };
    const report = await verifyStore(
      {
        list: async (path) => noting('list', path, files().list(path)),
        size: async (path) => noting('size', path, files().size(path)),
        read: async (path, offset, length) => noting('read', path, files().read(path, offset, length)),
      },
      { keys },
    );
    assert.ok(isPast, 'the moment came');
    assert.deepEqual(report.findings, []);
  });
}

void test('C29: a tile that is listed and is no file is missing, and only a full tile with the same hashes stands in for a partial one', async () => {
  const { keys, before, after } = twoMoments();
  const full = 'log/tile/0/000';
  /** The verdict on a store in which this path is listed, and there is no such file. */
  const verdictWithout = async (store: Files, path: string): Promise<string> => {
    const files = filesOf(store);
    const { verdict } = await verifyStore({ ...files, size: async (asked) => (asked === path ? undefined : files.size(asked)) }, { keys });
    return verdict;
  };
  const partial = [...before.keys()].find((path) => path.startsWith(`${full}.p/`)) ?? assert.fail('no partial tile');
  const tile = after.get(full) ?? assert.fail('no full tile');
  assert.equal(await verdictWithout(after, full), 'completeness');
  assert.equal(await verdictWithout(before, partial), 'completeness');
  const withPartial = new Map([...after, [partial, before.get(partial) ?? assert.fail(partial)]]);
  assert.equal(await verdictWithout(withPartial, partial), 'holds');
  assert.equal(await verdictWithout(withPartial, full), 'completeness');
  const forged = Buffer.from(tile);
  forged[0] = (forged[0] ?? 0) ^ 1;
  assert.equal(await verdictWithout(new Map([...withPartial, [full, forged]]), partial), 'integrity');
});

void test('C29: damage that a later frame says was on stable storage is no torn tail', async () => {
  const { writer, left } = writeFirstEpoch();
  const start = writer.offset;
  writer.record(left, 'decision', { meta: 'x' });
  writer.commit(128);
  const durable = writer.offset;
  writer.record(left, 'decision', { meta: 'y' });
  writer.commit(durable);
  const whole = writer.files.get(writer.segmentPath) ?? Buffer.alloc(0);
  for (let at = start; at < durable; at++) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writer.files.set(writer.segmentPath, changed);
    const { verdict } = await reportOf(writer);
    // A chain value is what the next frame is recognised by: with it gone, this frame and the next are one torn tail.
    assert.equal(verdict, at < durable - 32 ? 'integrity' : 'holds', `offset ${at}`);
  }
  const changed = Buffer.from(whole);
  changed[durable] = 0;
  writer.files.set(writer.segmentPath, changed);
  assert.equal((await reportOf(writer)).verdict, 'holds');
});

void test('C28: a store that is written to while it is read holds', async () => {
  const { writer, left } = writeFirstEpoch();
  const path = writer.segmentPath;
  const bytes = writer.offset + 9000;
  writer.preallocate(bytes - writer.offset);
  const before = filesOf(new Map(writer.files));
  for (const durable of [128, writer.offset, writer.offset + 200]) {
    writer.record(left, 'decision', { meta: 'x' });
    writer.commit(durable);
  }
  writer.preallocate(bytes - writer.offset);
  const after = filesOf(writer.files);
  let reads = 0;
  const growing = {
    ...after,
    read: async (name: string, offset: number, length: number) => {
      reads += name === path ? 1 : 0;
      // The header and the first window are of before, all else of after.
      return (reads <= 2 ? before : after).read(name, offset, length);
    },
  };
  const report = await verifyStore(growing, { keys: [writer.signer.vkey] });
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.unsigned.leaves, 3);
});

void test('C28: a new last segment whose header did not reach the disk is a torn tail, unless a checkpoint names it', async () => {
  const { writer } = writeFirstEpoch();
  const path = 'journal/000000000003.segment';
  for (const bytes of [0, 100, 4096]) {
    writer.files.set(path, Buffer.alloc(bytes));
    const report = await reportOf(writer);
    assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
    assert.equal(report.unsigned.tornBytes, bytes);
  }
  const golden = writeGoldenStore().writer;
  golden.files.set(path, Buffer.alloc(4096));
  assert.equal((await reportOf(golden)).verdict, 'completeness');
});

void test('C28: a crash while stopping holds; the end of a stopped gateway may not be missing', async () => {
  const golden = writeGoldenStore().writer;
  const path = golden.segmentPath;
  const whole = golden.files.get(path) ?? Buffer.alloc(0);
  const finalFrame = boundariesOf(whole).at(-2) ?? 0;
  const cut = whole.subarray(0, finalFrame);
  golden.files.set(path, cut);
  assert.equal((await reportOf(golden)).verdict, 'completeness');
  // As if the last checkpoint had never been made: the close is there, and not yet signed.
  for (const name of golden.files.keys()) {
    if (name.startsWith('log/tile/')) {
      golden.files.delete(name);
    }
  }
  const older = writeFirstEpoch().writer;
  for (const [name, bytes] of older.files) {
    if (name.startsWith('log/')) {
      golden.files.set(name, bytes);
    }
  }
  const report = await reportOf(golden);
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.unsigned.leaves, 6);
});

void test('a sealed body is of a class and day for which its session announced a secret', async () => {
  const under = (meta: number, content = meta): object => ({ secrets, key: 1, meta: [1, meta], content: [1, content] });
  const open = (writer: StoreWriter): WrittenSession => {
    const session = writer.newSession();
    writer.record(session, 'open', { meta: under(20_800) });
    return session;
  };
  const facts = (writer: StoreWriter, session: WrittenSession, day: number): void => {
    writer.record(session, 'decision', { meta: 'x', patch: (leaf) => leaf.writeUInt32BE(day, 58) });
  };
  const noSecrets = /a class or day for which its session has no secrets/;
  assert.deepEqual(
    await findingsOf((writer) => {
      const session = open(writer);
      facts(writer, session, 20_800);
      writer.record(session, 'secrets', { meta: under(20_801, 20_700) });
      facts(writer, session, 20_801);
      facts(writer, session, 20_800);
    }),
    [],
  );
  await expectOnly('integrity', noSecrets, (writer) => {
    facts(writer, open(writer), 20_801);
  });
  await expectOnly('integrity', noSecrets, (writer) => {
    const session = open(writer);
    writer.record(session, 'secrets', { meta: under(20_700, 20_801) });
    facts(writer, session, 20_801);
  });
  await expectOnly('integrity', noSecrets, (writer) => {
    const session = open(writer);
    for (let i = 0; i < 64; i++) {
      writer.record(session, 'secrets', { meta: under(20_801 + i) });
    }
    facts(writer, session, 20_801);
    facts(writer, session, 20_800);
  });
  await expectOnly('malformed', /secrets without a proper "meta"/, (writer) => {
    writer.record(open(writer), 'secrets', { meta: { secrets, key: 2 } });
  });
});

void test('C28: sessions begin with open, count without gap and end with close', async () => {
  await expectOnly('completeness', /without its first record/, (writer) => {
    writer.record(writer.newSession(), 'decision', { meta: 'x' });
  });
  await expectOnly('completeness', /record 2 of its session, not 1/, (writer) => {
    const session = opened(writer);
    writer.record(session, 'decision', { meta: 'x', patch: (leaf) => leaf.writeUInt8(2, 27) });
  });
  await expectOnly('integrity', /opens twice/, (writer) => {
    writer.record(opened(writer), 'open', { meta: { secrets, key: 1 } });
  });
  await expectOnly('integrity', /does not follow the previous leaf/, (writer) => {
    writer.record(opened(writer), 'decision', {
      meta: 'x',
      patch: (leaf) => leaf.fill(1, 68, 100),
    });
  });
  await expectOnly('integrity', /close with the count 3 at record 1/, (writer) => {
    writer.record(opened(writer), 'close', { meta: { records: 3, reason: 'done' } });
  });
  await expectOnly('integrity', /session that was closed/, (writer) => {
    const session = opened(writer);
    writer.close(session);
    writer.record(session, 'decision', { meta: 'x' });
  });
  await expectOnly('completeness', /left open by epoch 1/, (writer) => {
    opened(writer);
    writer.close(writer.gateway);
  });
  const afterStop = await findingsOf((writer) => {
    writer.close(writer.gateway);
    writer.close(opened(writer));
  });
  assert.deepEqual(
    afterStop.map(({ code, what }) => `${code}: ${what}`),
    Array(2).fill('integrity: record after the gateway was stopped'),
  );
});

void test('C28: a silent hour within an epoch is seen, between epochs it is not', async () => {
  await expectOnly('completeness', /no heartbeat for 120 s/, (writer) => {
    writer.timeMs += 120_000;
    writer.close(opened(writer));
  });
  const findings = await findingsOf((writer) => {
    for (let minute = 0; minute < 5; minute++) {
      writer.timeMs += 59_000;
      writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 0 } });
    }
    writer.commit();
    writer.checkpoint();
    writer.timeMs += 3_600_000;
    writer.start({
      epoch: 1,
      clean: false,
      sessionsLeftOpen: 0,
      requestsWithoutOutcome: 0,
      tornBytes: 0,
    });
  });
  assert.deepEqual(findings, []);
});

/** The gateway stands still for an hour, and says so when it wakes. */
function pause(writer: StoreWriter, change: (body: { from: number; to: number; monotonic: number }) => object = (body) => body): void {
  const from = writer.timeMs;
  writer.timeMs += 3_600_000;
  writer.record(writer.gateway, 'pause', { meta: change({ from, to: writer.timeMs, monotonic: 3_600_000 }) });
}

void test('T4.15, E53: a pause that the gateway names is reported apart, and is no missing heartbeat', async () => {
  const writer = new StoreWriter();
  writer.start(null);
  const from = writer.timeMs;
  pause(writer);
  writer.close(opened(writer));
  commitWithCheckpoint(writer);
  writer.publish();
  const { verdict, findings, counts, pauses } = await reportOf(writer);
  assert.equal(verdict, 'holds', JSON.stringify(findings));
  assert.equal(counts.pauses, 1);
  assert.deepEqual(pauses, [{ from, to: from + 3_600_000, monotonic: 3_600_000 }]);
});

void test('T4.15, E53: a clock that is set back is told as a pause, and what comes behind it is measured by it', async () => {
  assert.deepEqual(
    await findingsOf((writer) => {
      const from = writer.timeMs;
      writer.timeMs -= 3_600_000;
      writer.record(writer.gateway, 'pause', { meta: { from, to: writer.timeMs, monotonic: 20 } });
      writer.timeMs += 80_000;
      writer.close(opened(writer));
    }),
    [],
  );
});

void test('T4.15, E53: nothing hides behind a pause', async () => {
  await expectOnly('completeness', /no heartbeat for 120 s/, (writer) => {
    writer.timeMs += 120_000;
    pause(writer);
  });
  await expectOnly('completeness', /no heartbeat for 120 s/, (writer) => {
    pause(writer);
    writer.timeMs += 120_000;
    writer.close(opened(writer));
  });
  const contradicted = /names a pause that the records around it contradict/;
  for (const change of [
    (body: { from: number }) => ({ ...body, to: body.from + 7_200_000 }),
    (body: { from: number }) => ({ ...body, to: body.from }),
    (body: { from: number }) => ({ ...body, from: body.from - 1_000 }),
  ] as const) {
    const findings = await findingsOf((writer) => {
      writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 0 } });
      pause(writer, change);
    });
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['integrity', 'completeness'],
    );
    assert.match(findings[0]?.what ?? '', contradicted);
  }
  const malformed = await findingsOf((writer) => {
    pause(writer, ({ from, to }) => ({ from, to }));
  });
  assert.ok(malformed.some(({ code, what }) => code === 'malformed' && /proper "monotonic"/.test(what)));
});

void test('C28: epochs begin with their record, tell of the one before, and close what it left open', async () => {
  const previous = {
    epoch: 1,
    clean: false,
    sessionsLeftOpen: 0,
    requestsWithoutOutcome: 0,
    tornBytes: 0,
  };
  const restart = (change: object) => (writer: StoreWriter) => {
    commitWithCheckpoint(writer);
    writer.start({ ...previous, ...change });
  };
  assert.deepEqual(await findingsOf(restart({})), []);
  await expectOnly('completeness', /end of the epoch before is missing/, restart({ clean: true }));
  await expectOnly('completeness', /follows epoch 3, but here 1/, restart({ epoch: 3 }));
  await expectOnly('malformed', /proper "previous"/, restart({ clean: 'no' }));
  await expectOnly('completeness', /left open by epoch 1/, (writer) => {
    opened(writer);
    restart({})(writer);
    opened(writer);
  });
  // Recovery under way: the epoch has opened no session of its own yet.
  const underWay = await findingsOf((writer) => {
    opened(writer);
    restart({})(writer);
  });
  assert.deepEqual(underWay, []);
  await expectOnly('integrity', /begins twice/, (writer) => {
    const session = writer.newSession();
    writer.record(session, 'epoch', { meta: { epoch: 1, software: 'test', previous: null } });
    writer.gateway = session;
  });
});

const seal = (meta: object) => (writer: StoreWriter) => {
  commitWithCheckpoint(writer);
  writer.beginSegment(false);
  writer.record(writer.gateway, 'seal', { meta });
};

void test('C29: a segment is sealed by the next', async () => {
  const wrong = { segment: 1, bytes: 1, first: 0, records: 1, chain: secrets };
  await expectOnly('integrity', /seal does not fit/, seal(wrong));
  await expectOnly('malformed', /proper "chain"/, seal({ ...wrong, chain: 'x' }));
  await expectOnly('completeness', /seal of the segment before is missing/, (writer) => {
    commitWithCheckpoint(writer);
    writer.beginSegment(false);
    writer.record(writer.gateway, 'heartbeat', { meta: { sessions: 0 } });
    commitWithCheckpoint(writer);
    writer.beginSegment();
  });
  await expectOnly('completeness', /seal of the segment before is missing/, (writer) => {
    commitWithCheckpoint(writer);
    writer.beginSegment(false);
    writer.close(writer.gateway);
  });
  // A crash just behind the header of a new segment: the next epoch seals that one, nobody the one before.
  const crashed = await findingsOf((writer) => {
    commitWithCheckpoint(writer);
    writer.beginSegment(false);
    const previous = { epoch: 1, clean: false, sessionsLeftOpen: 0 };
    writer.start({ ...previous, requestsWithoutOutcome: 0, tornBytes: 0 });
  });
  assert.deepEqual(crashed, []);
});

void test('what a faulty gateway signs is malformed, or contradicts itself', async () => {
  await expectOnly('malformed', /canonical form/, (writer) => {
    writer.record(writer.gateway, 'heartbeat', { meta: '{"sessions": 0}' });
  });
  await expectOnly('malformed', /canonical form/, (writer) => {
    writer.record(writer.gateway, 'heartbeat', { meta: '{"sessions":1,"sessions":0}' });
  });
  await expectOnly('malformed', /proper "sessions"/, (writer) => {
    writer.record(writer.gateway, 'heartbeat', { meta: { sessions: -1 } });
  });
  await expectOnly('malformed', /too long/, (writer) => {
    writer.record(writer.gateway, 'incident', { meta: { code: 'x'.repeat(70_000) } });
  });
  await expectOnly('retention', /no retention class/, (writer) => {
    writer.record(opened(writer), 'decision', {
      meta: 'x',
      patch: (leaf) => leaf.writeUInt16BE(0, 56),
    });
  });
  await expectOnly('integrity', /do not fit the flags/, (writer) => {
    writer.record(opened(writer), 'decision', {
      meta: 'x',
      patch: (leaf) => {
        leaf.writeUInt16BE(0, 2);
        leaf.fill(0, 100, 132);
      },
    });
  });
  await expectOnly('integrity', /another gateway/, (writer) => {
    writer.record(opened(writer), 'decision', {
      meta: 'x',
      patch: (leaf) => leaf.writeUInt8(1, 36),
    });
  });
});

const codes = async (patch: (leaf: Buffer) => void): Promise<string[]> => {
  const findings = await findingsOf((writer) => {
    writer.record(opened(writer), 'decision', { meta: 'x', patch });
  });
  return findings.map(({ code }) => code);
};

void test('C29: a leaf of an unknown version or kind is malformed, an index out of place ends the reading', async () => {
  assert.deepEqual(await codes((leaf) => leaf.writeUInt8(2, 0)), ['malformed']);
  assert.deepEqual(await codes((leaf) => leaf.writeUInt8(12, 1)), [], 'an event has the form of a decision');
  assert.deepEqual(await codes((leaf) => leaf.writeUInt8(13, 1)), ['malformed']);
  assert.deepEqual(await codes((leaf) => leaf.writeUInt8(9, 55)), ['completeness']);
  assert.deepEqual(await codes((leaf) => leaf.writeUInt8(0, 55)), ['integrity']);
});

void test('tiles of more than one level are checked, at every width that is there', async () => {
  const writer = new StoreWriter();
  writer.start(null);
  const session = opened(writer);
  for (let i = 0; i < 600; i++) {
    writer.record(session, 'decision', { meta: 'x' });
    if (i % 100 === 30) {
      commitWithCheckpoint(writer);
      writer.publish();
    }
  }
  commitWithCheckpoint(writer);
  writer.publish();
  const report = await reportOf(writer);
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  const paths = [...writer.files.keys()].filter((path) => path.startsWith('log/tile/'));
  assert.equal(report.counts.tiles, paths.length);
  assert.ok(paths.includes('log/tile/1/000.p/2') && paths.includes('log/tile/0/001'));
  for (const path of paths) {
    const tile = writer.files.get(path) ?? Buffer.alloc(0);
    for (let at = 0; at < tile.length; at += 509) {
      const changed = Buffer.from(tile);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      writer.files.set(path, changed);
      assert.equal((await reportOf(writer)).verdict, 'integrity', path);
    }
    writer.files.set(path, tile);
  }
  for (const path of ['log/tile/0/000', 'log/tile/0/001', `log/tile/0/002.p/${602 - 512}`, 'log/tile/1/000.p/2']) {
    const files = new Map(writer.files);
    files.delete(path);
    const { verdict } = await verifyStore(filesOf(files));
    assert.equal(verdict, 'completeness', path);
  }
});
