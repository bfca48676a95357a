import type { z } from 'zod';
import { streamPieces, withProblem, type Asker } from './stream.ts';

/** One form that the body of an answer has. */
interface Content {
  readonly mediaType: string;
  /** Of the whole body; of each line where it is NDJSON. Null: text or bytes. */
  readonly schema: z.ZodType | null;
}

/** How an endpoint answers, where it does not fail. */
export interface Answer<Result> {
  readonly contents: Readonly<Record<number, readonly Content[]>>;
  readonly respond: (result: Result, asker: Asker) => Response | Promise<Response>;
}

/** An answer that is there at once, and for which it does not matter who asks. */
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
 * Lines of JSON, in pieces that end where a line ends, made as fast as they are taken. Where what was recorded is damaged, a last line `{"problem": …}` says so behind what is whole.
 */
export function lines(schema: z.ZodType): Answer<AsyncIterable<Uint8Array>> {
  return {
    contents: { 200: [{ mediaType: ndjsonMediaType, schema }] },
    respond: async (pieces, asker) => streamPieces(withProblem(pieces), asker, ndjsonMediaType),
  };
}

/** Bytes in pieces, made as fast as they are taken. */
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

/** A whole file, of bytes or of text. */
export const file: PlainAnswer<{ readonly content: Uint8Array; readonly isText: boolean }> = {
  contents: { 200: [bytesMediaType, textMediaType].map((mediaType) => ({ mediaType, schema: null })) },
  respond: ({ content, isText }) => new Response(new Uint8Array(content), { headers: { 'content-type': isText ? textMediaType : bytesMediaType } }),
};
