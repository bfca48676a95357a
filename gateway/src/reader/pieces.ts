import { setImmediate as nextTurn } from 'node:timers/promises';

/** A piece is sent when it has so many characters, or when what follows is not there yet. */
const pieceCharacters = 64 * 1024;

/** Lines of JSON, one for each row. */
export async function* jsonLines(rows: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const row of rows) {
    yield `${JSON.stringify(row)}\n`;
  }
}

/** Texts joined into pieces of UTF-8. Each piece ends where a text ends and owns its memory. Before an error comes everything that was made before it. */
export async function* inPieces(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const iterator = texts[Symbol.asyncIterator]();
  let held = '';
  let next = iterator.next();
  try {
    for (;;) {
      const step = held === '' ? await next : await Promise.race([next, nextTurn(null)]);
      if (step === null || (step.done === true && held !== '') || held.length >= pieceCharacters) {
        yield encoder.encode(held);
        held = '';
        continue;
      }
      if (step.done === true) {
        return;
      }
      held += step.value;
      next = iterator.next();
    }
  } catch (error) {
    if (held !== '') {
      yield encoder.encode(held);
    }
    throw error;
  } finally {
    await iterator.return?.();
  }
}
