import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AnchorCheck, type AnchorReport } from '@countersign/ledger';
import { formatVerifierKey, parseCheckpoint, parseNote, ringKeysMax, type AnchorEntry } from '@countersign/ledger/format';
import { anchorFilesAt } from '../../../cli/src/anchor-files.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import { openTiles } from '../recording/tile-store.ts';
import { AnchorLog } from './anchor-log.ts';
import { signerOf, TestLog } from './testdata/test-log.ts';
import { Witness } from './witness.ts';

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-anchor-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

async function reportOf(data: string, anchorKey: string): Promise<AnchorReport> {
  const report = (await AnchorCheck.open(anchorFilesAt(join(data, 'anchor')), { keys: [anchorKey] })).finish(null);
  assert.deepEqual(report.findings, []);
  return report;
}

const now = (): number => 1_700_000_000_000;

test('an anchor log grows over the edge of a tile, is read again at each start, and has the tiles of its entries', async (t) => {
  const data = directoryOf(t);
  const signer = signerOf('log.example');
  const common = { timeS: 1, origin: signer.name };
  const entryOf = (size: number): AnchorEntry => ({ ...common, kind: 'seen', size, root: new Uint8Array(32).fill(size % 251) });
  const first = await AnchorLog.open(data, 'w.example/anchor');
  const { vkey } = first;
  assert.equal((await reportOf(data, vkey)).entries, 0);
  assert.equal(statSync(join(data, 'anchor.key')).mode & 0o777, 0o600);
  await first.append([{ ...entryOf(1), kind: 'enrol', vkey: formatVerifierKey(signer) }]);
  await assert.rejects(first.append([entryOf(0)]), { code: 'conflict' });
  // Several at once are written in their order.
  await Promise.all(Array.from({ length: 50 }, async (_, i) => first.append([entryOf(2 + i)])));
  const second = await AnchorLog.open(data, 'w.example/anchor');
  await second.append(Array.from({ length: 239 }, (_, i) => entryOf(52 + i)));
  for (let size = 291; size <= 300; size++) {
    await second.append([entryOf(size)]);
  }
  assert.deepEqual([second.vkey, second.logs.get(signer.name)?.newest.size, (await reportOf(data, vkey)).entries], [vkey, 300, 300]);
  const { size, root } = parseCheckpoint(parseNote(readFileSync(join(data, 'anchor', 'checkpoint'))).text);
  assert.deepEqual(Buffer.from(await openTiles(join(data, 'anchor'), size).root()), Buffer.from(root));
  assert.deepEqual(
    readdirSync(join(data, 'anchor', 'tile', 'entries')).filter((name) => name.startsWith('000')),
    ['000'],
    'the partial bundles are gone once there is the full one',
  );
  await AnchorLog.open(data, 'w.example/anchor');
  assert.ok(existsSync(join(data, 'anchor', 'tile', 'entries', '001.p', '44')), 'a start removes no entries');
  assert.equal((await reportOf(data, vkey)).entries, 300);
});

test('an anchor log has room for all keys that a keyring has', async (t) => {
  const data = directoryOf(t);
  const anchor = await AnchorLog.open(data, 'w.example/anchor');
  const enrol = (): AnchorEntry => ({
    kind: 'enrol',
    timeS: 1,
    origin: 'log.example',
    size: 1,
    root: new Uint8Array(32),
    vkey: formatVerifierKey(signerOf('log.example')),
  });
  await anchor.append(Array.from({ length: ringKeysMax }, enrol));
  await assert.rejects(anchor.append([enrol()]), { code: 'conflict' });
  await reportOf(data, anchor.vkey);
  assert.equal((await AnchorLog.open(data, 'w.example/anchor')).logs.get('log.example')?.keys.length, ringKeysMax);
});

test('a witness starts on no anchor log that is not its own, whole and as new as what it cosigned', async (t) => {
  const data = directoryOf(t);
  const log = new TestLog();
  const options = { data, name: 'w.example', logs: [log.key], now };
  {
    await using witness = await Witness.open(options);
    assert.equal((await witness.addCheckpoint(await log.request(0, 7))).status, 200);
  }
  const changed = async (path: string, change: (bytes: Buffer) => Buffer | null, code: string): Promise<void> => {
    const file = join(data, path);
    const bytes = readFileSync(file);
    const other = change(bytes);
    if (other === null) {
      rmSync(file);
    } else {
      writeFileSync(file, other);
    }
    await assert.rejects(Witness.open(options), { code }, path);
    writeFileSync(file, bytes);
  };
  const flip = (bytes: Buffer): Buffer => Buffer.from(bytes).fill((bytes[20] ?? 0) ^ 1, 20, 21);
  for (const path of ['anchor/checkpoint', 'anchor/tile/entries/000.p/2']) {
    await changed(path, flip, 'store_damaged');
    await changed(path, () => null, 'store_damaged');
  }
  await changed('anchor.key', () => null, 'key_unavailable');
  await changed('anchor.key', () => readFileSync(join(data, 'witness.key')), 'key_unavailable');
  const state = readdirSync(data).find((name) => name.endsWith('.checkpoint')) ?? '';
  await changed(state, () => null, 'store_damaged');
  await using witness = await Witness.open(options);
  assert.equal((await witness.addCheckpoint(await log.request(7, 9))).status, 200);
});

