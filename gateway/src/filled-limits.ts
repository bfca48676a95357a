import { setTimeout as delay } from 'node:timers/promises';
import type { Unfilled } from './controls/limits/limits.ts';
import type { UsedAmount } from './domain/usage.ts';
import type { Reader } from './reader/reader.ts';

/** A reading that failed is tried again after this time. */
const againMs = 1000;

interface Filling {
  /** The number of records that are to be read; later ones are counted as they are made. */
  readonly before: number;
  /** The time of the clock that the limits follow. */
  readonly nowMs: number;
  /** Aborts when the gateway stops. */
  readonly signal: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
}

/** Fills the windows of limits from the journal. It is tried until it works, because requests under these limits are refused until then. */
export async function fillLimits(reader: Reader, { limits, complete }: Unfilled, { before, nowMs, signal, onTrouble }: Filling): Promise<void> {
  const wanted = { limits, before, nowMs, aheadMs: nowMs - Date.now() };
  for (let isTold = false; !signal.aborted;) {
    try {
      const amounts: UsedAmount[] = [];
      for await (const piece of reader.usage(wanted, signal)) {
        amounts.push(...piece);
      }
      if (!signal.aborted) {
        complete(amounts);
      }
      return;
    } catch (error) {
      if (!isTold) {
        onTrouble(error);
      }
      isTold = true;
      await delay(againMs, null, { ref: false });
    }
  }
}
