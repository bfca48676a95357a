import type { Attributes } from '../../domain/action.ts';
import { readFacts } from './model-request.ts';

/** Reads a request that is written as `METHOD PATH BODY`: `POST /v1/chat/completions {"model": "m"}`. Throws GatewayError `malformed` or `limit_exceeded`. */
export async function readExample(text: string): Promise<Attributes> {
  const [, method = '', path = '/', body = ''] = /^\s*(\S*)\s*(\S*)\s*([^]*)$/.exec(text) ?? [];
  return readFacts({ method, path, headers: [] }, Buffer.from(body)).facts.attributes;
}
