import assert from 'node:assert/strict';
import { factNamesOf } from '../domain/facts-only.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { GatewayError } from '../domain/errors.ts';
import { defaultLimits } from '../domain/limits.ts';
import type { Decision } from '../domain/decision.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import { standsAlways } from '../identity/standing.ts';
import { HistoryFold } from '../feed/left-activities.ts';
import { grantPolicy } from '../policy/grants.ts';
import type { PolicyEngine } from '../policy/policy.ts';
import { partBytesMax } from '../recording/batch.ts';
import { looking } from '../following/testdata/looking.ts';
import { standardKeeping, type Keeping } from '../recording/retention.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { HttpCalls } from '../exchange/target/http-calls.ts';
import { LiveChannel } from './live-channel.ts';
import { IdsOfTargets } from './ids-of-targets.ts';
import { LiveSessions } from './live-sessions.ts';
import { decisionFacts } from './meta.ts';

const kept = standardKeeping(400, 90);
const keeping = (): Keeping => kept;
const environment = { policyVersion: 'v1', attributes: {} };
const principal: Principal = { id: 'bot', kind: 'agent', groups: [], targets: ['t'] };
const target: Target = { name: 't', protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'process', options: {} };

async function openChannel(policy: PolicyEngine = grantPolicy([principal])) {
  const data = mkdtempSync(join(tmpdir(), 'countersign-channel-'));
  const { recorder, keys } = await openRecorder(data);
  const calls = new HttpCalls(defaultLimits);
  const sessions = new LiveSessions(recorder, () => environment);
  const session = sessions.open('channel');
  const ending = new AbortController();
  const channel = new LiveChannel(
    {
      recorder,
      sessions,
      policy: () => policy,
      controls: [],
      limits: defaultLimits,
      calls,
      ids: new IdsOfTargets(() => null),
      factNames: factNamesOf([]),
      findTarget: () => target,
      keepingOf: () => keeping,
      looking,
    },
    session,
    { channel: 1, signal: ending.signal },
    { identity: { principal, tokenId: 'tok_1', standing: standsAlways(principal) }, target, keeping, address: '', claims: [], describeClaims: () => ({}) },
  );
  return {
    recorder,
    session,
    channel,
    ending,
    async [Symbol.asyncDispose]() {
      calls[Symbol.dispose]();
      await recorder[Symbol.asyncDispose]();
      keys[Symbol.dispose]();
      rmSync(data, { recursive: true });
    },
  };
}

test('T4.9, E55: a request whose facts are longer than a record allows gets no grant, and is recorded as denied', async () => {
  await using opened = await openChannel();
  const { recorder, session, channel } = opened;
  const before = session.track.seq;
  const attributes = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`name ${i}`, 'a value']));
  await assert.rejects(async () => channel.request({ name: 'any.ask', attributes }, [Buffer.from('x')]), { code: 'limit_exceeded' });
  assert.equal(session.track.seq, before + 1, 'that it was asked is recorded');
  const allowed = await channel.request({ name: 'any.ask', attributes: {} }, [Buffer.from('x')]);
  assert.equal(allowed.record, `${recorder.gatewayId}/${recorder.size - 1}`);
  assert.notEqual(allowed.grant, null);
});

const long = Buffer.alloc(5 * partBytesMax + 1, 'x');

test('T4.45: of a long request one record is made in a turn of the event loop, and there is no grant before all of them', async () => {
  await using opened = await openChannel();
  const { recorder, session, channel } = opened;
  const before = session.track.seq;
  let isGranted = false;
  const asking = Promise.resolve(channel.request({ name: 'any.ask', attributes: {} }, [long])).then((outcome) => {
    isGranted = true;
    return outcome;
  });
  const first = `${recorder.gatewayId}/${recorder.size - 1}`;
  const made: number[] = [];
  while (!isGranted) {
    made.push(session.track.seq - before);
    await setImmediate();
  }
  const { seq, record, grant } = await asking;
  assert.equal(session.track.seq - before, 6);
  made.forEach((count, turn) => {
    assert.ok(count - (made[turn - 1] ?? 0) <= 1, made.join());
  });
  assert.deepEqual({ seq, record }, { seq: before, record: first });
  assert.equal(Buffer.concat(grant?.spend() ?? []).length, long.length);
});

test('T4.45: a long request that is not all recorded when its channel ends is granted nothing', async () => {
  await using opened = await openChannel();
  const { session, channel, ending } = opened;
  const before = session.track.seq;
  const asking = Promise.resolve(channel.request({ name: 'any.ask', attributes: {} }, [long]));
  ending.abort(new GatewayError('halted', 'enough'));
  await assert.rejects(asking, { code: 'halted' });
  assert.equal(session.track.seq, before + 1);
  const left = await openChannel();
  const closing = Promise.resolve(left.channel.request({ name: 'any.ask', attributes: {} }, [long]));
  await left.channel.close('client');
  await assert.rejects(closing, { code: 'malformed' });
  await left[Symbol.asyncDispose]();
});

test('T4.30: a request that is refused because something is still being read counts as no denial, neither in its session nor when the record is read', async () => {
  const denial: Decision = { verdict: 'deny', policies: [], policyVersion: '1', reason: 'no', obligations: [] };
  const later: Decision = { ...denial, answeredAs: 'catching_up' };
  const asked = async (decision: Decision): Promise<readonly number[]> => {
    await using opened = await openChannel({ version: '1', text: '', decide: () => decision });
    const { session, channel } = opened;
    await channel.request({ name: 'any.ask', attributes: {} }, [Buffer.from('x')]);
    const fold = new HistoryFold();
    const meta = { channel: 1, action: 'any.ask', ...decisionFacts(decision) };
    fold.add({ ...record, kind: 'request', meta });
    return [session.history.requests, session.history.denials, fold.history.requests, fold.history.denials];
  };
  const record = { session: 's', seq: 1, timeMs: 0, record: 'l/1', channelFacts: null, governance: null, content: null, continues: false, withheld: null };
  assert.deepEqual(await asked(denial), [1, 1, 1, 1]);
  assert.deepEqual(await asked(later), [0, 0, 0, 0]);
});
