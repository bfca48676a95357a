import type { Act } from '../domain/recording-acts.ts';
import type { RecordingRules } from '../domain/recording-rules.ts';
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
  /** The act for which policies were asked. Those about content say what is seen, too. */
  readonly act: Act;
  readonly session: string | null;
  /** Says what was looked for, or why it was refused. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Records who reads or searches, before any of it is given out. This also works on a full disk. Returns the index of the record in the log. */
export async function recordAccess(recorder: Recorder, by: Caller, { what, act, session, more }: Access): Promise<number> {
  recorder.appendFromReserve(recorder.own, {
    kind: 'access',
    meta: JSON.stringify({ what, session }),
    content: [Buffer.from(JSON.stringify({ by: by.id, address: by.address, ...more, ...rulingOn(by.rules, [act, 'content']) }))],
    contentIsFacts: true,
  });
  const index = recorder.size - 1;
  await untilRecorded(recorder);
  return index;
}

/** Returns which policies have a say in some acts with recordings, and their version; nothing, if none has. */
export function rulingOn(
  { rules, policyVersion }: RecordingRules,
  acts: readonly Act[],
): { readonly policies?: readonly string[]; readonly policyVersion?: string } {
  const policies = [...new Set(rules.flatMap((rule) => (acts.includes(rule.act) ? rule.policies : [])))];
  return policies.length === 0 ? {} : { policies, policyVersion };
}

/** Resolves when everything that was recorded so far is committed. */
export async function untilRecorded(recorder: Recorder): Promise<void> {
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('disk', resolve);
  });
}
