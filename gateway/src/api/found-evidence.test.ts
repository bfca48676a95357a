import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundEvidence } from './found-evidence.ts';

async function* piecesOf(...lines: readonly object[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) {
    yield Buffer.from(`${JSON.stringify(line)}\n`);
  }
}

const record = { time: '2026-11-30T00:00:00.000Z', principal: 'bot', target: null, kind: 'request', action: null, verdict: null };
const summary = { count: 4, isExact: true, behind: 2, next: null };

void test('what is newer than the checkpoint is counted, and what is not as the log has it is told and not shown', async () => {
  const found = await foundEvidence(
    piecesOf(
      { ...record, record: 'log/10', verified: false },
      { ...record, record: 'log/9', verified: true },
      { ...record, record: 'log/8', verified: false },
      { summary },
    ),
    10,
  );
  assert.deepEqual(found, { count: 4, records: [{ ...record, record: 'log/9' }], unproven: 1, behind: 2 });
});

void test('it is not said how many records are not counted where the caller may not know', async () => {
  assert.equal((await foundEvidence(piecesOf({ summary: { ...summary, behind: null } }), 10)).behind, null);
});
