import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AnchorCheck, type AnchorReport } from '@countersign/ledger';
import { formatVerifierKey } from '@countersign/ledger/format';
import { anchorFilesAt } from '../../cli/src/anchor-files.ts';
import { TestLog } from '../../gateway/src/witnesses/testdata/test-log.ts';
import { mountJournaled, requireLoopDisks } from '../support/mounted-disk.ts';
import { injectFault, requireStrace } from '../support/strace.ts';
import { WitnessProcess } from '../support/witness-process.ts';

const diskBytes = 64 * 1024 * 1024;

/** Where a witness is killed as it begins this system call on this file. `entries` are those that the anchor log has before. */
interface Point {
  readonly name: string;
  readonly syscall: string;
  readonly file: (data: string, entries: number) => string;
  /** True if the checkpoint counts as cosigned after the kill. Then it is in the anchor log after the next start. */
  readonly isCosigned: boolean;
}

const bundle = (data: string, entries: number): string => join(data, 'anchor', 'tile', 'entries', '000.p', `${entries + 1}.new`);
const tile = (data: string, entries: number): string => join(data, 'anchor', 'tile', '0', '000.p', `${entries + 1}.new`);
const checkpoint = (data: string): string => join(data, 'anchor', 'checkpoint.new');
const origin = 'log.example';
const cosigned = (data: string): string => join(data, `${createHash('sha256').update(origin).digest('hex').slice(0, 32)}.checkpoint`);

const points: readonly Point[] = [
  { name: 'what is cosigned is written, and not in place', syscall: 'statx', file: cosigned, isCosigned: false },
  { name: 'cosigned, its directory not synced', syscall: 'fsync', file: (data) => data, isCosigned: true },
  { name: 'cosigned, no entry begun', syscall: 'openat', file: bundle, isCosigned: true },
  { name: 'entry written, not synced', syscall: 'fsync', file: bundle, isCosigned: true },
  { name: 'entry synced, not in place', syscall: 'rename', file: bundle, isCosigned: true },
  { name: 'entry in place, tile not begun', syscall: 'openat', file: tile, isCosigned: true },
  { name: 'tile written, not in place', syscall: 'rename', file: tile, isCosigned: true },
  { name: 'tile in place, checkpoint not begun', syscall: 'openat', file: checkpoint, isCosigned: true },
  { name: 'checkpoint written, not synced', syscall: 'fsync', file: checkpoint, isCosigned: true },
  { name: 'checkpoint synced, not in place', syscall: 'rename', file: checkpoint, isCosigned: true },
  { name: 'checkpoint in place, its directory not synced', syscall: 'fsync', file: (data) => join(data, 'anchor'), isCosigned: true },
];

test(
  'a witness that is killed at any point of an entry has an anchor log that holds, and what it cosigned is in it after the next start',
  requireStrace(),
  async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'countersign-anchor-'));
    t.after(() => {
      rmSync(data, { recursive: true, force: true });
    });
    const log = new TestLog();
    await using witness = new WitnessProcess(data);
    await witness.start([formatVerifierKey(log.signer)]);
    const read = async (): Promise<AnchorReport> => {
      const report = (await AnchorCheck.open(anchorFilesAt(join(data, 'anchor')), { keys: [witness.anchorKey] })).finish(null);
      assert.deepEqual(report.findings, []);
      return report;
    };
    let size = 0;
    for (const { name, syscall, file, isCosigned } of points) {
      await t.test(name, async () => {
        const { entries } = await read();
        {
          await using tracing = await injectFault(witness.pid, { syscall, file: file(data, entries), what: 'signal=SIGKILL' });
          await assert.rejects(async () => (await witness.addCheckpoint(await log.request(size, size + 3))).text(), 'no answer leaves');
          assert.equal(await witness.ended(), 'SIGKILL');
          assert.match(tracing.hits(), new RegExp(`${syscall}\\(.*\\+\\+\\+ killed by SIGKILL`, 's'));
        }
        await read();
        await witness.start();
        size += isCosigned ? 3 : 0;
        const after = await read();
        assert.deepEqual(
          after.logs.map(({ records }) => records),
          [size],
        );
        assert.equal(after.entries, entries + (isCosigned ? 1 : 0), 'it is there once');
        assert.equal((await witness.addCheckpoint(await log.request(size, size + 2))).status, 200, 'it goes on');
        size += 2;
        await witness.stop();
        await witness.start();
        assert.deepEqual(
          (await read()).logs.map(({ records }) => records),
          [size],
        );
      });
    }
  },
);

test('after a loss of power the anchor log has what the witness had answered, and holds before it starts again', requireLoopDisks(), async () => {
  await using disk = mountJournaled(diskBytes);
  const data = join(disk.directory, 'witness');
  const log = new TestLog();
  await using witness = new WitnessProcess(data);
  const records = async (): Promise<readonly number[]> => {
    const report = (await AnchorCheck.open(anchorFilesAt(join(data, 'anchor')), { keys: [witness.anchorKey] })).finish(null);
    assert.deepEqual(report.findings, []);
    return report.logs.map((one) => one.records);
  };
  await witness.start([formatVerifierKey(log.signer)]);
  for (let size = 0; size < 9; size += 3) {
    // The first after a start is written at once.
    assert.equal((await witness.addCheckpoint(await log.request(size, size + 3))).status, 200);
    disk.cutPower();
    await witness.kill();
    disk.remount();
    assert.deepEqual(await records(), [size + 3]);
    await witness.start();
    assert.deepEqual(await records(), [size + 3]);
  }
});
