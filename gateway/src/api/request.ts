import type { Context } from 'hono';
import type { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import type { Caller } from './context.ts';

export interface ApiEnvironment {
  Variables: { caller: Caller };
}

const bodyBytesMax = 64 * 1024;

/** The JSON body, validated. Errors: `malformed`, `limit_exceeded`. */
export async function parseBody<Schema extends z.ZodType>(context: Context, schema: Schema): Promise<z.output<Schema>> {
  if (Number(context.req.header('content-length') ?? 0) > bodyBytesMax) {
    throw new GatewayError('limit_exceeded', `A request body is at most ${bodyBytesMax} bytes.`);
  }
  const text = await context.req.text();
  let body: unknown;
  try {
    body = JSON.parse(text === '' ? '{}' : text);
  } catch (cause) {
    throw new GatewayError('malformed', 'The request body is not JSON.', { cause });
  }
  const outcome = schema.safeParse(body);
  if (!outcome.success) {
    throw new GatewayError('malformed', outcome.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  }
  return outcome.data;
}
