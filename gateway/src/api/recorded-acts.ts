import type { Recorder } from '../recording/recorder.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Caller } from './caller.ts';

/** Records an act of an administrator. Resolves when the record is committed. Rejects with GatewayError `cannot_record`. */
export async function recordAct(recorder: Recorder, by: Caller, action: string, reason: string): Promise<void> {
  await recordOwnDecision(recorder, { action, verdict: 'allow', reason, attributes: { 'user.id': by.id, 'client.address': by.address } });
}

/** Records who reads a recording, before any of it is given out. This also works on a full disk. */
export async function recordAccess(recorder: Recorder, by: Caller, what: string, session: string): Promise<void> {
  recorder.appendFromReserve(recorder.own, {
    kind: 'access',
    meta: JSON.stringify({ what, session }),
    content: [Buffer.from(JSON.stringify({ by: by.id, address: by.address }))],
    contentIsFacts: true,
  });
  await untilRecorded(recorder);
}

/** Records who searches for what in all sessions, before any of it is given out. */
export async function recordSearch(recorder: Recorder, by: Caller, what: 'search' | 'list', asked: Readonly<Record<string, unknown>>): Promise<void> {
  recorder.appendFromReserve(recorder.own, {
    kind: 'access',
    meta: JSON.stringify({ what, session: null }),
    content: [Buffer.from(JSON.stringify({ by: by.id, address: by.address, ...asked }))],
    contentIsFacts: true,
  });
  await untilRecorded(recorder);
}

/** Resolves when everything that was recorded so far is committed. */
export async function untilRecorded(recorder: Recorder): Promise<void> {
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('disk', resolve);
  });
}
