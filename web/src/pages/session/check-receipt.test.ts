import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flipped } from '../../../../ledger/src/testdata/flip-bytes.ts';
import { goldenReceipt, writeGoldenStore, writeRotatedStore } from '../../../../ledger/src/testdata/golden-store.ts';
import { checkReceipt } from './check-receipt.ts';

const golden = writeGoldenStore();
const { signer, note, origin, leafHashes } = golden.writer;
const known = { key: signer.vkey, keyring: null, checkpoint: note };
const receipt = new TextEncoder().encode(goldenReceipt(golden, 1));
const gateway = origin.replace('countersign/', '');
const index = golden.session.records[1]?.index ?? assert.fail('no record');

test('a receipt proves its own record and no other, by the checkpoint whose size it names', async () => {
  assert.deepEqual(await checkReceipt(receipt, `${gateway}/${index}`, known), {
    isProven: true,
    verdict: 'HOLDS: the record is in the log, which is signed',
    findings: [],
    size: leafHashes.length,
  });
  for (const record of [`${gateway}/${index + 1}`, `0000000000000000/${index}`, '']) {
    const { isProven, findings } = await checkReceipt(receipt, record, known);
    assert.deepEqual([isProven, findings], [false, [`integrity: receipt is not that of record ${record}`]]);
  }
});

test('a receipt that was changed, or that another key has signed, proves nothing', async () => {
  for (let at = 0; at < receipt.length; at += 7) {
    assert.equal((await checkReceipt(flipped(receipt, at), `${gateway}/${index}`, known)).isProven, false, `at ${at}`);
  }
  const key = writeGoldenStore(undefined, 2).writer.signer.vkey;
  const { isProven, verdict } = await checkReceipt(receipt, `${gateway}/${index}`, { key, keyring: null, checkpoint: null });
  assert.deepEqual([isProven, verdict], [false, 'NOT TRUSTED: no signature by a trusted key, older than it must be, or not checked in full']);
});

test('a receipt that the next key has signed is proven by the key that is known and the keyring', async () => {
  const rotated = writeRotatedStore([1, 2]);
  const [key = ''] = rotated.vkeys;
  const record = `${gateway}/${rotated.session.records[1]?.index}`;
  const bytes = new TextEncoder().encode(goldenReceipt(rotated, 1));
  const keyring = rotated.writer.files.get('log/keys')?.toString() ?? null;
  assert.equal((await checkReceipt(bytes, record, { key, keyring, checkpoint: null })).isProven, true);
  assert.equal((await checkReceipt(bytes, record, { key, keyring: null, checkpoint: null })).isProven, false);
});
