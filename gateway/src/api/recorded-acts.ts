import type { Recorder } from '../recording/recorder.ts';
import { recordOwnDecision } from '../sessions/own-decision.ts';
import type { Caller } from './caller.ts';

/** Records an act of an administrator. Resolves when the record is committed. Rejects with GatewayError `cannot_record`. */
export async function recordAct(recorder: Recorder, by: Caller, action: string, reason: string): Promise<void> {
  await recordOwnDecision(recorder, { action, verdict: 'allow', reason, attributes: { 'user.id': by.id, 'client.address': by.address } });
}

/** A reading of a session, or a search if there is none. */
interface Access {
  readonly what: string;
  readonly session: string | null;
  /** Says what was looked for, or why it was refused. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Records who reads or searches, before any of it is given out. This also works on a full disk. */
export async function recordAccess(recorder: Recorder, by: Caller, { what, session, more }: Access): Promise<void> {
  recorder.appendFromReserve(recorder.own, {
    kind: 'access',
    meta: JSON.stringify({ what, session }),
    content: [Buffer.from(JSON.stringify({ by: by.id, address: by.address, ...more }))],
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
