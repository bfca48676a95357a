import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GatewayError } from '../domain/errors.ts';
import type { Standing } from '../domain/principal.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { Standings } from '../identity/standing.ts';
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

test('E48: a token that expires ends what it opened, and the next one goes on with the activity; a token that is revoked ends it', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-sessions-'));
  const { recorder, keys } = await openRecorder(data);
  let nowMs = 1_000;
  using standings = new Standings(() => nowMs);
  const sessions = new LiveSessions(recorder, () => environment);
  const limits = { idleMs: 60_000, ageMs: 60_000, recordsMax: 1_000 };
  const { principal } = facts;
  const open = (id: string, expiresMs: number): { readonly session: string; readonly signal: AbortSignal; readonly standing: Standing } => {
    const standing = standings.of({ id, principal: principal.id, onBehalfOf: null, expiresMs }, principal, () => principal);
    const session = sessions.ofToken('act_1', limits);
    const { channel, signal } = session.openChannel({ ...factsOfRun(facts), tokenId: id, isActivity: true, activity: 'act_1' }, {});
    session.endWith(standing, channel);
    return { session: session.id, signal, standing };
  };
  const [first, second] = [open('jwt_1', 2_000), open('jwt_2', 3_000)];
  nowMs = 2_500;
  assert.equal(first.standing.ended()?.reason, 'expired');
  await Promise.resolve();
  assert.deepEqual([first.signal.aborted, second.signal.aborted], [true, false]);
  const third = open('jwt_3', 4_000);
  assert.deepEqual([second.session, third.session], [first.session, first.session]);
  standings.revoke('jwt_2');
  await Promise.resolve();
  assert.deepEqual([second.signal.aborted, third.signal.aborted], [true, true]);
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true, force: true });
});
