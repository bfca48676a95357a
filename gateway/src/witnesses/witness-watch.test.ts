import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CosignerStatus } from './cosigner.ts';
import type { WitnessNews } from './witness-news.ts';
import { WitnessWatch } from './witness-watch.ts';

void test('a quorum or witness that is missing for long is told once, and once that it is back; one that disagrees at once', () => {
  let nowMs = 1_000_000;
  const news: WitnessNews[] = [];
  const watch = new WitnessWatch({ lostMs: 60_000, now: () => nowMs, hasQuorum: true, onNews: (each) => news.push(each) });
  const witness = (state: CosignerStatus['state'], sinceMs: number): CosignerStatus => ({
    name: 'one',
    url: 'http://one',
    state,
    why: 'no answer',
    size: null,
    cosignedMs: null,
    sinceMs,
  });
  const look = (state: CosignerStatus['state'], sinceMs: number, atMs: number | null): readonly string[] => {
    news.length = 0;
    watch.look({ isCosigned: atMs === nowMs, cosigned: atMs === null ? null : { size: 7, atMs }, witnesses: [witness(state, sinceMs)] });
    return news.map(({ what }) => what);
  };
  assert.deepEqual(look('asked', nowMs, null), []);
  nowMs += 60_001;
  assert.deepEqual(look('failing', nowMs - 60_001, null), ['quorum lost', 'witness lost']);
  nowMs += 60_001;
  assert.deepEqual(look('failing', 0, null), [], 'told once');
  assert.deepEqual(look('cosigning', nowMs, nowMs), ['quorum back', 'witness back']);
  const cosignedMs = nowMs;
  nowMs += 3_600_000;
  assert.deepEqual(look('cosigning', nowMs, cosignedMs), [], 'after a machine stood still, the quorum has its time');
  assert.deepEqual(look('forked', nowMs, cosignedMs), ['witness disagrees']);
  assert.deepEqual(look('ahead', nowMs, cosignedMs), []);
});
