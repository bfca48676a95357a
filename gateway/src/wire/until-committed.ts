import type { Channel } from '../domain/channel.ts';

/** Resolves when all that was recorded so far is committed; rejects with the reason when `signal`, by default the session's own, is aborted first. */
export async function untilCommitted(channel: Channel, signal: AbortSignal = channel.signal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    channel.whenCommitted(resolve);
    signal.throwIfAborted();
    await promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
