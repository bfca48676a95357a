import { useEffect, useRef, useState } from 'react';
import { lines } from '../../api/ask.ts';
import { noTrial, withLines, type Trial } from './trial.ts';
import type { Candidate } from './use-check.ts';

interface RunningTrial extends Trial {
  readonly isRunning: boolean;
  readonly error: Error | null;
  readonly begin: (files: Candidate, days: number) => void;
  readonly stop: () => void;
}

/** A trial of policies on what was recorded. It ends when it is stopped, when another one begins, and with the page. */
export function useTrial(): RunningTrial {
  const [trial, setTrial] = useState(noTrial);
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const left = useRef<AbortController>(null);
  const stop = (): void => {
    left.current?.abort();
    left.current = null;
    setRunning(false);
  };
  const run = async (files: Candidate, days: number, { signal }: AbortController): Promise<void> => {
    try {
      for await (const some of lines('POST /api/v1/policy/try', { body: { files: [...files], days }, signal })) {
        setTrial((before) => withLines(before, some));
      }
    } catch (problem) {
      if (!signal.aborted) {
        setError(problem instanceof Error ? problem : new Error(String(problem)));
      }
    }
    if (!signal.aborted) {
      setRunning(false);
    }
  };
  useEffect(() => () => left.current?.abort(), []);
  return {
    ...trial,
    isRunning,
    error,
    begin: (files, days) => {
      stop();
      setTrial(noTrial);
      setError(null);
      setRunning(true);
      left.current = new AbortController();
      void run(files, days, left.current);
    },
    stop,
  };
}
