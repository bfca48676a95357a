import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { encodeSegmentHeader, segmentName } from '@countersign/ledger/format';
import { isPlacedFrame, journalStart, readJournal, type PlacedFrame } from './journal-reader.ts';
import { openRecorder } from './testdata/open-recorder.ts';

for (const [what, content] of [
  ['what is written while the journal is read is not taken for damage', []],
  ['a segment that is gone on with, and ended, while the journal is read is read to its end', [new Uint8Array(600 * 1024)]],
] as const) {
  test(`T4.10, E44: ${what}`, async () => check(content));
}

async function check(content: readonly Uint8Array[]): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'countersign-journal-'));
  const { recorder, keys } = await openRecorder(data, { segmentBytes: 2 * 1024 * 1024 });
  const record = async (): Promise<void> => {
    recorder.append(recorder.own, { kind: 'decision', meta: '{"channel":0}', content });
    await new Promise<void>((resolve) => {
      recorder.whenCommitted('process', resolve);
    });
  };
  await record();
  await record();
  const before = recorder.size;
  const steps = readJournal(data, journalStart);
  let records = 0;
  let looks = 0;
  for await (const step of steps) {
    assert.ok(isPlacedFrame(step), 'nothing is damaged');
    records += step.frame.header.type === 'batch' ? step.frame.header.entries : 0;
    // Now zeros are in the reader's hands where these come to be.
    for (looks += 1; looks === 1 && recorder.size < before + 9;) {
      await record();
    }
  }
  assert.ok(records >= before + 9, 'what was written meanwhile is read too');
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true });
}

test('E44: a segment that is still empty when it is read, and is followed then, is not taken for damage', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-journal-'));
  const { recorder, keys } = await openRecorder(data);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  const journal = join(data, 'journal');
  const frames: PlacedFrame[] = [];
  for await (const step of readJournal(data, journalStart)) {
    assert.ok(isPlacedFrame(step));
    frames.push(step);
  }
  const chainBefore = frames.at(-1)?.frame.chain ?? assert.fail();
  const header = encodeSegmentHeader({ gatewayId: '0123456789abcdef', segment: 2, firstIndex: 1, createdMs: 0, epoch: 2, chainBefore });
  const next = encodeSegmentHeader({
    gatewayId: '0123456789abcdef',
    segment: 3,
    firstIndex: 1,
    createdMs: 0,
    epoch: 3,
    chainBefore: header.subarray(-chainBefore.length),
  });
  // The moment at which the next segment comes to be is moved through the reading.
  for (let turns = 0; turns < 60; turns += 1) {
    writeFileSync(join(journal, segmentName(2)), header);
    rmSync(join(journal, segmentName(3)), { force: true });
    const read = (async () => {
      for await (const step of readJournal(data, journalStart)) {
        assert.ok(isPlacedFrame(step), `after ${turns} turns: ${JSON.stringify(step)}`);
      }
    })();
    for (let i = 0; i < turns; i += 1) {
      await turn();
    }
    writeFileSync(join(journal, segmentName(3)), next);
    await read;
  }
  rmSync(data, { recursive: true });
});
