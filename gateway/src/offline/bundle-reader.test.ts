import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readBundle } from './bundle-reader.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import type { EntryDraft } from '../recording/batch.ts';
import { openOffline } from './offline-store.ts';
import { writeBundle } from '../replay/testdata/write-bundle.ts';

let data: string;
before(() => {
  data = mkdtempSync(join(tmpdir(), 'countersign-bundle-reader-'));
});
after(() => {
  rmSync(data, { recursive: true, force: true });
});

const target = { name: 'models', protocol: 'llm', scheme: 'http', host: 'h', port: 1, path: '', options: { eventBytesMax: 1e300 } };
const opens = { principal: 'bot', principalKind: 'agent', groups: ['crew'], onBehalfOf: 'ann', clientAddress: '10.0.0.9', target: 'models', protocol: 'llm' };
const opening = (more: object = {}): EntryDraft => ({
  kind: 'decision',
  meta: JSON.stringify({
    channel: 1,
    verdict: 'deny',
    policies: ['p1'],
    policyVersion: '1',
    reason: 'because',
    opens: { ...opens, targets: [target], ...more },
  }),
  content: [],
});
const said = (kind: 'request' | 'response', text: string, meta: object): EntryDraft => ({
  kind,
  meta: JSON.stringify({ channel: 1, ...meta }),
  content: [Buffer.from(text)],
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

async function shownIn(file: string): Promise<ShownRecord[]> {
  await using handle = await open(file, 'r');
  const shown = await collect((await readBundle(handle, undefined)).records());
  return shown;
}

async function shownOf(file: string): Promise<ShownRecord[]> {
  await using store = await openOffline(data, {});
  const shown = await collect(store.records(/[0-9a-f]{32}/.exec(file)?.[0] ?? ''));
  return shown;
}

test('T4.34: a record of a bundle is shown with all that one of a store is', async () => {
  const file = await writeBundle(data, [
    opening({ targets: [] }),
    said('request', 'POST /v1/chat/completions', { action: 'llm.chat', verdict: 'allow', policies: ['p2'], attributes: { n: 1, yes: true, list: ['a'] } }),
    said('response', 'It is there.', { request: 2, attributes: { 'countersign.duration_ms': 1.5 } }),
  ]);
  const shown = await shownIn(file);
  assert.deepEqual(shown, await shownOf(file));
  assert.deepEqual(
    shown.map(({ kind, verdict, policies, target: at, principal }) => [kind, verdict, policies, at, principal]),
    [
      ['open', null, [], null, null],
      ['decision', 'deny', ['p1'], 'models', 'bot'],
      ['request', 'allow', ['p2'], 'models', 'bot'],
      ['response', null, [], 'models', 'bot'],
      ['close', null, [], null, null],
    ],
  );
  assert.equal(shown[1]?.attributes['countersign.reason'], 'because');
  assert.deepEqual(shown[1]?.attributes['user.roles'], ['crew']);
});

test('T4.34: whatever who made a bundle wrote into its facts, it is shown or refused', async () => {
  const hostile = { 'gen_ai.output.messages': '[{]', 'countersign.begun_bytes': -1e9, 'countersign.bind': 1e99, 'countersign.request': 'x' };
  const file = await writeBundle(data, [
    opening(),
    said('request', 'POST /v1/chat/completions', { action: 'no.such', attributes: hostile }),
    said('response', 'data: {}', { request: 2, attributes: hostile }),
    said('response', 'data: {}', { request: 1e15, attributes: hostile }),
  ]);
  assert.equal((await shownIn(file)).length, 6);
  const broken = await writeBundle(data, [{ kind: 'request', meta: '{"channel":"one"}', content: [] }]);
  await assert.rejects(shownIn(broken), /facts cannot be read/);
});

test('T4.34: a bundle that is changed while it is read is shown up to the change, which is reported', async () => {
  const file = await writeBundle(data, [opening(), said('request', 'GET /', { action: 'llm.chat' }), said('response', 'answer', { request: 2 })]);
  const text = readFileSync(file, 'utf8');
  const at = text.indexOf(Buffer.from('answer').toString('base64'));
  assert.ok(at > 0);
  await using handle = await open(file, 'r');
  const bundle = await readBundle(handle, undefined);
  writeFileSync(file, text.replace(Buffer.from('answer').toString('base64'), Buffer.from('Answer').toString('base64')));
  const seen: number[] = [];
  await assert.rejects(
    async () => {
      for await (const { seq } of bundle.records()) {
        seen.push(seq);
      }
    },
    { code: 'store_damaged', message: /content does not match its commitment/ },
  );
  assert.deepEqual(seen, [0, 1, 2]);
});

test('T4.34, T4.43: the bytes of a record are given from a bundle too', async () => {
  const file = await writeBundle(data, [opening(), said('request', 'GET /long', { action: 'llm.chat' })]);
  await using handle = await open(file, 'r');
  const bundle = await readBundle(handle, undefined);
  assert.equal(Buffer.concat(await collect(bundle.bytes({ record: 2, from: 4, to: 6 }))).toString(), '/lo');
  await assert.rejects(collect(bundle.bytes({ record: 9, from: 0, to: null })), { code: 'not_found', message: /has no record 9/ });
});
