import assert from 'node:assert/strict';
import test from 'node:test';
import { MalformedError } from './malformed.ts';
import { flipped, flipStep } from './testdata/flip-bytes.ts';
import { bundleOf, goldenBundleLines, goldenReceipt, policyBundleLines, writeFirstEpoch, writeGoldenStore } from './testdata/golden-store.ts';
import { formatReceipt, parseReceipt } from './tlog-proof.ts';
import type { FileReport } from './file-report.ts';
import type { Verdict } from './verdict.ts';
import { variantsOf } from './testdata/tamper.ts';
import { formatBundle, parseBundle } from './testdata/whole-bundle.ts';
import { verifyFile } from './verify-file.ts';

const golden = writeGoldenStore();
const lines = goldenBundleLines(golden);
const [header = '', ...rest] = lines;
const records = rest.slice(0, -1);
const checkpoint = rest.at(-1) ?? '';
const keys = [golden.writer.signer.vkey];
const other = writeGoldenStore(undefined, 2);

async function reportOf(file: readonly string[] | string, options: { keys?: string[] } = { keys }): Promise<FileReport> {
  const bytes = typeof file === 'string' ? new TextEncoder().encode(file) : bundleOf(file);
  return verifyFile(bytes, options);
}

async function verdictOf(file: readonly string[] | string, options?: { keys?: string[] }): Promise<Verdict> {
  return (await reportOf(file, options)).verdict;
}

/** The golden bundle with one line changed by plain text replacement, which must hit. */
function replaced(line: number, from: string, to: string): string[] {
  const text = lines[line] ?? '';
  assert.ok(text.includes(from), `${from} in ${text}`);
  return lines.with(line, text.replace(from, to));
}

/** The header for another number of records. */
function headerFor(count: number, scope = 'session'): string {
  return header.replace(`"records":${records.length}`, `"records":${count}`).replace('"scope":"session"', `"scope":"${scope}"`);
}

/** Flips one bit of a byte at a time, in steps, and returns the verdicts by the byte's offset. Which bit it is goes round. */
async function flipAll(file: Uint8Array): Promise<ReadonlyMap<number, Verdict>> {
  const verdicts = new Map<number, Verdict>();
  for (let at = 0; at < file.length; at += flipStep) {
    verdicts.set(at, (await verifyFile(flipped(file, at), { keys })).verdict);
  }
  return verdicts;
}

void test('the golden bundle holds, and reads and writes as it is', async () => {
  const report = await reportOf(lines);
  assert.deepEqual(report.findings, []);
  assert.equal(report.verdict, 'holds');
  assert.deepEqual([report.form, report.extent, report.keySource], ['bundle', 'closed', 'given']);
  assert.deepEqual(report.counts, { records: records.length, opened: 5, withheld: 1, factsOnly: 0 });
  assert.equal(report.session, golden.session.id.toString('hex'));
  assert.equal(report.logSize, golden.writer.leafHashes.length);
  assert.equal((await reportOf(lines, {})).keySource, 'bundle');
  assert.equal(formatBundle(parseBundle(bundleOf(lines))), new TextDecoder().decode(bundleOf(lines)));
});

void test('C29: any byte of a bundle flipped is malformed, integrity, trust or completeness, as its place says', async () => {
  const file = bundleOf(lines);
  const text = new TextDecoder().decode(file);
  // Offsets are of bytes; the only character of more than one is the dash of the signature line.
  const noteAt = file.length - bundleOf([checkpoint]).length;
  const signatureAt = noteAt + Buffer.from(checkpoint).indexOf('\u2014');
  const countAt = text.indexOf(`"records":${records.length}`) + '"records":'.length;
  for (const [at, verdict] of await flipAll(file)) {
    const where = `byte ${at}: ${text.slice(Math.max(0, at - 20), at + 10)}`;
    if (at >= signatureAt) {
      assert.match(verdict, /^(integrity|trust|malformed)$/, where);
    } else if (at === countAt || at === countAt + 1) {
      assert.match(verdict, /^(completeness|integrity|malformed)$/, where);
    } else {
      assert.match(verdict, /^(integrity|malformed)$/, where);
    }
  }
});

