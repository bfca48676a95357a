import { after } from 'node:test';
import { within } from './wait-until.ts';

const endMs = 120_000;

/**
 * Has what `before` starts, for instance `server = parts.use(await startServer())`. It is ended after the suite, what was started last first, and also if
 * `before` fails on the way: a server that stays open would keep the process of the tests running.
 */
export function suiteParts(): AsyncDisposableStack {
  const parts = new AsyncDisposableStack();
  after(async () => within(parts.disposeAsync(), 'the end of what the suite started', endMs));
  return parts;
}
