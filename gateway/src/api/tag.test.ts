import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRunningGateway } from './testdata/running-gateway.ts';

test('an answer has a tag, and who has it already is told that it is the same', async () => {
  await using running = await openRunningGateway();
  const headers = { authorization: `Bearer ${running.operator}` };
  const url = `${running.url}/api/v1/targets`;
  const first = await fetch(url, { headers });
  const tag = first.headers.get('etag') ?? '';
  assert.match(tag, /^"[\w-]{22}"$/);
  const known = async (shown: string): Promise<number> => (await fetch(url, { headers: { ...headers, 'if-none-match': shown } })).status;
  assert.deepEqual([await known(tag), await known(`"other", W/${tag}`), await known('"other"')], [304, 304, 200]);
  const lines = await fetch(`${running.url}/api/v1/sessions`, { headers });
  assert.deepEqual([lines.headers.get('etag'), lines.headers.get('cache-control')], [null, 'no-store']);
});

test('the gateway describes its API to whoever asks', async () => {
  await using running = await openRunningGateway();
  const document: unknown = await (await fetch(`${running.url}/api/v1/openapi.json`)).json();
  assert.deepEqual(document, JSON.parse(readFileSync(join(import.meta.dirname, '../../../docs/openapi.json'), 'utf8')));
});
