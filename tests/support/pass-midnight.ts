import { setTimeout as delay } from 'node:timers/promises';

const dayMs = 86_400_000;
/** A test that compares days takes less, in ms, also on a busy machine. */
const testMs = 120_000;

/** Waits until the day in UTC is over if it ends soon, so that none ends while a test compares days. To be called before anything is recorded. */
export async function passMidnight(): Promise<void> {
  const leftMs = (): number => dayMs - (Date.now() % dayMs);
  while (leftMs() < testMs) {
    await delay(leftMs());
  }
}
