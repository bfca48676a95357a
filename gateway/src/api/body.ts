import type { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { parseInput } from './input.ts';

const jsonBytesMax = 64 * 1024;

/** The body that an endpoint expects in its requests. */
export interface RequestBody<Body> {
  readonly mediaType: string;
  /** Null: the body is bytes. */
  readonly schema: z.ZodType | null;
  readonly bytesMax: number;
  /** Reads the body of a request. Rejects with GatewayError `limit_exceeded` or `malformed`. */
  readonly read: (request: Request) => Promise<Body>;
}

/** A body of JSON, with at most 64 KiB unless `bytesMax` says otherwise. An empty body counts as `{}`. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema, bytesMax = jsonBytesMax): RequestBody<z.output<Schema>> {
  return {
    mediaType: 'application/json',
    schema,
    bytesMax,
    read: async (request) => parseInput(schema, parseJson((await readBytes(request, bytesMax)).toString())),
  };
}

export function bytesBody(bytesMax: number): RequestBody<Uint8Array> {
  return { mediaType: 'application/octet-stream', schema: null, bytesMax, read: async (request) => readBytes(request, bytesMax) };
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('malformed', 'The request body is not JSON.', { cause });
  }
}

export async function readBytes(request: Request, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new GatewayError('limit_exceeded', `A request body is at most ${bytesMax} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
