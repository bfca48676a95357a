import { GatewayError } from '../domain/errors.ts';
import { problemOf } from '../exchange/problem.ts';
import { checkCaller, type Caller } from './caller.ts';

/** Who waits for an answer. */
export interface Asker {
  readonly caller: Caller;
  /** Ends an answer that has begun, so that nobody takes it for a whole one. */
  readonly breakOff: (error: Error) => void;
}

/**
 * An answer in pieces. The first one is awaited, so that an error there has a status of its own; a later one breaks the connection off, so that
 * half an answer is never taken for a whole one. When the reader leaves, or may not read on, the rest is not made.
 */
export async function streamPieces(pieces: AsyncIterable<Uint8Array>, { caller, breakOff }: Asker, contentType: string): Promise<Response> {
  const iterator = pieces[Symbol.asyncIterator]();
  let step: IteratorResult<Uint8Array> | null = await iterator.next();
  let forget: (() => void) | undefined;
  let hasLeft = false;
  const body = new ReadableStream<Uint8Array>({
    start: () => {
      forget = caller.standing?.onEnd(({ error }) => {
        breakOff(error);
        void iterator.return?.();
      });
    },
    pull: async (controller) => {
      try {
        const { done, value } = step ?? (await iterator.next());
        step = null;
        if (hasLeft) {
          return;
        }
        checkCaller(caller);
        if (done === true) {
          forget?.();
          controller.close();
        } else {
          controller.enqueue(value);
        }
      } catch (error) {
        // With its connection the stream is cancelled. An error of its own would be printed by who reads it, stack and all.
        breakOff(error instanceof Error ? error : new Error('the answer could not be made', { cause: error }));
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

/** Lines of JSON with an error behind the first of them as a last line. */
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
