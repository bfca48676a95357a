import assert from 'node:assert/strict';
import { Session, type Profiler } from 'node:inspector';

/** Counts the calls of this thread's functions. Only functions that are loaded later are counted, so a test that needs them imports the gateway after this module. */
const profiler = new Session();
profiler.connect();
profiler.post('Profiler.enable');
profiler.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

/** Matches the files whose functions are ours. */
export const ours = /\/(?:gateway|ledger)\/src\//;

/** The calls of functions in a few turns of the event loop, one after the other: they are the same however slow the machine is. */
export interface Turns {
  readonly calls: number;
  /** The functions that were called most. */
  readonly where: string;
  /** The calls by `FILE FUNCTION`. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Returns the calls of functions in the files that match. */
export function turnsOf({ result }: Profiler.TakePreciseCoverageReturnType, which: RegExp): Turns {
  const counts = new Map<string, number>();
  for (const { url, functions } of result.filter((script) => which.test(script.url))) {
    for (const { functionName, ranges } of functions) {
      const name = `${url.slice(url.lastIndexOf('/') + 1)} ${functionName}`;
      counts.set(name, (counts.get(name) ?? 0) + (ranges[0]?.count ?? 0));
    }
  }
  const top = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, 8);
  return { calls: [...counts.values()].reduce((sum, count) => sum + count, 0), where: top.map(([name, count]) => `${count} ${name}`).join(', '), counts };
}

interface Counting {
  /** To count takes longer than the turns that are counted, so so many are counted together. */
  readonly turnsTogether: number;
  /** Between two counts the processor is left to others for this time in ms. What is done meanwhile is counted too. */
  readonly pauseMs?: number;
}

/** Counts the calls in the turns of the event loop until `act` is over. */
export async function countTurns(
  act: () => Promise<void>,
  { turnsTogether, pauseMs = 0 }: Counting,
  onCount: (taken: Profiler.TakePreciseCoverageReturnType) => void,
): Promise<void> {
  let isOver = false;
  let turns = 0;
  const look = (): void => {
    turns += 1;
    const isCounted = isOver || turns % turnsTogether === 0;
    if (!isOver && isCounted && pauseMs > 0) {
      setTimeout(look, pauseMs);
    } else if (!isOver) {
      setImmediate(look);
    }
    if (isCounted) {
      profiler.post('Profiler.takePreciseCoverage', (error, taken) => {
        assert.equal(error, null);
        onCount(taken);
      });
    }
  };
  // Also what was done before.
  profiler.post('Profiler.takePreciseCoverage');
  look();
  try {
    await act();
  } finally {
    isOver = true;
  }
  await new Promise(setImmediate);
}
