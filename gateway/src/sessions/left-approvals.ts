import { ownAttributes } from '../domain/own-attributes.ts';
import type { LeftApproval } from '../controls/approvals/approvals.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from './meta.ts';

/**
 * Records that a start refuses what was held when the gateway ended, in the gateway's own session. Resolves when it is committed. Rejects with GatewayError
 * `cannot_record`.
 */
export async function recordLeftApprovals(recorder: Recorder, left: readonly LeftApproval[]): Promise<void> {
  for (const { approval, session, record } of left) {
    const attributes = {
      [ownAttributes.approvalId]: approval,
      [ownAttributes.approvalState]: 'withdrawn',
      [ownAttributes.approvalNote]: 'the gateway was restarted',
      [ownAttributes.approvalSession]: session,
      [ownAttributes.approvalRecord]: record,
    };
    recorder.append(recorder.own, { kind: 'approval', meta: printMeta(0, { action: 'gateway.refuse_held', attributes }), content: [] });
  }
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('process', resolve);
  });
}