void test('C29: lines dropped are completeness; repeated or swapped, integrity', async () => {
  for (const [i, line] of records.entries()) {
    const dropped = records.toSpliced(i, 1);
    const repeated = records.toSpliced(i, 0, line);
    assert.equal(await verdictOf([header, ...dropped, checkpoint]), 'completeness');
    assert.equal(await verdictOf([header, ...repeated, checkpoint]), 'integrity');
    // With a header that fits, only a missing end of an open session can go unnoticed.
    const fitting = await reportOf([headerFor(records.length - 1), ...dropped, checkpoint]);
    assert.equal(fitting.verdict, i === records.length - 1 ? 'holds' : 'completeness', `record ${i}`);
    assert.equal(fitting.extent, i === records.length - 1 ? 'open' : 'closed');
  }
  for (const variant of variantsOf(records).filter((one) => one.length === records.length)) {
    assert.equal(await verdictOf([header, ...variant, checkpoint]), 'integrity');
  }
  assert.equal(await verdictOf([header, ...records]), 'malformed');
  assert.equal(await verdictOf([...records, checkpoint]), 'malformed');
  assert.equal(await verdictOf([...lines, checkpoint]), 'malformed');
  assert.equal(await verdictOf([header, checkpoint]), 'completeness');
});

void test('a selection of records holds as such, in order', async () => {
  const chosen = [records[1] ?? '', records[2] ?? '', records[5] ?? ''];
  const report = await reportOf([headerFor(3, 'records'), ...chosen, checkpoint]);
  assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
  assert.equal(report.extent, 'records');
  assert.equal(await verdictOf([headerFor(3, 'records'), ...chosen.toReversed(), checkpoint]), 'integrity');
  assert.equal(await verdictOf([headerFor(3, 'session'), ...chosen, checkpoint]), 'completeness');
});

void test('C29: records of policies hold in a bundle with a place for them, behind those of the session, in order, each proven', async () => {
  const { lines: all, heartbeat } = policyBundleLines();
  const [head = '', opening = '', request = '', close = '', first = '', second = '', note = ''] = all;
  const session = [head, opening, request, close];
  const report = await reportOf(all, {});
  assert.deepEqual([report.verdict, report.extent, report.counts.records, report.policies], ['holds', 'closed', 3, 2], JSON.stringify(report.findings));
  assert.equal((await reportOf(lines)).policies, undefined);
  for (const [file, verdict] of [
    [[...session, note], 'holds'],
    [[...session, second, note], 'holds'],
    [[head.replace('countersign/2', 'countersign/1'), ...session.slice(1), first, second, note], 'malformed'],
    [[head.replace('countersign/2', 'countersign/3'), ...session.slice(1), first, second, note], 'malformed'],
    [[head, first, opening, request, close, second, note], 'malformed'],
    [[...session, second, first, note], 'integrity'],
    [[...session, first, first, note], 'integrity'],
    [[...session, heartbeat, note], 'integrity'],
    [[...session, first.replace('{"policy":', '{"index":'), second, note], 'integrity'],
    [[head, opening, close.replace('{"index":', '{"policy":'), first, note], 'completeness'],
    [[...session, first.replace('"version\\":\\"a', '"version\\":\\"b'), note], 'integrity'],
    [[...session, first, note].map((line) => line.replace(Buffer.from('// a').toString('base64').slice(0, 4), 'Ly8h')), 'integrity'],
  ] as const) {
    const found = await reportOf(file, {});
    if (verdict === 'completeness') {
      assert.notEqual(found.verdict, 'holds');
    } else {
      assert.equal(found.verdict, verdict, `${file.map((line) => line.slice(0, 40)).join(' ')} ${JSON.stringify(found.findings)}`);
    }
  }
});

void test('C29: bodies of another form or text than committed to are integrity', async () => {
  const open = 1;
  const request = 2;
  const plain = Buffer.from('{"q":"a"}').toString('base64');
  assert.equal(await verdictOf(replaced(request, plain, Buffer.from('{"q":"b"}').toString('base64'))), 'integrity');
  assert.equal(await verdictOf(replaced(open, '\\"key\\":1', '\\"key\\":2')), 'integrity');
  assert.equal(await verdictOf(replaced(open, '"content":null', '"content":{"withheld":true}')), 'integrity');
  assert.equal(await verdictOf(replaced(open, '"meta":{"clear":', '"content":{"clear":')), 'malformed');
  const line = lines[request] ?? '';
  const withoutMeta = line.replace(/"meta":\{[^}]*\}/, '"meta":null');
  assert.equal(await verdictOf(lines.with(request, withoutMeta)), 'integrity');
  const withheld = line.replace(/"meta":\{[^}]*\}/, '"meta":{"withheld":true}');
  assert.equal(await verdictOf(lines.with(request, withheld)), 'holds');
  const cleared = line.replace(/"meta":\{[^}]*\}/, '"meta":{"clear":"{}"}');
  assert.equal(await verdictOf(lines.with(request, cleared)), 'integrity');
});

