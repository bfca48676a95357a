import type { Context } from 'hono';
import { stream } from 'hono/streaming';

/** One JSON text a line, as fast as the reader takes them. */
export function ndjson(context: Context, rows: AsyncIterable<unknown>): Response {
  context.header('content-type', 'application/x-ndjson');
  return streamLines(context, map(rows, (row) => `${JSON.stringify(row)}\n`));
}

export function streamLines(context: Context, lines: AsyncIterable<string>): Response {
  return stream(context, async (out) => {
    for await (const line of lines) {
      if (out.aborted) {
        return;
      }
      await out.write(line);
    }
  });
}

async function* map<From, To>(rows: AsyncIterable<From>, change: (row: From) => To): AsyncGenerator<To> {
  for await (const row of rows) {
    yield change(row);
  }
}

/** The first item is asked for before the response begins, so that an error there has a status of its own. */
export async function begun<Item>(rows: AsyncIterable<Item>): Promise<AsyncIterable<Item>> {
  const iterator = rows[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let step = first; step.done !== true; step = await iterator.next()) {
        yield step.value;
      }
    } finally {
      await iterator.return?.();
    }
  })();
}
