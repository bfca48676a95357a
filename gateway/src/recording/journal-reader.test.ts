import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isPlacedFrame, journalStart, readJournal } from './journal-reader.ts';
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
