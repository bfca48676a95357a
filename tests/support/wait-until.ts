import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when the condition holds. Rejects after `limitMs`, a limit that only ends tests that hang. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, limitMs: number = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error('what was waited for did not come');
    }
    await delay(20);
  }
}
