import { GatewayError } from '../domain/errors.ts';
import type { OpenedStore } from '../recording/open-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { writeEscrow, type EscrowedRoot } from '../recording/root-secret/escrow.ts';
import { RootWatch } from '../recording/root-secret/root-watch.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';

interface RootKeyParts {
  readonly data: string;
  readonly settings: { readonly escrow: readonly string[]; readonly staleMs: number };
  readonly recorder: Recorder;
  readonly log: Logger;
}

/**
 * Encrypts the root secret for the recipients of the escrow, and begins to ask whether what wraps it still gives it. Returns what does so with the secret of a
 * rotation, and the watch, which must be disposed. Rejects with GatewayError `config_invalid` if a recipient is none, and `cannot_record`.
 */
export async function openRootKey(
  { keys, root: { provider } }: Pick<OpenedStore, 'keys' | 'root'>,
  { data, settings: { escrow: recipients, staleMs }, recorder, log }: RootKeyParts,
): Promise<{ readonly escrow: (root: EscrowedRoot) => Promise<void>; readonly watch: RootWatch }> {
  const escrow = async (root: EscrowedRoot): Promise<void> => (recipients.length === 0 ? undefined : writeEscrow(data, root, recorder.gatewayId, recipients));
  await escrow(keys.escrowed());
  const watch = new RootWatch({
    provider,
    wrapped: () => keys.rootRow?.wrapped ?? null,
    staleMs,
    onTrouble: (error) => {
      log.warn({ err: error }, 'what wraps the root key does not unwrap it now');
    },
    onFault: (fault) => {
      recordRootFault(recorder, log, fault);
    },
  });
  return { escrow, watch };
}

/** Records that no session is opened because the root key is not given any more, or that it is again. A rule for alerts finds it there. */
function recordRootFault(recorder: Recorder, log: Logger, fault: GatewayError | null): void {
  const meta = fault === null ? { action: 'gateway.find_root_key' } : { action: 'gateway.lose_root_key', reason: fault.message };
  if (fault === null) {
    log.info('the root key is given again, and new sessions are opened');
  } else {
    log.error(fault.message);
  }
  try {
    recorder.append(recorder.own, { kind: fault === null ? 'event' : 'alert', meta: printMeta(0, { ...meta, attributes: {} }), content: [] });
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    log.error({ err: error }, 'could not record what became of the root key');
  }
}
