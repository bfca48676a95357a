import { GatewayError } from '../domain/errors.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { RunOutput } from '../sessions/run-output.ts';
import type { Caller } from './caller.ts';
import type { ApiParts } from './parts.ts';

/** The output recorders of runs that record what their command prints. An entry disappears with its run. */
export type RunOutputs = WeakMap<LiveSession, RunOutput>;

export const runEnd = { reason: 'client', error: new GatewayError('stopping', 'The run has ended.') };

/**
 * Finds an open run for a caller that may act on it: an administrator, or the run that contains it. Null if the run has ended. Rejects with GatewayError
 * `refused` for any other caller.
 */
export async function findOpenedRun({ sessions, refusals }: Pick<ApiParts, 'sessions' | 'refusals'>, id: string, by: Caller): Promise<LiveSession | null> {
  const session = sessions.find(id);
  if (session?.isRun !== true) {
    return null;
  }
  if (by.run !== undefined && session.parent?.id !== by.run.session) {
    const error = new GatewayError('refused', 'A run may act on runs that it opened itself, and on no other.');
    return refusals.refuse({ address: by.address, protocol: 'api', principal: by.id, error });
  }
  return session;
}
