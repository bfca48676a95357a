import { setTimeout as delay } from 'node:timers/promises';
import { openingActions, type Openings } from '../access/openings.ts';
import type { Unfilled } from '../controls/limits/limits.ts';
import type { UsedAmount } from '../domain/usage.ts';
import type { LimitPolicies } from '../feed/recorded-usage.ts';
import type { LeftActivity } from '../feed/left-activities.ts';
import type { Reader } from '../reader/reader.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';

/** A reading that failed is tried again after this time. */
const againMs = 1000;

interface Reading {
  /** The number of records that are to be read. What comes later is counted as it is made. */
  readonly before: number;
  /** Aborts when the gateway stops. */
  readonly signal: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
}

/** Fills the windows of limits from the journal. It is tried until it works, because requests under these limits are refused until then. `nowMs` is the time of the clock that the limits follow. */
export async function fillLimits(
  reader: Reader,
  { limits, complete }: Unfilled,
  { nowMs, policies, ...reading }: Reading & { readonly nowMs: number; readonly policies: LimitPolicies | null },
): Promise<void> {
  const wanted = { limits, before: reading.before, nowMs, aheadMs: nowMs - Date.now(), policies };
  const amounts = await untilRead<readonly UsedAmount[]>(() => reader.usage(wanted, reading.signal), reading);
  if (amounts !== null) {
    complete(amounts.flat());
  }
}

/** Lets the activities of tokens go on that an earlier gateway left. It is tried until it works, because requests that policies about sessions decide on are refused until then. */
export async function takeUpActivities(reader: Reader, sessions: LiveSessions, { idleMs, ...reading }: Reading & { readonly idleMs: number }): Promise<void> {
  const wanted = { before: reading.before, sinceMs: Date.now() - idleMs };
  const activities = await untilRead<LeftActivity>(() => reader.activities(wanted, reading.signal), reading);
  if (activities !== null) {
    for (const left of activities) {
      sessions.takeUp(left);
    }
    sessions.allTakenUp(idleMs);
  }
}

/** Takes up the openings of content that an earlier gateway left. Until then nothing is open. */
export async function takeUpOpenings(
  reader: Reader,
  openings: Openings,
  { publish, ...reading }: Omit<Reading, 'before'> & { readonly publish: () => Promise<PublishedCheckpoint> },
): Promise<void> {
  const actions = Object.values(openingActions).join(' or ');
  const records = await untilRead(async function* () {
    yield* reader.verified(`action:(${actions}) since:2d`, Date.now(), await publish());
  }, reading);
  openings.takeUp(records ?? []);
}

/** Resolves with all that is read, and with null if the signal aborts first. */
async function untilRead<Piece>(
  read: () => AsyncIterable<Piece>,
  { signal, onTrouble }: Pick<Reading, 'signal' | 'onTrouble'>,
): Promise<readonly Piece[] | null> {
  for (let isTold = false; !signal.aborted;) {
    try {
      const pieces: Piece[] = [];
      for await (const piece of read()) {
        pieces.push(piece);
      }
      return signal.aborted ? null : pieces;
    } catch (error) {
      if (!isTold) {
        onTrouble(error);
      }
      isTold = true;
      await delay(againMs, null, { ref: false });
    }
  }
  return null;
}
