import type { Recorder } from '../recording/recorder.ts';
import { runRetentionAction } from '../retention/retention-run.ts';
import { appendOwnDecision } from '../sessions/own-decision.ts';

/** Records why the daily run deleted nothing. Throws GatewayError `cannot_record`. */
export function recordRefusedRetention(recorder: Recorder, error: unknown): void {
  appendOwnDecision(recorder, { action: runRetentionAction, verdict: 'deny', reason: error instanceof Error ? error.message : String(error), attributes: {} });
}
