import { GatewayError } from '../domain/errors.ts';
import type { ApiParts } from './parts.ts';

/** Most seconds between two checkpoints. A heartbeat twice a minute makes each checkpoint different from the one before, so a new one is due. */
const checkpointAgeSecondsMax = 90;

/** Returns the reasons why no requests are served now, one sentence each; empty if requests are served. Everybody may read them. */
export function unreadiness({
  recorder,
  isStopping,
  storeFault,
  rootFault,
}: Pick<ApiParts, 'recorder' | 'isStopping' | 'storeFault' | 'rootFault'>): readonly string[] {
  const reasons = [isStopping() ? 'The gateway is stopping.' : [], storeFault()?.message ?? [], rootFault()?.message ?? []].flat();
  try {
    recorder.assertReady();
  } catch (error) {
    if (!(error instanceof GatewayError)) {
      throw error;
    }
    reasons.push(error.message);
  }
  if (secondsSince(recorder.publishedMs) > checkpointAgeSecondsMax) {
    reasons.push('No checkpoint has been published for some time, so new records are not under a signature that readers outside can see.');
  }
  return reasons;
}

export function secondsSince(ms: number): number {
  return (performance.now() - ms) / 1000;
}
