import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { receiveError } from '../reader/sent-error.ts';
import type { SentError } from '../reader/questions.ts';
import type { CopyOrder, CopyReport } from './copy-store.ts';

/** The outcome that the thread tells at its end. */
export type CopyOutcome = { readonly report: CopyReport } | { readonly error: SentError };

/** Copies a store in a thread of its own, so that no client waits for it. When `signal` aborts, it ends; the next backup takes it up. Rejects as `copyStore` does. */
export async function runCopy(order: CopyOrder, signal: AbortSignal): Promise<CopyReport> {
  signal.throwIfAborted();
  const thread = join(import.meta.dirname, `copy-thread${extname(import.meta.filename)}`);
  const worker = new Worker(thread, { workerData: order, env: {} });
  const { promise, resolve, reject } = Promise.withResolvers<CopyOutcome>();
  const abort = (): void => {
    reject(signal.reason);
  };
  worker.once('message', resolve).once('error', reject);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const outcome = await promise;
    if ('error' in outcome) {
      throw receiveError(outcome.error);
    }
    return outcome.report;
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
