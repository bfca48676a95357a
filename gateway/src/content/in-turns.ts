import { setImmediate } from 'node:timers/promises';
import type { Slices } from '../domain/text-change.ts';

/** Does work slice by slice, each in a turn of the event loop, so that others have theirs between them. */
export async function inTurns<Result>(work: Slices<Result>): Promise<Result> {
  let step = work.next();
  while (step.done !== true) {
    await setImmediate();
    step = work.next();
  }
  return step.value;
}

/** Does work at once, for texts that are not long. */
export function atOnce<Result>(work: Slices<Result>): Result {
  let step = work.next();
  while (step.done !== true) {
    step = work.next();
  }
  return step.value;
}
