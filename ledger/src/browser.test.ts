import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { TimestampAuthority } from '../../tests/support/timestamp-authority.ts';
import { parseNote } from './note.ts';
import { encodeUtf8 } from './text.ts';
import { formatTimestampLine } from './timestamp-line.ts';
import { bundleOf, goldenBundleLines, writeGoldenStore, type GoldenStore } from './testdata/golden-store.ts';

interface Outcome {
  readonly verdict: string;
  readonly findings: readonly unknown[];
  readonly leaves: number;
  readonly bundle: string;
  readonly stamped?: string;
}

function verifyWithoutNode(
  t: TestContext,
  golden: GoldenStore,
  {
    key,
    authority,
    store = golden.writer.files,
  }: { readonly key: string; readonly authority: TimestampAuthority; readonly store?: ReadonlyMap<string, Buffer> },
): Outcome {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-browser-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const input = join(directory, 'store.json');
  const encoded = Object.fromEntries([...store].map(([path, bytes]) => [path, bytes.toString('base64')]));
  const bundle = Buffer.from(bundleOf(goldenBundleLines(golden))).toString('base64');
  writeFileSync(input, JSON.stringify({ store: encoded, bundle, key, authorities: authority.root.toString() }));
  const script = join(import.meta.dirname, 'testdata', 'verify-without-node.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, input], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

void test('the verifier runs on what a browser has, and says the same', async (t) => {
  await using authority = await TimestampAuthority.open();
  const golden = writeGoldenStore();
  const note = golden.writer.files.get('log/checkpoint')?.toString() ?? assert.fail('no checkpoint');
  const token = authority.stamp(encodeUtf8(parseNote(encodeUtf8(note)).text));
  golden.writer.files.set(`log/timestamps/${golden.writer.leafHashes.length}`, Buffer.from(note + formatTimestampLine('tsa.example', token)));
  const { files, leafHashes, signer } = golden.writer;
  const { vkey } = signer;
  const outcome = verifyWithoutNode(t, golden, { key: vkey, authority });
  assert.deepEqual(outcome, { verdict: 'holds', findings: [], leaves: leafHashes.length, bundle: 'holds', stamped: 'Test timestamps' });
  const forged = new Map(files);
  const path = 'journal/000000000002.segment';
  const bytes = Buffer.from(forged.get(path) ?? assert.fail(path));
  bytes.writeUInt8(bytes.readUInt8(300) ^ 1, 300);
  forged.set(path, bytes);
  assert.equal(verifyWithoutNode(t, golden, { key: vkey, authority, store: forged }).verdict, 'integrity');
  const other = verifyWithoutNode(t, writeGoldenStore(undefined, 2), { key: vkey, authority });
  assert.deepEqual([other.verdict, other.bundle], ['trust', 'trust']);
});
