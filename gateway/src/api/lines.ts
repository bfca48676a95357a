/** Yields objects as lines of JSON. */
export async function* inLines(objects: AsyncIterable<object>): AsyncGenerator<Uint8Array> {
  for await (const each of objects) {
    yield Buffer.from(`${JSON.stringify(each)}\n`);
  }
}
