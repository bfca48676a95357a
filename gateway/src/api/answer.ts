import type { z } from 'zod';
import { eventsMediaType, eventsOf, wantsEvents } from './events.ts';
import { streamPieces, withProblem, type Asker } from './stream.ts';

/** One media type in which an endpoint answers, with the schema of the body. */
interface Content {
  readonly mediaType: string;
  /** The schema of the whole body; for NDJSON that of each line. Null for text and bytes. */
  readonly schema: z.ZodType | null;
}

/** The form of an endpoint's answers, except its errors. */
export interface Answer<Result> {
  readonly contents: Readonly<Record<number, readonly Content[]>>;
  readonly respond: (result: Result, asker: Asker) => Response | Promise<Response>;
}

/** An answer that is complete at once and does not depend on who asks. */
export interface PlainAnswer<Result> extends Answer<Result> {
  readonly respond: (result: Result) => Response;
}

export const ndjsonMediaType = 'application/x-ndjson';
const textMediaType = 'text/plain; charset=utf-8';
const bytesMediaType = 'application/octet-stream';

export function json<Schema extends z.ZodType>(schema: Schema, status: 200 | 201 = 200): PlainAnswer<z.input<Schema>> {
  return {
    contents: { [status]: [{ mediaType: 'application/json', schema }] },
    respond: (result) => Response.json(result, { status }),
  };
}

/**
 * An answer in lines of JSON. Its pieces end where a line ends, and are made only as fast as the client reads them. If the recording is damaged, a last line
 * `{"problem": …}` says so after all lines that are whole.
 */
export function lines(schema: z.ZodType): Answer<AsyncIterable<Uint8Array>> {
  return {
    contents: { 200: [{ mediaType: ndjsonMediaType, schema }] },
    respond: async (pieces, asker) => streamPieces(withProblem(pieces), asker, ndjsonMediaType),
  };
}

/** An answer in lines of JSON, or in server-sent events for who asks for these, that goes on while there is more. */
export function live(schema: z.ZodType): Answer<AsyncIterable<Uint8Array>> {
  const inLines = lines(schema);
  const contents = [...(inLines.contents[200] ?? []), { mediaType: eventsMediaType, schema: null }];
  return {
    contents: { 200: contents },
    respond: async (pieces, asker) =>
      wantsEvents(asker.request) ? streamPieces(eventsOf(withProblem(pieces), asker.request), asker, eventsMediaType) : inLines.respond(pieces, asker),
  };
}

/** An answer in bytes. Its pieces are made only as fast as the client reads them. */
export const bytes: Answer<AsyncIterable<Uint8Array>> = {
  contents: { 200: [{ mediaType: bytesMediaType, schema: null }] },
  respond: async (pieces, asker) => streamPieces(pieces, asker, bytesMediaType),
};

export function text(mediaType = textMediaType): PlainAnswer<string> {
  return {
    contents: { 200: [{ mediaType, schema: null }] },
    respond: (result) => new Response(result, { headers: { 'content-type': mediaType } }),
  };
}

/** An answer that something else made: for each status the media types, with the schemas of their bodies. A status without one has no body. */
export function passed(statuses: Readonly<Record<number, Readonly<Record<string, z.ZodType | null>>>>): Answer<Response> {
  const contents = Object.entries(statuses).map(
    ([status, schemas]) => [status, Object.entries(schemas).map(([mediaType, schema]) => ({ mediaType, schema }))] as const,
  );
  return { contents: Object.fromEntries(contents), respond: (response) => response };
}

/** An answer that is a whole file, of bytes or of text. */
export const file: PlainAnswer<{ readonly content: Uint8Array; readonly isText: boolean }> = {
  contents: { 200: [bytesMediaType, textMediaType].map((mediaType) => ({ mediaType, schema: null })) },
  respond: ({ content, isText }) => new Response(new Uint8Array(content), { headers: { 'content-type': isText ? textMediaType : bytesMediaType } }),
};
