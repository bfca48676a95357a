import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openServer } from '../../../cli/src/demo/sample-server.ts';
import { waitUntil } from '../../../tests/support/wait-until.ts';
import type { Sink } from '../domain/sink.ts';
import { OutboxFile } from './outbox-file.ts';
import { Outbox, type Outcome } from './outbox.ts';

const day = 86_400_000;
const waitingMax = 1000;

test('C28: a receiver that does not answer makes nobody wait and takes bounded memory, and a clock that jumps gives up only what is said to be', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-outbox-'));
  const got: string[] = [];
  let release = Promise.withResolvers<void>();
  await using receiver = await openServer(async (request, response) => {
    got.push(String(request.headers['webhook-id']));
    await release.promise;
    response.writeHead(204).end();
  });
  const sink: Sink = { kind: 'webhook', name: 'soc', text: false, url: receiver.url, secret: () => `whsec_${Buffer.alloc(32, 7).toString('base64')}` };
  const outcomes: Outcome[] = [];
  let nowMs = Date.UTC(2026, 10, 2);
  {
    await using outbox = new Outbox({
      file: new OutboxFile(directory, createSecretKey(Buffer.alloc(32, 1))),
      sinks: () => new Map([['soc', sink]]),
      whenRecorded: (act) => {
        act();
      },
      onOutcome: (outcome) => outcomes.push(outcome),
      now: () => nowMs,
    });
    const add = (count: number): void => {
      for (let i = 0; i < count; i++) {
        outbox.add('soc', {}, () => `{"number":${i}}`);
      }
    };
    add(waitingMax + 200);
    assert.deepEqual([outbox.waiting.get('soc'), outcomes.filter(({ what }) => what === 'given_up').length], [waitingMax, 200]);
    await waitUntil(() => got.length === 1);
    // Two days later all of them still wait; set back, too.
    nowMs += 2 * day;
    release.resolve();
    await waitUntil(() => got.length > 100);
    nowMs -= 9 * day;
    await waitUntil(() => outbox.waiting.get('soc') === 0);
    assert.deepEqual([new Set(got).size, outcomes.filter(({ what }) => what === 'sent').length], [waitingMax, waitingMax]);
    release = Promise.withResolvers<void>();
    add(5);
    await waitUntil(() => got.length === waitingMax + 1);
    nowMs += 4 * day;
    release.resolve();
    await waitUntil(() => outbox.waiting.get('soc') === 0);
    const last = outcomes.slice(-5).map((outcome) => (outcome.what === 'given_up' ? outcome.why : outcome.what));
    assert.deepEqual(last, ['sent', ...Array.from({ length: 4 }, () => 'it was not taken within 3 days')]);
  }
  rmSync(directory, { recursive: true });
});
