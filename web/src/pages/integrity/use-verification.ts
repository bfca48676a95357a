import type { LogProgress, LogReport } from '@countersign/ledger';
import { useEffect, useRef, useState } from 'react';
import { startWorker } from './start-worker.ts';
import type { Said, Wanted } from './verification.ts';

type State =
  | { readonly is: 'idle' }
  | { readonly is: 'running'; readonly progress: LogProgress | null; readonly startedMs: number }
  | { readonly is: 'done'; readonly report: LogReport }
  | { readonly is: 'failed'; readonly error: Error };

interface Verification {
  readonly state: State;
  readonly start: (wanted: Wanted) => void;
}

/** A verification in a thread of its own. It ends with the page. `onReport` is called with its result. */
export function useVerification(onReport: (report: LogReport) => void): Verification {
  const [state, setState] = useState<State>({ is: 'idle' });
  const worker = useRef<Worker>(null);
  useEffect(() => () => worker.current?.terminate(), []);
  const start = (wanted: Wanted): void => {
    worker.current?.terminate();
    const started = startWorker();
    worker.current = started;
    const startedMs = performance.now();
    setState({ is: 'running', progress: null, startedMs });
    started.addEventListener('error', ({ message }) => setState({ is: 'failed', error: new Error(message) }));
    started.addEventListener('message', ({ data }: MessageEvent<Said>) => {
      if ('progress' in data) {
        setState({ is: 'running', progress: data.progress, startedMs });
        return;
      }
      started.terminate();
      if ('failure' in data) {
        setState({ is: 'failed', error: new Error(data.failure) });
      } else {
        setState({ is: 'done', report: data.report });
        onReport(data.report);
      }
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to name
    started.postMessage(wanted);
  };
  return { state, start };
}
