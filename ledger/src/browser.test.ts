import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { bundleOf, goldenBundleLines, writeGoldenStore, type GoldenStore } from './testdata/golden-store.ts';

interface Outcome {
  readonly verdict: string;
  readonly findings: readonly unknown[];
  readonly leaves: number;
  readonly bundle: string;
}

function verifyWithoutNode(t: TestContext, golden: GoldenStore, key: string, store = golden.writer.files): Outcome {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-browser-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const input = join(directory, 'store.json');
  const encoded = Object.fromEntries([...store].map(([path, bytes]) => [path, bytes.toString('base64')]));
  const bundle = Buffer.from(bundleOf(goldenBundleLines(golden))).toString('base64');
  writeFileSync(input, JSON.stringify({ store: encoded, bundle, key }));
  const script = join(import.meta.dirname, 'testdata', 'verify-without-node.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, input], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

void test('the verifier runs on what a browser has, and says the same', (t) => {
  const golden = writeGoldenStore();
  const { files, leafHashes, signer } = golden.writer;
  const { vkey } = signer;
  const outcome = verifyWithoutNode(t, golden, vkey);
  assert.deepEqual(outcome, { verdict: 'holds', findings: [], leaves: leafHashes.length, bundle: 'holds' });
  const forged = new Map(files);
  const path = 'journal/000000000002.segment';
  const bytes = Buffer.from(forged.get(path) ?? assert.fail(path));
  bytes.writeUInt8(bytes.readUInt8(300) ^ 1, 300);
  forged.set(path, bytes);
  assert.equal(verifyWithoutNode(t, golden, vkey, forged).verdict, 'integrity');
  const other = verifyWithoutNode(t, writeGoldenStore(undefined, 2), vkey);
  assert.deepEqual([other.verdict, other.bundle], ['trust', 'trust']);
});
