import { startTransition, useEffect, useState, type Dispatch, type SetStateAction } from 'react';
import { isLost, lines, lostMs, type Input, type Operation } from './ask.ts';
import type { Operations } from './schema.ts';

export interface Lines<Line> {
  readonly lines: readonly Line[];
  /** True: the answer has ended. */
  readonly isWhole: boolean;
  readonly error: Error | null;
}

/** While lines arrive, a page is drawn at most so often, and the less often the more lines it has. The first are drawn at once. */
const drawMs = 400;
const drawMsOfLine = 0.01;

const none = { lines: [], isWhole: false, error: null } as const;

/** The lines of an answer as they arrive. The input is asked anew when it changes; null asks nothing. */
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

/** Shows the lines of an answer as they arrive. If the gateway is lost, what there is stays, and all of it is asked again until the gateway is back. */
async function follow<Name extends Operation>(name: Name, input: Input<Name>, show: Dispatch<SetStateAction<Lines<Operations[Name]['line']>>>): Promise<void> {
  while (await isBrokenOff(name, input, show)) {
    await new Promise((resolve) => {
      setTimeout(resolve, lostMs);
    });
  }
}

/** Shows the lines of one answer. Resolves with true if the gateway was lost, so that it is to be asked again. */
async function isBrokenOff<Name extends Operation>(
  name: Name,
  input: Input<Name>,
  show: Dispatch<SetStateAction<Lines<Operations[Name]['line']>>>,
): Promise<boolean> {
  const all: Operations[Name]['line'][] = [];
  let drawing: ReturnType<typeof setTimeout> | undefined;
  let drawn = -Infinity;
  const draw = (): void => {
    drawing = undefined;
    drawn = performance.now();
    if (input.signal?.aborted !== true) {
      startTransition(() => show({ lines: all.slice(), isWhole: false, error: null }));
    }
  };
  const end = (error: Error | null): boolean => {
    clearTimeout(drawing);
    if (input.signal?.aborted === true) {
      return false;
    }
    const isToBeAsked = isLost(error);
    show((before) => ({ lines: isToBeAsked && all.length < before.lines.length ? before.lines : all, isWhole: !isToBeAsked, error }));
    return isToBeAsked;
  };
  try {
    for await (const some of lines(name, input)) {
      all.push(...some);
      drawing ??= setTimeout(draw, drawn + drawMs + all.length * drawMsOfLine - performance.now());
    }
    return end(null);
  } catch (error) {
    return end(error instanceof Error ? error : new Error(String(error)));
  }
}
