import type { Session } from '../../domain/protocol.ts';

/** Resolves when all that was recorded so far is committed; rejects with the reason when the session is ended first. */
export async function untilCommitted(session: Session): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => {
    reject(session.signal.reason);
  };
  session.signal.addEventListener('abort', abort, { once: true });
  try {
    session.whenCommitted(resolve);
    session.signal.throwIfAborted();
    await promise;
  } finally {
    session.signal.removeEventListener('abort', abort);
  }
}
