import { setImmediate as nextTurn } from 'node:timers/promises';

/** A piece is sent when it has this many characters, or when the next text is not there yet. */
const pieceCharacters = 64 * 1024;

/** Writes each row as a line of JSON. */
export async function* jsonLines(rows: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const row of rows) {
    yield `${JSON.stringify(row)}\n`;
  }
}

/** Joins texts into pieces of UTF-8. Each piece ends where a text ends and owns its memory. An error comes after all texts that were made before it. */
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
