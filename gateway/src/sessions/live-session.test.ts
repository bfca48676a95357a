import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GatewayError } from '../domain/errors.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { factsOfRun, type RunFacts } from './live-session.ts';
import { LiveSessions } from './live-sessions.ts';
import { RunOutput } from './run-output.ts';

const facts: RunFacts = {
  principal: { id: 'bot', kind: 'agent', groups: [], targets: [] },
  tokenId: 'tok_1',
  address: '127.0.0.1',
  by: 'operator',
  command: 'true',
  targets: [],
  traceparent: '',
};
const environment = { policyVersion: 'v1', attributes: {} };
const halted = { reason: 'halted', error: new GatewayError('halted', 'Enough.') };

describe('a run that ends', () => {
  let data: string;
  let opened: { readonly recorder: Recorder; readonly keys: KeyStore };
  before(async () => {
    data = mkdtempSync(join(tmpdir(), 'countersign-sessions-'));
    opened = await openRecorder(data);
  });
  after(async () => {
    await opened.recorder[Symbol.asyncDispose]();
    opened.keys[Symbol.dispose]();
    rmSync(data, { recursive: true, force: true });
  });

  test('ends the runs inside it, and nothing is recorded in either after its close', () => {
    const sessions = new LiveSessions(opened.recorder, () => environment);
    const outer = sessions.open('run');
    const inner = sessions.open('run', { parent: outer });
    outer.describe(facts);
    outer.end(halted);
    assert.equal(sessions.size, 0);
    const records = [outer.track.seq, inner.track.seq];
    assert.throws(() => {
      inner.describe(facts);
    }, halted.error);
    assert.throws(() => inner.openChannel(factsOfRun(facts), {}), halted.error);
    assert.throws(() => sessions.open('run', { parent: outer }), halted.error);
    outer.note('process.exit', {});
    inner.note('process.exit', {});
    assert.deepEqual([outer.track.seq, inner.track.seq], records);
    assert.equal(sessions.size, 0);
  });

  test('waits for its channels; what it prints is one that does not wait', async () => {
    const sessions = new LiveSessions(opened.recorder, () => environment);
    const run = sessions.open('run');
    const output = new RunOutput(opened.recorder, run, facts);
    const { channel } = run.openChannel(factsOfRun(facts), {});
    run.end(halted);
    await Promise.resolve();
    await assert.rejects(output.record('stdout', Buffer.from('late')), halted.error);
    assert.equal(sessions.size, 1);
    run.note('process.exit', {});
    run.closeChannel(channel, 'client');
    assert.equal(sessions.size, 0);
    assert.equal(run.track.seq, 5, 'open, two channels, the note, close');
  });

  test('holds a bounded number of runs at once, to a bounded depth', () => {
    const sessions = new LiveSessions(opened.recorder, () => environment);
    const outer = sessions.open('run');
    const inner = Array.from({ length: 256 }, () => sessions.open('run', { parent: outer }));
    assert.throws(() => sessions.open('run', { parent: outer }), { code: 'limit_exceeded' });
    inner[0]?.end(halted);
    let deepest = sessions.open('run', { parent: outer });
    for (let depth = 2; depth <= 8; depth += 1) {
      deepest = sessions.open('run', { parent: deepest });
    }
    assert.throws(() => sessions.open('run', { parent: deepest }), { code: 'limit_exceeded' });
    outer.end(halted);
    assert.equal(sessions.size, 0);
  });
});
