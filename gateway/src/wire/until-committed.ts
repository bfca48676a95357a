import type { Channel } from '../domain/channel.ts';

/**
 * Resolves when everything that was recorded so far is committed. Rejects with the reason of `signal`, by default that of the channel, if it is aborted first.
 */
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
