import type { Attributes } from '../domain/action.ts';
import type { Verdict } from '../domain/decision.ts';
import type { EntryDraft } from '../recording/batch.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from './meta.ts';

/** A decision of the gateway that belongs to no session: a refused login, an act of an administrator. */
export interface OwnDecision {
  readonly action: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly attributes: Attributes;
  /** An operator does it, who may on a full disk too. */
  readonly isFromReserve?: true;
}

/** Records a decision without waiting until it is committed. Errors: `cannot_record`. */
export function appendOwnDecision(recorder: Recorder, { isFromReserve, ...decision }: OwnDecision): void {
  const draft: EntryDraft = { kind: 'decision', meta: printMeta({ channel: 0, ...decision }), content: [] };
  if (isFromReserve === true) {
    recorder.appendFromReserve(recorder.own, draft);
  } else {
    recorder.append(recorder.own, draft);
  }
}

/** Resolves when it is in the gateway's own session: whoever asked is told after that. Errors: `cannot_record`. */
export async function recordOwnDecision(recorder: Recorder, decision: OwnDecision): Promise<void> {
  appendOwnDecision(recorder, decision);
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('process', resolve);
  });
}
