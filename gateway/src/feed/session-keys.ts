import type { Follower } from './follower.ts';
import type { SessionIndex } from './session-index.ts';

/**
 * Returns a function that finds the number of the key of a session; null: no record names the session. Another thread makes the index of records, and may have a
 * session before the index of sessions has it, so a session that is not known is waited for until all that is written is in the index.
 */
export function sessionKeys(follower: Follower, index: SessionIndex): (session: string) => Promise<number | null> {
  const known = (session: string): number | null => follower.findLive(session)?.key ?? index.find(session)?.key ?? null;
  return async (session) => {
    const key = known(session);
    if (key === null) {
      await follower.catchUp();
    }
    return key ?? known(session);
  };
}
