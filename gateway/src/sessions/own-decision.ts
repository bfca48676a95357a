import type { Attributes } from '../domain/action.ts';
import type { Verdict } from '../domain/decision.ts';
import type { EntryDraft } from '../recording/batch.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from './meta.ts';

/** A decision of the gateway that belongs to no client's session: a refused login, or an act of an administrator. */
export interface OwnDecision {
  readonly action: string;
  readonly verdict: Verdict;
  /** The policies that say so, and the version of all of them. Absent: none does. */
  readonly policies?: readonly string[];
  readonly policyVersion?: string;
  /** Absent if whoever acted gave none. */
  readonly reason?: string;
  readonly attributes: Attributes;
  /** True for an act of an operator, which may be recorded even on a full disk. */
  readonly isFromReserve?: true;
}

/** Records a decision without waiting for the commit. Throws GatewayError `cannot_record`. */
export function appendOwnDecision(recorder: Recorder, { isFromReserve, ...decision }: OwnDecision): void {
  const draft: EntryDraft = { kind: 'decision', meta: printMeta(0, decision), content: [] };
  if (isFromReserve === true) {
    recorder.appendFromReserve(recorder.own, draft);
  } else {
    recorder.append(recorder.own, draft);
  }
}

/** Records a decision in the gateway's own session. Resolves when it is committed; only then the asker is told. Rejects with GatewayError `cannot_record`. */
export async function recordOwnDecision(recorder: Recorder, decision: OwnDecision): Promise<void> {
  appendOwnDecision(recorder, decision);
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('process', resolve);
  });
}
