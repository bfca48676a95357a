import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import type { AlertRule } from '../domain/alert.ts';
import { ruleDefaults } from '../domain/built-in-alerts.ts';
import { Outbox } from '../outbox/outbox.ts';
import { OutboxFile } from '../outbox/outbox-file.ts';
import { Reader } from '../reader/reader.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openLog } from '../telemetry.ts';
import { FeedRecords } from './feed-records.ts';

const data = mkdtempSync(join(tmpdir(), 'countersign-feed-records-'));
const { recorder, keys, root } = await openRecorder(data);
after(async () => {
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});

const events = join(data, 'events.ndjson');

/** The records that the sink has got, as their class in OCSF and their index in the log. */
function taken(): readonly { readonly isAlert: boolean; readonly index: number }[] {
  return readFileSync(events, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ class_uid: uid, metadata }) => ({ isAlert: uid === 2004, index: Number(metadata.uid.split('/')[1]) }));
}

test('T4.45, C28: where the thread that makes the index is lost in the middle, nothing is missing, no alert is raised twice, and no sink begins anew', async () => {
  const troubles: string[] = [];
  const rule = { ...ruleDefaults, name: 'burst', query: 'verdict:deny', count: 3, by: ['session'], severity: 'high', to: [] } as const;
  const written = recorder.size;
  let rules: readonly AlertRule[] = [rule];
  await using outbox = new Outbox({
    file: new OutboxFile(data, keys.outboxKey()),
    sinks: () => new Map(),
    whenRecorded: (act) => {
      act();
    },
    onOutcome: () => undefined,
    now: Date.now,
  });
  const feeds = new FeedRecords({ recorder, outbox, log: openLog('silent'), now: Date.now, onFailing: () => undefined });
  await using reader = await Reader.open({
    data,
    thread: pathToFileURL(join(import.meta.dirname, '../reader-thread.ts')),
    root,
    cacheKey: keys.cacheKey(),
    written: () => recorder.size,
    onTrouble: (error, what) => troubles.push(`${what}: ${String(error)}`),
    onDifference: (what) => troubles.push(what),
    feeds: {
      settings: () => ({
        rules,
        sinks: [{ name: 'siem', text: false, query: null, caFile: null, kind: 'ocsf', file: events }],
        keptDays: null,
        // As the thread knows it that is lost long after the settings changed.
        written,
      }),
      onNews: (news) => {
        feeds.hear(news);
      },
    },
  });
  await waitUntil(() => feeds.states.length > 0);
  const groups = 4;
  for (let group = 0; group < groups; group++) {
    const track = recorder.openSession();
    for (let i = 0; i < 4; i++) {
      recorder.append(track, { kind: 'request', meta: JSON.stringify({ channel: 0, action: 'act', verdict: 'deny' }), content: [Buffer.from('no')] });
    }
    await waitUntil(() =>
      reader.alerts().then(
        (alerts) => alerts.length > group,
        () => false,
      ),
    );
    if (group === 1) {
      // The configuration lets no such rule through. The thread does not live with it.
      rules = [{ ...rule, query: 'verdict:(' }];
      reader.recheck();
      await waitUntil(() => troubles.length > 0);
      rules = [rule];
      reader.recheck();
    }
  }
  await waitUntil(() => taken().some((each) => each.index === recorder.size - 1));
  assert.match(troubles.join('\n'), /keep the index of records/);
  const all = [...new Set(taken().map((each) => each.index))];
  assert.deepEqual(
    all,
    Array.from({ length: all.length }, (_, i) => (all[0] ?? 0) + i),
  );
  assert.equal(new Set(taken().flatMap((each) => (each.isAlert ? [each.index] : []))).size, groups);
  assert.deepEqual(
    (await reader.alerts()).map(({ count }) => count),
    [4, 4, 4, 4],
  );
  assert.equal(readFileSync(events, 'utf8').match(/^.*begin_feed/gm)?.length, 1);
});
