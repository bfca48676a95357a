import assert from 'node:assert/strict';
import test from 'node:test';
import { formatEvidenceHeader } from './evidence.ts';
import { evidencePage } from './evidence-page.ts';
import { bundleOf, goldenBundleLines, writeGoldenStore, writeRotatedStore } from './testdata/golden-store.ts';
import { verifyFile } from './verify-file.ts';

void test('evidence holds as lines and in a page, and neither a byte nor a session of it is missing or changed unnoticed', async () => {
  const golden = writeGoldenStore();
  const bundle = Buffer.from(bundleOf(goldenBundleLines(golden))).toString();
  const { log, key }: { readonly log: string; readonly key: string } = JSON.parse(bundle.split('\n')[0] ?? '');
  const header = { log, key, keyring: null, query: 'text:"</script>"', since: null, until: null, withhold: '', withholdFacts: '', sessions: 1 };
  const lines = `${formatEvidenceHeader(header)}${bundle}`;
  const verdictOf = async (text: string): Promise<string> => (await verifyFile(Buffer.from(text), { keys: [golden.writer.signer.vkey] })).verdict;
  assert.equal(await verdictOf(lines), 'holds');
  let page = '';
  for await (const piece of evidencePage('<!doctype html>\n<!-- evidence -->\n<p>\n', piecesOf(lines))) {
    page += piece;
  }
  assert.equal(page.split('</script>').length, 2);
  assert.equal(await verdictOf(page), 'holds');
  assert.equal(await verdictOf(page.replace('"plain":"e', '"plain":"f')), 'integrity');
  assert.equal(await verdictOf(`${formatEvidenceHeader({ ...header, sessions: 2 })}${bundle}`), 'completeness');
  assert.equal(await verdictOf(`${formatEvidenceHeader({ ...header, sessions: 2 })}${bundle}${bundle}`), 'malformed');
  assert.equal(await verdictOf(page + page), 'malformed');
  assert.equal(await verdictOf(page.replace(String.raw`\u003c/script`, '</script')), 'malformed', 'a browser would read less than these lines');
});

void test('evidence and bundles of a log whose key was rotated hold with each of its keys, by the keyring in them', async () => {
  const rotated = writeRotatedStore([1, 2, 3]);
  const keyring = rotated.writer.files.get('log/keys')?.toString() ?? assert.fail();
  const bundle = Buffer.from(bundleOf(goldenBundleLines(rotated))).toString();
  const log = rotated.writer.origin;
  const [first = '', , newest = ''] = rotated.vkeys;
  const headerOf = (ring: string | null): string =>
    formatEvidenceHeader({ log, key: newest, keyring: ring, query: '', since: null, until: null, withhold: '', withholdFacts: '', sessions: 1 });
  const withRing = (ring: string): string =>
    bundle.replace('"countersign/1"', '"countersign/3"').replace(',"session":', `,"keyring":${JSON.stringify(ring)},"session":`);
  const verdictOf = async (text: string, keys: readonly string[]): Promise<string> => (await verifyFile(Buffer.from(text), { keys })).verdict;
  for (const key of rotated.vkeys) {
    assert.equal(await verdictOf(`${headerOf(keyring)}${bundle}`, [key]), 'holds');
    assert.equal(await verdictOf(withRing(keyring), [key]), 'holds');
  }
  assert.equal((await verifyFile(Buffer.from(withRing(keyring)))).verdict, 'holds');
  assert.equal(await verdictOf(`${headerOf(null)}${bundle}`, [first]), 'trust');
  const other = writeRotatedStore([1, 9]).writer.files.get('log/keys')?.toString() ?? assert.fail();
  for (const text of [`${headerOf(other)}${bundle}`, withRing(other)]) {
    assert.equal(await verdictOf(text, [first]), 'trust');
    assert.equal(await verdictOf(text, [newest]), 'trust', 'a keyring without the key that is trusted');
  }
  assert.equal(await verdictOf(withRing(keyring.slice(0, -3)), [newest]), 'malformed');
  assert.equal(await verdictOf(`${headerOf(keyring)}${withRing(keyring)}`, [newest]), 'malformed', 'the bundles in evidence have none');
  assert.equal(await verdictOf(withRing(keyring).replace('"countersign/3"', '"countersign/1"'), [newest]), 'malformed');
});

void test('a part of a session is not evidence', async () => {
  const golden = writeGoldenStore();
  const [first = '', ...others] = goldenBundleLines(golden);
  const part = Buffer.from(bundleOf([first.replace('"scope":"session"', '"scope":"records"'), ...others])).toString();
  const { log, key }: { readonly log: string; readonly key: string } = JSON.parse(first);
  const header = { log, key, keyring: null, query: '', since: null, until: null, withhold: '', withholdFacts: '', sessions: 0 };
  const { verdict, findings } = await verifyFile(Buffer.from(`${formatEvidenceHeader(header)}${part}`));
  assert.equal(verdict, 'integrity');
  assert.match(findings[0]?.what ?? '', /is of the kind open, and not in the bundle of a whole session/);
});

async function* piecesOf(lines: string): AsyncGenerator<string> {
  yield* lines.split(/(?<=\n)/);
}
