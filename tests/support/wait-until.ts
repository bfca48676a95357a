import { setTimeout as delay } from 'node:timers/promises';

const pauseMs = 20;

/** Most characters of a condition that the message about it shows. */
const conditionCharactersMax = 300;

/**
 * Resolves when the condition holds. A condition that takes long is asked less often, so that the processor is left to what is waited for. Rejects after
 * `limitMs`, a limit that only ends tests that hang.
 */
export async function waitUntil(condition: () => boolean | Promise<boolean>, limitMs: number = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (let askedMs = performance.now(); !(await condition()); askedMs = performance.now()) {
    if (askedMs > deadline) {
      throw new Error(`this did not come within ${limitMs / 1000} s: ${condition.toString().slice(0, conditionCharactersMax)}`);
    }
    await delay(Math.max(pauseMs, 2 * (performance.now() - askedMs)));
  }
}

/** Settles as the promise does. Rejects after `limitMs` with an Error that says what did not come: a limit that only ends tests that hang. */
export async function within<Value>(promise: Promise<Value>, what: string, limitMs: number = 60_000): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`${what} did not come within ${limitMs / 1000} s`));
  }, limitMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
