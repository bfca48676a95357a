import { GatewayError } from '../domain/errors.ts';
import { problemOf } from '../domain/problem.ts';
import { checkCaller } from './context.ts';
import type { Call } from './endpoint.ts';

type StreamedCall = Pick<Call, 'caller' | 'breakOff'>;

/**
 * One JSON text a line, made as fast as the reader takes them. Where what was recorded is damaged, a last line `{"problem": …}` says so behind what is whole.
 */
export async function ndjson(rows: AsyncIterable<unknown>, call: StreamedCall): Promise<Response> {
  return streamPieces(stringify(rows), call, 'application/x-ndjson');
}

/**
 * An answer in pieces. The first one is awaited, so that an error there has a status of its own; a later one breaks the connection off, so that
 * half an answer is never taken for a whole one. When the reader leaves, or may not read on, the rest is not made.
 */
export async function streamPieces(pieces: AsyncIterable<string | Uint8Array>, { caller, breakOff }: StreamedCall, contentType: string): Promise<Response> {
  const iterator = pieces[Symbol.asyncIterator]();
  let step: IteratorResult<string | Uint8Array> | null = await iterator.next();
  let forget: (() => void) | undefined;
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
        checkCaller(caller);
        if (done === true) {
          forget?.();
          controller.close();
        } else {
          controller.enqueue(Buffer.from(value));
        }
      } catch (error) {
        // With its connection the stream is cancelled. An error of its own would be printed by who reads it, stack and all.
        breakOff(error instanceof Error ? error : new Error('the answer could not be made', { cause: error }));
      }
    },
    cancel: async () => {
      forget?.();
      await iterator.return?.();
    },
  });
  return new Response(body, { headers: { 'content-type': contentType } });
}

async function* stringify(rows: AsyncIterable<unknown>): AsyncGenerator<string> {
  let isFirst = true;
  try {
    for await (const row of rows) {
      isFirst = false;
      yield `${JSON.stringify(row)}\n`;
    }
  } catch (error) {
    if (isFirst || !(error instanceof GatewayError)) {
      throw error;
    }
    yield `${JSON.stringify({ problem: problemOf(error) })}\n`;
  }
}
