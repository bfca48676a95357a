import { setTimeout as delay } from 'node:timers/promises';

const pauseMs = 20;

/**
 * Resolves when the condition holds. A condition that takes long is asked less often, so that the processor is left to what is waited for. Rejects after
 * `limitMs`, a limit that only ends tests that hang.
 */
export async function waitUntil(condition: () => boolean | Promise<boolean>, limitMs: number = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (let askedMs = performance.now(); !(await condition()); askedMs = performance.now()) {
    if (askedMs > deadline) {
      throw new Error('what was waited for did not come');
    }
    await delay(Math.max(pauseMs, 2 * (performance.now() - askedMs)));
  }
}
