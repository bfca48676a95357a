import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { standardKeeping, type Keeping } from '../recording/retention.ts';
import { Erasures } from '../retention/erasures.ts';
import { openMemorySqlite } from '../store/sqlite.ts';
import { Follower } from './follower.ts';
import { SessionIndex } from './session-index.ts';

const long = standardKeeping(400, 90);
const short: Keeping = { facts: { class: 16, days: 30 }, content: { class: 16, days: 30 } };
const nameOf = ({ facts }: Keeping): string => `for-${facts.days}-days`;

for (const [first, second] of [
  [long, short],
  [short, long],
] as const) {
  test(`of a session with records of two classes, the index has no fact whose record nobody opens any more, and the others: ${nameOf(first)} first`, async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'countersign-erased-facts-'));
    t.after(() => {
      rmSync(data, { recursive: true });
    });
    const { recorder, keys } = await openRecorder(data);
    const index = new SessionIndex(openMemorySqlite(), keys.cacheKey());
    const follower = await Follower.open(data, keys, index, assert.ifError);
    const session = recorder.openSession();
    for (const [at, keeping] of [first, second].entries()) {
      const opens = { principal: 'ann', groups: [], clientAddress: '127.0.0.1', target: nameOf(keeping), protocol: 'postgres' };
      const meta = JSON.stringify({ channel: at + 1, action: 'gateway.authenticate', verdict: 'allow', opens });
      recorder.append(session, { kind: 'decision', meta, content: [], keeping });
    }
    recorder.closeSession(session, 'client');
    await recorder.publish();
    await follower.catchUp();
    assert.deepEqual(index.find(session.id)?.targets, [nameOf(first), nameOf(second)]);
    const ofShort = keys.classDays().filter(({ class: number }) => number === short.facts.class);
    await new Erasures({ recorder, keys, forget: async () => follower.dropErased() }).erase({ cause: 'expired', keys: ofShort, secrets: [], why: {} });
    const { principal, targets } = index.find(session.id) ?? {};
    assert.deepEqual({ principal, targets }, { principal: first === long ? 'ann' : null, targets: [nameOf(long)] });
    await follower[Symbol.asyncDispose]();
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
  });
}
