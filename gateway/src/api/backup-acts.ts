import { ownAttributes } from '../domain/own-attributes.ts';
import type { BackupNotes } from '../recording/backup-notes.ts';
import type { Recorder } from '../recording/recorder.ts';
import { recordOwnDecision, type OwnDecision } from '../sessions/own-decision.ts';

/** The record that a backup is made, or was made while no gateway ran. */
export function backupAct({
  by,
  address,
  directory,
  records,
  recipients,
  reason,
}: {
  readonly by: string;
  readonly address?: string;
  readonly directory: string;
  readonly records: number;
  readonly recipients: readonly string[];
  readonly reason: string;
}): OwnDecision {
  return {
    action: 'gateway.back_up',
    verdict: 'allow',
    reason,
    attributes: {
      'user.id': by,
      ...(address === undefined ? {} : { 'client.address': address }),
      [ownAttributes.backupDirectory]: directory,
      [ownAttributes.backupRecords]: records,
      ...(recipients.length === 0 ? {} : { [ownAttributes.backupRecipients]: recipients }),
    },
  };
}

/** Records the backups that were made while no gateway ran. Rejects with GatewayError `cannot_record`. */
export async function recordLeftBackups(recorder: Recorder, backups: BackupNotes): Promise<void> {
  for (const { directory, size, untold } of backups.all()) {
    if (untold > 0) {
      const reason = `${untold === 1 ? 'a backup was' : `${untold} backups were`} made while no gateway ran`;
      await recordOwnDecision(recorder, backupAct({ by: 'operator', directory, records: size, recipients: [], reason }));
    }
  }
  backups.told();
}
