import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CountedValue, FoundRecord, SearchLine, SearchSummary } from '@countersign/gateway/api';
import { mergeAnswers } from './merged-search.ts';

const summary: SearchSummary = { count: 3, isExact: true, behind: 0, next: null };

function found(record: string, time: string): FoundRecord {
  return {
    record,
    session: 's',
    seq: 0,
    time,
    principal: null,
    onBehalfOf: null,
    target: null,
    protocol: null,
    kind: 'request',
    action: null,
    verdict: null,
    policies: [],
    attributes: {},
    snippet: null,
    verified: true,
  };
}

async function* answer(lines: readonly (FoundRecord | CountedValue)[], end: Partial<SearchSummary> = {}): AsyncGenerator<SearchLine> {
  yield* lines;
  yield { summary: { ...summary, ...end } };
}

async function merged(answers: readonly AsyncIterable<SearchLine>[], limit: number): Promise<readonly unknown[]> {
  const lines: unknown[] = [];
  for await (const line of mergeAnswers(answers, limit)) {
    lines.push('record' in line ? line.record : line);
  }
  return lines;
}

test('the newest records of several gateways come first, with one summary', async () => {
  const one = [found('a/3', '2026-11-30T03:00:00Z'), found('a/1', '2026-11-30T01:00:00Z')];
  const other = [found('b/4', '2026-11-30T04:00:00Z'), found('b/2', '2026-11-30T02:00:00Z')];
  assert.deepEqual(await merged([answer(one), answer([]), answer(other, { isExact: false, behind: 2, next: '7' })], 3), [
    'b/4',
    'a/3',
    'b/2',
    { summary: { count: 9, isExact: false, behind: 2, next: '7' } },
  ]);
  assert.deepEqual(await merged([answer(one, { behind: null }), answer(other)], 1), ['b/4', { summary: { ...summary, count: 6, behind: null, next: '' } }]);
});

test('values of several gateways are counted together', async () => {
  const one = [
    { value: 'ann', count: 5 },
    { value: 'bot', count: 2 },
  ];
  const other = [
    { value: 'bot', count: 4 },
    { value: 'cem', count: 1 },
  ];
  assert.deepEqual(await merged([answer(one), answer(other)], 2), [
    { value: 'bot', count: 6 },
    { value: 'ann', count: 5 },
    { summary: { ...summary, count: 6 } },
  ]);
});