void test('C12: a bundle has one spelling: no spaces, other order, repeated or unknown keys, other numbers or base64', async () => {
  const wrong = [
    replaced(0, '{"bundle"', '{ "bundle"'),
    replaced(0, 'countersign/1', 'countersign/3'),
    replaced(0, '"scope":"session"', '"scope":"all"'),
    replaced(0, `"records":${records.length}`, `"records":1e1`),
    replaced(0, `"records":${records.length}`, `"records":${records.length}.0`),
    replaced(0, `"records":${records.length}`, '"records":9007199254740993'),
    replaced(0, '"scope":', '"__proto__":{},"scope":'),
    replaced(1, '"index":', '"index":0,"index":'),
    replaced(1, ',"content":null', ',"content":null,"more":1'),
    replaced(1, '"content":null', '"content":{"withheld":false}'),
    replaced(1, '"proof":[', '"proof":[1,'),
    replaced(1, '{', '[').with(2, ''),
    replaced(lines.length - 1, '{"checkpoint":"', '{"checkpoint":"\\ud800'),
    replaced(lines.length - 1, '\\n', '\\r\\n'),
    lines.with(3, 'null'),
    lines.with(3, 'not json'),
    [...lines, ''],
  ];
  for (const [i, file] of wrong.entries()) {
    assert.equal(await verdictOf(file), 'malformed', `case ${i}`);
  }
  assert.equal(await verdictOf(`\ufeff${lines.join('\n')}\n`), 'malformed');
  assert.equal(await verdictOf(lines.join('\r\n')), 'malformed');
  assert.equal(await verdictOf(lines.join('\n')), 'malformed');
  assert.equal(await verdictOf(''), 'malformed');
  assert.equal((await reportOf('hello')).form, 'unknown');
});

void test('C29: a bundle forged and signed with another key is trust, once the right key is given', async () => {
  const forged = goldenBundleLines(other);
  assert.equal(await verdictOf(forged), 'trust');
  assert.equal(await verdictOf(forged, {}), 'holds');
  const claimed = forged.with(0, forged[0]?.replace(other.writer.signer.vkey, golden.writer.signer.vkey) ?? '');
  assert.equal(await verdictOf(claimed), 'trust');
  assert.equal(await verdictOf(claimed, {}), 'trust');
  // A checkpoint at which the log was smaller covers too little.
  const older = JSON.stringify({ checkpoint: writeFirstEpoch().writer.note });
  assert.equal(await verdictOf([header, ...records, older]), 'integrity');
  // Another gateway's log with the same records, signed by a key that is trusted for it.
  const elsewhere = writeGoldenStore('00000000000000b8');
  const both = [...keys, elsewhere.writer.signer.vkey];
  assert.equal(await verdictOf(goldenBundleLines(elsewhere), { keys: both }), 'holds');
  const mixed = [header, ...records, goldenBundleLines(elsewhere).at(-1) ?? ''];
  assert.equal(await verdictOf(mixed, { keys: both }), 'integrity');
  await assert.rejects(verdictOf(lines, { keys: ['no key'] }), MalformedError);
});

void test('the receipt of every record holds, with a key given and not without', async () => {
  for (const seq of golden.session.records.keys()) {
    const receipt = goldenReceipt(golden, seq);
    const report = await reportOf(receipt);
    assert.equal(report.verdict, 'holds', JSON.stringify(report.findings));
    assert.deepEqual([report.form, report.log], ['receipt', golden.writer.origin]);
    assert.equal(formatReceipt(parseReceipt(new TextEncoder().encode(receipt))), receipt);
  }
  assert.equal(await verdictOf(goldenReceipt(golden, 1), {}), 'trust');
  assert.equal(await verdictOf(goldenReceipt(other, 1)), 'trust');
});

void test('C29: any byte of a receipt flipped is seen', async () => {
  const receipt = new TextEncoder().encode(goldenReceipt(golden, 2));
  const verdicts = new Set((await flipAll(receipt)).values());
  assert.deepEqual([...verdicts].toSorted(), ['integrity', 'malformed', 'trust']);
});

void test('a receipt has one form', async () => {
  const receipt = goldenReceipt(golden, 2);
  const index = golden.session.records[2]?.index ?? 0;
  const wrong = [
    receipt.replace('@v1', '@v2'),
    receipt.replace('extra ', 'extra'),
    receipt.replace(/extra .*\n/, ''),
    receipt.replace(/extra .*\n/, 'extra AAAA\n'),
    receipt.replace(`index ${index}`, `index 0${index}`),
    receipt.replace(`index ${index}`, `index -${index}`),
    receipt.replace(/index .*\n/, ''),
    receipt.replace(/index .*\n/, (line) => `${line}AAAA\n`),
    receipt.replace('\n\n', '\n'),
    receipt.replace('\n\n', '\n\n\n'),
    receipt.trimEnd(),
    `${receipt}\n`,
  ];
  for (const [i, text] of wrong.entries()) {
    assert.equal(await verdictOf(text), 'malformed', `case ${i}`);
  }
  assert.equal(await verdictOf(receipt.replace(`index ${index}`, `index ${index + 1}`)), 'integrity');
});
