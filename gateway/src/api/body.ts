import type { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';

const bodyBytesMax = 64 * 1024;

/** The JSON body, validated. Errors: `malformed`, `limit_exceeded`. */
export async function parseBody<Schema extends z.ZodType>(request: Request, schema: Schema): Promise<z.output<Schema>> {
  const text = await readText(request);
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

async function readText(request: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) {
      throw new GatewayError('limit_exceeded', `A request body is at most ${bodyBytesMax} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
