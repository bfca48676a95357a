import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { verifyStore } from '@countersign/ledger';
import { decodeLeaf, frameEntries } from '@countersign/ledger/format';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import { isPlacedFrame, journalStart, readJournal } from '../recording/journal-reader.ts';
import { openKeyRows } from '../recording/key-rows.ts';
import { openTold, toldActs } from './testdata/open-told.ts';

/** Returns how many records of a kind have a text in their body, as it is stored. */
async function countRecords(data: string, kind: string, text: string): Promise<number> {
  let count = 0;
  for await (const step of readJournal(data, journalStart)) {
    for (const { leaf, storedMeta } of isPlacedFrame(step) && step.frame.header.type === 'batch' ? frameEntries(step.frame) : []) {
      count += decodeLeaf(leaf).kind === kind && Buffer.from(storedMeta).includes(text) ? 1 : 0;
    }
  }
  return count;
}

async function verdictOf(data: string): Promise<string> {
  using keyRows = openKeyRows(join(data, 'keys.db'));
  const { verdict, findings } = await verifyStore(openStoreFiles(data), { keyRows, retentionAtMs: Date.now() });
  return `${verdict}: ${findings.map(({ what }) => what).join('; ')}`;
}

describe('what the key store notes as on record is there once, wherever a kill comes', () => {
  for (const [name, { goOn, kind, body }] of Object.entries(toldActs)) {
    for (const point of ['appended', 'committed'] as const) {
      test(`${name}, killed when its record is ${point}`, async (t) => {
        const data = mkdtempSync(join(tmpdir(), 'countersign-told-'));
        t.after(() => {
          rmSync(data, { recursive: true });
        });
        const died = spawnSync(process.execPath, [join(import.meta.dirname, 'testdata', 'tell-and-die.ts'), data, name, point], { encoding: 'utf8' });
        assert.equal(died.signal, 'SIGKILL', died.stderr);
        assert.equal(await countRecords(data, kind, body), point === 'committed' ? 1 : 0);
        for (const _start of [1, 2]) {
          const told = await openTold(data);
          await goOn(told);
          await told.recorder[Symbol.asyncDispose]();
          told.keys[Symbol.dispose]();
        }
        assert.equal(await countRecords(data, kind, body), 1);
        assert.equal(await verdictOf(data), 'holds: ');
      });
    }
  }
});
