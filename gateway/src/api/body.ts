import type { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';

const bodyBytesMax = 64 * 1024;
const uploadBytesMax = 256 * 1024;

/** The JSON body, validated. Errors: `malformed`, `limit_exceeded`. */
export async function parseBody<Schema extends z.ZodType>(request: Request, schema: Schema): Promise<z.output<Schema>> {
  const text = (await read(request, bodyBytesMax)).toString();
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('malformed', 'The request body is not JSON.', { cause });
  }
  const outcome = schema.safeParse(body);
  if (!outcome.success) {
    throw new GatewayError('malformed', outcome.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; '));
  }
  return outcome.data;
}

/** A body of bytes. Errors: `limit_exceeded`. */
export async function readBytes(request: Request): Promise<Uint8Array> {
  return read(request, uploadBytesMax);
}

async function read(request: Request, bytesMax: number): Promise<Buffer> {
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
