import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultLimits } from '../domain/limits.ts';
import type { Principal } from '../domain/principal.ts';
import type { Target } from '../domain/target.ts';
import { standsAlways } from '../identity/standing.ts';
import { grantPolicy } from '../policy/grants.ts';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { HttpCalls } from '../wire/http/calls.ts';
import { Channel } from './channel.ts';
import { IdsOfTargets } from './ids-of-targets.ts';
import { LiveSessions } from './live-sessions.ts';

const principal: Principal = { id: 'bot', kind: 'agent', groups: [], targets: ['t'] };
const target: Target = { name: 't', protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'process', options: {} };

test('T4.9, E55: a request of which more is to be said than a record holds gets no grant, and is in the record as denied', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-channel-'));
  const { recorder, keys } = await openRecorder(data);
  const calls = new HttpCalls(defaultLimits);
  const sessions = new LiveSessions(recorder);
  const session = sessions.open('channel');
  const policy = grantPolicy([principal]);
  const context = { recorder, sessions, policy: () => policy, limits: defaultLimits, calls, ids: new IdsOfTargets(() => null) };
  const channel = new Channel(
    context,
    session,
    { channel: 1, signal: new AbortController().signal },
    { identity: { principal, tokenId: 'tok_1', standing: standsAlways(principal) }, target },
  );
  const before = session.track.seq;
  const attributes = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`name ${i}`, 'a value']));
  assert.throws(() => channel.request({ name: 'any.ask', attributes }, [Buffer.from('x')]), { code: 'limit_exceeded' });
  assert.equal(session.track.seq, before + 1, 'that it was asked is recorded');
  const allowed = channel.request({ name: 'any.ask', attributes: {} }, [Buffer.from('x')]);
  assert.equal(allowed.record, `${recorder.gatewayId}/${recorder.size - 1}`);
  assert.notEqual(allowed.grant, null);
  calls[Symbol.dispose]();
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  rmSync(data, { recursive: true });
});
