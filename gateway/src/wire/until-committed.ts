import type { Session } from '../domain/protocol.ts';

/** Resolves when all that was recorded so far is committed; rejects with the reason when `signal`, by default the session's own, is aborted first. */
export async function untilCommitted(session: Session, signal: AbortSignal = session.signal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    session.whenCommitted(resolve);
    signal.throwIfAborted();
    await promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
