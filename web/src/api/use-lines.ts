import { useEffect, useState } from 'react';
import { lines, type Input, type Operation } from './ask.ts';
import type { Operations } from './schema.ts';

export interface Lines<Line> {
  readonly lines: readonly Line[];
  /** True: the answer has ended. */
  readonly isWhole: boolean;
  readonly error: Error | null;
}

const none = { lines: [], isWhole: false, error: null } as const;

/** The lines of an answer as they arrive. A page is drawn once for those that arrive together. The input is asked anew when it changes; null asks nothing. */
export function useLines<Name extends Operation>(name: Name, input: Omit<Input<Name>, 'signal'> | null): Lines<Operations[Name]['line']> {
  const [state, setState] = useState<Lines<Operations[Name]['line']>>(none);
  const key = JSON.stringify(input);
  useEffect(() => {
    const left = new AbortController();
    setState(none);
    if (input !== null) {
      void follow(name, { ...input, signal: left.signal }, setState);
    }
    return () => left.abort();
    // The key stands for the input, which is another object each time.
  }, [name, key]);
  return state;
}

async function follow<Name extends Operation>(name: Name, input: Input<Name>, show: (state: Lines<Operations[Name]['line']>) => void): Promise<void> {
  const all: Operations[Name]['line'][] = [];
  let drawing = 0;
  const end = (error: Error | null): void => {
    cancelAnimationFrame(drawing);
    if (input.signal?.aborted !== true) {
      show({ lines: all, isWhole: true, error });
    }
  };
  try {
    for await (const some of lines(name, input)) {
      all.push(...some);
      cancelAnimationFrame(drawing);
      drawing = requestAnimationFrame(() => input.signal?.aborted !== true && show({ lines: all.slice(), isWhole: false, error: null }));
    }
    end(null);
  } catch (error) {
    end(error instanceof Error ? error : new Error(String(error)));
  }
}
