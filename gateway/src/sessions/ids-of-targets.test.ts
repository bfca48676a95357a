import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { unlessToldMark } from '../domain/record.ts';
import type { Target } from '../domain/target.ts';
import { Follower } from '../feed/follower.ts';
import { openIndexFile, SessionIndex } from '../feed/session-index.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { IdsOfTargets } from './ids-of-targets.ts';

const target: Target = { name: 't', protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'process', options: {} };
const ann = { principal: 'ann', run: null };
const bob = { principal: 'bob', run: null };

test('T4.7, E50: while the index is made again only ids that were given since the start pass, and none changes its owner', () => {
  let isWhole = true;
  const recorded = new Map<string, string>();
  const ids = new IdsOfTargets((_place, key) => (isWhole ? (recorded.get(key) ?? null) : undefined));
  const names = (id: string): { ids: string[]; isFor: 'principal'; strangePass: boolean } => ({ ids: [id], isFor: 'principal', strangePass: true });
  /** As the index does. */
  const record = (texts: readonly string[]): void => {
    for (const [key = '', value = ''] of texts.map((text) => text.split(' '))) {
      const isUnlessTold = value.startsWith(unlessToldMark);
      if (!isUnlessTold || !recorded.has(key)) {
        recorded.set(key, isUnlessTold ? value.slice(1) : value);
      }
    }
  };
  record(new IdsOfTargets(() => null).give(target, { ids: ['old'], isNew: true }, ann));
  assert.equal(ids.refusal(target, names('old'), ann), null);
  assert.match(ids.refusal(target, names('old'), bob)?.reason ?? '', /somebody else/);
  assert.equal(ids.refusal(target, names('made elsewhere'), bob), null);
  isWhole = false;
  for (const id of ['old', 'made elsewhere']) {
    for (const who of [ann, bob]) {
      assert.match(ids.refusal(target, names(id), who)?.reason ?? '', /it is not known to whom .*Ask again/);
    }
  }
  const unsure = ids.give(target, { ids: ['old', 'late'], isNew: false }, bob);
  assert.equal(unsure.length, 2);
  assert.deepEqual(ids.give(target, { ids: ['late'], isNew: false }, ann), []);
  assert.equal(ids.give(target, { ids: ['new'], isNew: true }, bob).length, 1);
  assert.equal(ids.refusal(target, names('new'), bob), null);
  assert.match(ids.refusal(target, names('new'), ann)?.reason ?? '', /somebody else/);
  isWhole = true;
  const started = new IdsOfTargets((_place, key) => recorded.get(key) ?? null);
  for (const each of [ids, started]) {
    record(unsure);
    assert.equal(each.refusal(target, names('old'), ann), null, 'seen again in an answer, it is not taken over');
    assert.match(each.refusal(target, names('old'), bob)?.reason ?? '', /somebody else/);
    assert.equal(each.refusal(target, names('late'), bob), null);
    assert.match(each.refusal(target, names('late'), ann)?.reason ?? '', /somebody else/);
  }
});

test('T4.7, E50: an id that is no longer in memory and not yet in the index does not count as an id without an owner', () => {
  let indexed = 0;
  const recorded: string[] = [];
  const ids = new IdsOfTargets(() => (indexed === 0 ? null : 'ann/'), { written: () => recorded.length, indexed: () => indexed });
  const give = (which: readonly string[], owner: typeof ann): void => {
    recorded.push(...ids.give(target, { ids: which, isNew: true }, owner));
  };
  give(["ann's"], ann);
  const named = { ids: ["ann's"], isFor: 'principal', strangePass: true } as const;
  assert.match(ids.refusal(target, named, bob)?.reason ?? '', /somebody else/);
  // The index stands still all the while, as it does where a disk is full.
  give(
    Array.from({ length: 100_000 }, (_, i) => `bob's ${i}`),
    bob,
  );
  assert.match(ids.refusal(target, named, bob)?.reason ?? '', /it is not known to whom .*Ask again/);
  indexed = 1;
  assert.match(ids.refusal(target, named, bob)?.reason ?? '', /somebody else/);
});

test('T4.7, E45: an index that is made again is not whole until it is done', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-ids-'));
  const { recorder, keys } = await openRecorder(data);
  const database = openIndexFile(join(data, 'index.db'));
  const follower = await Follower.open(data, keys, new SessionIndex(database, keys.cacheKey()), () => undefined);
  assert.equal(follower.state.isWhole, true);
  const made = follower.rebuild();
  // The journal is read from the disk, which takes turns of the event loop; what the index held is dropped before.
  for (let i = 0; i < 100 && follower.state.isWhole; i += 1) {
    await Promise.resolve();
  }
  assert.equal(follower.state.isWhole, false);
  await made;
  assert.equal(follower.state.isWhole, true);
  await follower[Symbol.asyncDispose]();
  database.close();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true });
});
