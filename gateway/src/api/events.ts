export const eventsMediaType = 'text/event-stream';

/** The member of a record's line by which it is known where its reader goes on. */
const numbered = /^\{"session":"[0-9a-f]{32}","seq":(\d+),/;
const numberedCharacters = 80;

/** Returns whether a request asks for server-sent events. */
export function wantsEvents(request: Request): boolean {
  return (request.headers.get('accept') ?? '').split(',').some((each) => each.split(';')[0]?.trim() === eventsMediaType);
}

/**
 * Makes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) of lines of JSON: `record` with the record's number in its session as its id, `problem`, and in the
 * end `end`, after which nothing more comes. Who was cut off shows the last id that it has, and gets what is after it.
 */
export async function* eventsOf(pieces: AsyncIterable<Uint8Array>, request: Request): AsyncGenerator<Uint8Array> {
  const last = Number(request.headers.get('last-event-id') ?? -1);
  for await (const piece of pieces) {
    const lines = Buffer.from(piece).toString().trimEnd().split('\n');
    const events = lines.flatMap((line) => {
      const [, id] = numbered.exec(line.slice(0, numberedCharacters)) ?? [];
      return id === undefined ? `event: problem\ndata: ${line}\n\n` : Number(id) <= last ? [] : `id: ${id}\nevent: record\ndata: ${line}\n\n`;
    });
    if (events.length > 0) {
      yield Buffer.from(events.join(''));
    }
  }
  yield Buffer.from('event: end\ndata: {}\n\n');
}