test('what is seen of a log is in the anchor log at once, then after a time, and at the stop; a log that is retired is not cosigned', async (t) => {
  const data = directoryOf(t);
  const log = new TestLog();
  const other = new TestLog(signerOf('other.example'));
  const options = { data, name: 'w.example', logs: [log.key, other.key], now };
  const sizes = async ({ anchorKey }: Pick<Witness, 'anchorKey'>): Promise<readonly number[]> =>
    (await reportOf(data, anchorKey)).logs.map(({ records }) => records);
  let anchorKey: string;
  {
    await using witness = await Witness.open(options);
    ({ anchorKey } = witness);
    assert.deepEqual(await sizes(witness), [0, 0]);
    await witness.addCheckpoint(await log.request(0, 7));
    await witness.addCheckpoint(await log.request(7, 9));
    await witness.addCheckpoint(await other.request(0, 3));
    assert.deepEqual(await sizes(witness), [7, 3], 'the first is written at once, and then not each');
  }
  assert.deepEqual(await sizes({ anchorKey }), [9, 3], 'the last is written at the stop');
  {
    // Without the keys: who is enrolled stays so.
    await using witness = await Witness.open({ ...options, logs: [], anchorMs: 1 });
    const { entries } = await reportOf(data, witness.anchorKey);
    await witness.addCheckpoint(await log.request(9, 9));
    assert.equal((await reportOf(data, witness.anchorKey)).entries, entries, 'what is there already is not written again');
  }
  {
    await using witness = await Witness.open({ ...options, anchorMs: 300 });
    await witness.addCheckpoint(await log.request(9, 10));
    await witness.addCheckpoint(await log.request(10, 11));
    await waitUntil(async () => (await sizes(witness))[0] === 11);
    await assert.rejects(witness.retire('nobody', 'x'), { code: 'not_found' });
    await assert.rejects(witness.retire('log.example', 'two\nlines'), { code: 'config_invalid' });
    assert.deepEqual((await witness.retire('log.example', 'moved')).newest.size, 11);
    await assert.rejects(witness.retire('log.example', 'again'), { code: 'conflict' });
    assert.deepEqual(
      [(await witness.addCheckpoint(await log.request(11, 12))).status, (await witness.addCheckpoint(await other.request(3, 4))).status],
      [404, 200],
    );
  }
  await using witness = await Witness.open(options);
  assert.equal((await witness.addCheckpoint(await log.request(11, 12))).status, 404, 'a key that is given again enrolls nothing that has ended');
  assert.deepEqual(
    (await reportOf(data, witness.anchorKey)).logs.map(({ retired, records }) => [retired, records]),
    [
      ['moved', 11],
      [null, 4],
    ],
  );
});

test('a witness whose anchor log cannot be written cosigns no more, and makes up for it at the next start', async (t) => {
  const data = directoryOf(t);
  const log = new TestLog();
  const options = { data, name: 'w.example', logs: [log.key], now };
  const entries = join(data, 'anchor', 'tile', 'entries', '000.p');
  {
    await using witness = await Witness.open(options);
    renameSync(entries, `${entries}.aside`);
    writeFileSync(entries, '');
    await assert.rejects(async () => witness.addCheckpoint(await log.request(0, 7)), { code: 'EEXIST' });
    rmSync(entries);
    renameSync(`${entries}.aside`, entries);
    await assert.rejects(async () => witness.addCheckpoint(await log.request(7, 9)), { code: 'EEXIST' }, 'nobody knows what is on the disk');
  }
  await using witness = await Witness.open(options);
  assert.deepEqual(
    (await reportOf(data, witness.anchorKey)).logs.map(({ records }) => records),
    [7],
  );
  assert.equal((await witness.addCheckpoint(await log.request(7, 9))).status, 200);
});
