import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { wholeSight } from '../access/rights.ts';
import { dayOf } from '../recording/retention.ts';
import { Erasures } from '../retention/erasures.ts';
import { openReadStore } from './testdata/open-read-store.ts';

const principal = 'Ada-Lovelace-of-facts';

test('what was erased is in no cache: not found, not shown, not exported, not watched, and no name of it is in a file', async () => {
  await using parts = new AsyncDisposableStack();
  const { data, recorder, keys, reader, troubles } = await openReadStore(parts);
  const opens = { principal, groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
  const record = (isOpen: boolean): string => {
    const track = recorder.openSession();
    recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
    recorder.append(track, {
      kind: 'request',
      meta: JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow' }),
      content: [Buffer.from('SELECT marmalade')],
    });
    if (!isOpen) {
      recorder.closeSession(track, 'client');
    }
    return track.id;
  };
  const [closed, live] = [record(false), record(true)];
  const checkpoint = await recorder.publish();
  const textOf = async (pieces: AsyncIterable<Uint8Array>): Promise<string> => {
    let text = '';
    for await (const piece of pieces) {
      text += Buffer.from(piece).toString();
    }
    return text;
  };
  const search = async (query: string): Promise<string> =>
    textOf(reader.search({ query, besides: [], limit: 20, before: null, answer: 'records', sight: wholeSight, nowMs: Date.now(), checkpoint }));
  const all = async (): Promise<Readonly<Record<string, string>>> => {
    let watched = '';
    for await (const piece of reader.watch(await reader.find(live), new AbortController().signal)) {
      watched += Buffer.from(piece).toString();
      if (watched.includes('"kind":"request"')) {
        break;
      }
    }
    return {
      shown: await textOf(reader.show(await reader.find(closed))),
      watched,
      bundle: await textOf(reader.bundle(await reader.find(closed), checkpoint, { policies: false })),
      found: await search('marmalade'),
      foundByFact: await search(`principal:${principal}`),
      listed: await textOf(reader.list({ which: 'all' })),
    };
  };
  const before = await all();
  assert.match(before['shown'] ?? '', /marmalade/);
  assert.match(before['found'] ?? '', /marmalade/);
  assert.match(before['foundByFact'] ?? '', /marmalade/);
  assert.match(before['listed'] ?? '', new RegExp(principal));
  const erasures = new Erasures({ recorder, keys, forget: async (from) => reader.dropErased(from) });
  // Contents are kept for 90 days here and facts for 400, and a day may end while the test runs.
  const contents = keys.classDays().filter(({ day }) => day < dayOf(Date.now()) + 200);
  await erasures.erase({ cause: 'erased', keys: contents, secrets: [], why: {} });
  const withoutContents = await all();
  for (const [name, text] of Object.entries(withoutContents)) {
    assert.doesNotMatch(text, /marmalade|bWFybWFsYWRl/, name);
  }
  assert.match(withoutContents['shown'] ?? '', /"withheld":"erased"|erased/);
  assert.match(withoutContents['foundByFact'] ?? '', new RegExp(principal));
  await erasures.erase({ cause: 'erased', keys: keys.classDays(), secrets: [], why: {} });
  for (const [name, text] of Object.entries(await all())) {
    assert.doesNotMatch(text.replaceAll(`"query":"principal:${principal}"`, ''), new RegExp(principal), name);
  }
  await reader[Symbol.asyncDispose]();
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(data, name)).isFile());
  assert.deepEqual(
    files.filter((name) => readFileSync(join(data, name)).includes(principal)),
    [],
  );
  assert.deepEqual(troubles, []);
});
