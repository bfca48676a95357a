import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FindSecrets } from '../recording/found-secrets.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openRecordSearch } from '../search/testdata/open-record-search.ts';
import { eraseQuery } from './erase-query.ts';
import { Erasures } from './erasures.ts';
import { Holds } from './holds.ts';
import { SecretWraps } from './secret-wraps.ts';

test('a hold keeps what is recorded after it was looked for what is to be erased', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-erase-query-'));
  t.after(() => {
    rmSync(data, { recursive: true });
  });
  const { recorder, keys } = await openRecorder(data);
  const { search, follower } = await openRecordSearch(data, recorder, keys);
  const findSecrets: FindSecrets = (wanted) => search.secrets(wanted);
  const erasures = new Erasures({ recorder, keys, forget: async () => follower.dropErased() });
  const wraps = new SecretWraps({ recorder, keys });
  const holds = new Holds({ recorder, keys, wraps, findSecrets, destroy: async () => undefined, now: Date.now, onTrouble: assert.ifError });
  const session = recorder.openSession();
  const opens = { principal: 'bot', groups: [], clientAddress: '127.0.0.1', target: 'shop', protocol: 'postgres' };
  recorder.append(session, { kind: 'decision', meta: JSON.stringify({ channel: 1, action: 'gateway.authenticate', verdict: 'allow', opens }), content: [] });
  const say = (text: string): void => {
    recorder.append(session, {
      kind: 'request',
      meta: JSON.stringify({ channel: 1, action: 'postgres.query', verdict: 'allow' }),
      content: [Buffer.from(text)],
    });
  };
  const ann = { id: 'ann', onBehalfOf: null, address: '127.0.0.1' };
  await holds.create(ann, { matter: 'case', query: 'pear', reason: 'letter' });
  say('SELECT apple');
  let looks = 0;
  const erased = eraseQuery(
    {
      recorder,
      keys,
      holds,
      erasures,
      findSecrets,
      classes: () => [],
      now: Date.now,
      findErasable: async (wanted) => {
        const found = await search.erasable(wanted);
        if (looks === 0) {
          say('SELECT pear');
        }
        looks += 1;
        return found;
      },
    },
    [ann],
    { query: 'apple', reason: 'request', facts: false },
  );
  await assert.rejects(erased, { code: 'conflict', message: /the hold for case/ });
  assert.equal(looks, 2);
  await holds[Symbol.asyncDispose]();
  await search.catchUp();
  await follower[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
});
