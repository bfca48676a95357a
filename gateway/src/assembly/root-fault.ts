import { GatewayError } from '../domain/errors.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from '../sessions/meta.ts';
import type { Logger } from '../telemetry.ts';

/** Records that no session is opened because the root key is not given any more, or that it is again. A rule for alerts finds it there. */
export function recordRootFault(recorder: Recorder, log: Logger, fault: GatewayError | null): void {
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
