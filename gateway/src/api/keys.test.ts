import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { verifyFile, verifyStore } from '@countersign/ledger';
import { passMidnight } from '../../../tests/support/pass-midnight.ts';
import { openStoreFiles } from '../../../cli/src/store-files.ts';
import type { ShownKeys } from './endpoints/list-keys.ts';
import { openRunningGateway } from './testdata/running-gateway.ts';

test('the root key is rotated while a gateway runs: what was recorded is read, and the rotation is on record with its reason', async () => {
  await passMidnight();
  await using running = await openRunningGateway();
  const token = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'wide' })).token;
  const use = async (): Promise<string> => {
    const headers = { authorization: `Bearer ${token}`, connection: 'close' };
    const answer = await fetch(`${running.url}/t/api/x`, { method: 'POST', headers, body: '{"a":1}' });
    return answer.headers.get('countersign-session') ?? assert.fail(await answer.text());
  };
  const recordsOf = async (session: string): Promise<string> => (await running.ask('GET', `/api/v1/sessions/${session}/records`)).text();
  const list = async (): Promise<ShownKeys> => JSON.parse(await (await running.ask('GET', '/api/v1/keys')).text());
  const before = await use();
  assert.match(await recordsOf(before), /\{\\"a\\":1\}/);
  const first = await list();
  assert.deepEqual([first.root.number, first.classKeys.map(({ class: number, keys }) => [number, keys])], [1, [[1, 2]]]);
  // The index of records is open in its thread, too.
  assert.ok((await running.ask('GET', '/api/v1/search?query=kind:request')).ok);

  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await running.ask('POST', '/api/v1/keys/rotate-root', { headers, body: { reason: 'x' } })).status, 403);
  assert.equal((await running.ask('GET', '/api/v1/keys', { headers })).status, 403);
  assert.equal((await running.ask('POST', '/api/v1/keys/rotate-root', { body: {} })).status, 400);
  const rotated = await running.json('POST', '/api/v1/keys/rotate-root', { reason: 'somebody has left' });
  assert.deepEqual(rotated, { root: 2, provider: first.root.provider, classKeys: 2 });

  assert.match(await recordsOf(before), /\{\\"a\\":1\}/);
  assert.match(await recordsOf(await use()), /\{\\"a\\":1\}/);
  const found = await (await running.ask('GET', '/api/v1/search?query=action:gateway.rotate_root_key')).text();
  assert.match(found, /somebody has left/);
  assert.match(await (await running.ask('GET', '/api/v1/search?query=action:gateway.use_root_key')).text(), /"countersign\.root_key":2/);
  assert.equal((await list()).root.number, 2);
});

test('the signing key is rotated while a gateway runs: receipts and bundles of before and after hold by the first key and the keyring', async () => {
  await using running = await openRunningGateway();
  const token = Object.assign({ token: '' }, await running.json('POST', '/api/v1/tokens', { principal: 'wide' })).token;
  const headers = { authorization: `Bearer ${token}` };
  const use = async (): Promise<string> => {
    const answer = await fetch(`${running.url}/t/api/x`, { method: 'POST', headers: { ...headers, connection: 'close' }, body: '{"a":1}' });
    return answer.headers.get('countersign-session') ?? assert.fail(await answer.text());
  };
  const read = async (path: string): Promise<string> => {
    const answer = await running.ask('GET', path);
    return answer.ok ? answer.text() : assert.fail(`${path}: ${await answer.text()}`);
  };
  const first = (await read('/log/key')).trim();
  const log = first.slice('countersign/'.length, first.indexOf('+'));
  const receipt = async (index: number): Promise<Buffer> => Buffer.from(await read(`/api/v1/receipts/${log}/${index}`));
  assert.equal((await running.ask('GET', '/log/keys')).status, 404);
  const before = { session: await use(), receipt: await receipt(1) };

  assert.equal((await running.ask('POST', '/api/v1/keys/rotate-signing', { headers, body: { reason: 'x' } })).status, 403);
  assert.equal((await running.ask('POST', '/api/v1/keys/rotate-signing', { body: {} })).status, 400);
  const rotated = Object.assign({ vkey: '', from: 0, keys: 0 }, await running.json('POST', '/api/v1/keys/rotate-signing', { reason: 'a disk was sold' }));
  assert.equal(rotated.keys, 2);
  assert.equal((await read('/log/key')).trim(), rotated.vkey);
  const { signing }: ShownKeys = JSON.parse(await read('/api/v1/keys'));
  assert.deepEqual(signing, [
    { vkey: first, from: 0 },
    { vkey: rotated.vkey, from: rotated.from },
  ]);
  const ring = await (await running.ask('GET', '/log/keys', { headers })).text();
  const after = { session: await use(), receipt: await receipt(1) };
  const holds = async (file: Uint8Array, keys: readonly string[]): Promise<void> => {
    const { verdict, findings } = await verifyFile(file, { keys });
    assert.deepEqual([verdict, findings], ['holds', []]);
  };
  for (const file of [before.receipt, after.receipt]) {
    await holds(file, [first, ring]);
    await holds(file, [ring]);
  }
  for (const { session } of [before, after]) {
    const bundle = Buffer.from(await read(`/api/v1/sessions/${session}/bundle`));
    await holds(bundle, [first]);
    await holds(bundle, [rotated.vkey]);
  }
  assert.match(await read('/api/v1/search?query=action:gateway.rotate_signing_key'), /a disk was sold/);
  assert.match(
    await read('/api/v1/search?query=action:gateway.use_signing_key'),
    new RegExp(`"countersign.signing_key":"${rotated.vkey.slice(0, 30).replaceAll('+', '.')}`),
  );
  assert.match(await read('/api/v1/search?query=kind:signer'), /"kind":"signer"/);
  const { verdict, findings } = await verifyStore(openStoreFiles(running.data), { keys: [first] });
  assert.deepEqual([verdict, findings], ['holds', []]);
});
