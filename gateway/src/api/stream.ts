import { GatewayError } from '../domain/errors.ts';
import { problemOf } from '../exchange/problem.ts';
import type { Caller } from './caller.ts';

/** While a piece is awaited, it is looked this often in ms whether the caller may still have it. */
const checkMs = 500;

/** The caller that waits for an answer. */
export interface Asker {
  readonly caller: Caller;
  /** Cuts off an answer that has begun, so that nobody takes it for a complete one. */
  readonly breakOff: (error: Error) => void;
  readonly request: Request;
}

/**
 * Makes an answer of pieces. The first piece is awaited, so an error before it has a status of its own. A later error cuts the connection, so that a partial
 * answer is never taken for a complete one. No more pieces are made after the client leaves, its credential ends or it has other rights.
 */
export async function streamPieces(pieces: AsyncIterable<Uint8Array>, { caller, breakOff }: Omit<Asker, 'request'>, contentType: string): Promise<Response> {
  const iterator = pieces[Symbol.asyncIterator]();
  let step: IteratorResult<Uint8Array> | null = await iterator.next();
  let forget: (() => void) | undefined;
  let hasLeft = false;
  const end = (error: unknown): void => {
    // Cutting the connection cancels the stream. An error of the stream itself would be printed with its stack by the code that reads it.
    breakOff(error instanceof Error ? error : new Error('the answer could not be made', { cause: error }));
    void iterator.return?.();
  };
  const check = (): void => {
    try {
      caller.check();
    } catch (error) {
      end(error);
    }
  };
  const body = new ReadableStream<Uint8Array>({
    start: () => {
      forget = caller.standing?.onEnd(({ error }) => {
        end(error);
      });
    },
    pull: async (controller) => {
      const checking = setInterval(check, checkMs);
      try {
        const { done, value } = step ?? (await iterator.next());
        step = null;
        if (hasLeft) {
          return;
        }
        caller.check();
        if (done === true) {
          forget?.();
          controller.close();
        } else {
          controller.enqueue(value);
        }
      } catch (error) {
        end(error);
      } finally {
        clearInterval(checking);
      }
    },
    cancel: async () => {
      hasLeft = true;
      forget?.();
      await iterator.return?.();
    },
  });
  return new Response(body, { headers: { 'content-type': contentType } });
}

/** Adds an error that comes after the first piece as a last line of JSON. */
export async function* withProblem(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  try {
    for await (const piece of pieces) {
      isFirst = false;
      yield piece;
    }
  } catch (error) {
    if (isFirst || !(error instanceof GatewayError)) {
      throw error;
    }
    yield Buffer.from(`${JSON.stringify({ problem: problemOf(error) })}\n`);
  }
}
