import { frames, givenWhole, scopeOf, sightOf, type Sight } from '../access/rights.ts';
import type { Act } from '../domain/recording-acts.ts';
import { GatewayError } from '../domain/errors.ts';
import type { FoundRecord } from '../feed/recordings.ts';
import type { IndexedSession } from '../feed/session-index.ts';
import { either, isEverything, type Query } from '../query/query.ts';
import type { Caller } from './caller.ts';
import type { ApiParts } from './parts.ts';
import { recordAccess } from './recorded-acts.ts';

type Parts = Pick<ApiParts, 'reader' | 'recorder'>;

/** A reading of a recording, as its record names it. */
interface Reading {
  readonly act: Act;
  readonly what: string;
  readonly session: string;
}

/** Finds a session of which the caller sees records, and records that it is read. Rejects with GatewayError `not_found`, in the same way if there is none; that it was asked for is recorded then. */
export async function openReading(
  { reader, recorder }: Parts,
  caller: Caller,
  { act, what, session }: Reading,
): Promise<{ readonly found: IndexedSession; readonly sight: Sight }> {
  const sight = sightOf(caller.rights, act);
  const found = await orRecordedRefusal(recorder, caller, { what, act, session, isLimited: !isEverything(sight.facts) }, async () =>
    reader.find(session, sight.facts),
  );
  await recordAccess(recorder, caller, { what, act, session });
  return { found, sight };
}

/** Finds a session with records that the caller sees, and records nothing but a refusal: `what` was asked for. Rejects as `openReading` does. */
export async function findSeen(
  { reader, recorder }: Parts,
  caller: Caller,
  { act, what, session, seen }: Reading & { readonly seen: Query },
): Promise<IndexedSession> {
  return orRecordedRefusal(recorder, caller, { what, act, session, isLimited: !isEverything(seen) }, async () => reader.find(session, seen));
}

/** Returns whether a query holds for any record of a session. It is the same work if there is no such session. */
export async function hasAny({ reader }: Pick<ApiParts, 'reader'>, session: string, query: Query): Promise<boolean> {
  try {
    await reader.find(session, query);
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'not_found') {
      return false;
    }
    throw error;
  }
}

/** Finds a session of which the caller may read all of the content, and records that it is read. Also rejects with GatewayError `refused`, if the caller sees only a part. */
export async function openWholeReading(parts: Parts, caller: Caller, reading: Reading): Promise<IndexedSession> {
  const { reader, recorder } = parts;
  const { act, what, session } = reading;
  const { rights, contentAlone } = caller;
  const seen = scopeOf(rights, act);
  return orRecordedRefusal(recorder, caller, { what, act, session, isLimited: !isEverything(seen) }, async () => {
    const found = await reader.find(session, seen);
    if (!((await reader.covers(session, either([seen, frames]))) && (await reader.covers(session, givenWhole(rights, contentAlone))))) {
      throw new GatewayError('refused', 'This needs a role that reads the content of the whole session: session show shows the part that you may read.');
    }
    await recordAccess(recorder, caller, { what, act, session });
    return found;
  });
}

/** Throws GatewayError `not_found` unless the records of a log are kept here. */
export function requireLog({ gatewayId }: ApiParts['recorder'], log: string): void {
  if (log !== gatewayId) {
    throw new GatewayError('not_found', `The log ${log} is not kept here; this one is ${gatewayId}.`);
  }
}

/** Finds a record that the caller sees by its index in the log. Rejects as `openReading` does. */
export async function locateSeen(
  { reader, recorder }: Parts,
  caller: Caller,
  { act, index }: { readonly act: Act; readonly index: number },
): Promise<FoundRecord> {
  const seen = scopeOf(caller.rights, act);
  return orRecordedRefusal(recorder, caller, { what: `record ${index} of the log`, act, session: null, isLimited: !isEverything(seen) }, async () =>
    reader.locate(index, seen),
  );
}

interface Attempt {
  readonly what: string;
  readonly act: Act;
  readonly session: string | null;
  /** True if the caller sees only a part of the records, so that what is not found may be what it must not see. */
  readonly isLimited: boolean;
}

async function orRecordedRefusal<Found>(
  recorder: ApiParts['recorder'],
  caller: Caller,
  { what, act, session, isLimited }: Attempt,
  find: () => Promise<Found>,
): Promise<Found> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof GatewayError && (error.code === 'refused' || (isLimited && error.code === 'not_found'))) {
      await recordAccess(recorder, caller, { what, act, session, more: { refused: error.code } });
    }
    throw error;
  }
}
