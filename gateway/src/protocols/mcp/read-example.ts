import type { Attributes } from '../../domain/action.ts';
import { readFacts } from './reading.ts';

/**
 * Reads a message that is written as `METHOD PARAMS`: `tools/call {"name": "search", "arguments": {}}`. Nothing is known of the tool. Throws GatewayError
 * `malformed` or `limit_exceeded`.
 */
export async function readExample(text: string): Promise<Attributes> {
  const [, method = '', params = ''] = /^\s*(\S*)\s*([^]*)$/.exec(text) ?? [];
  const message = `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)},"params":${params.trim() === '' ? '{}' : params}}`;
  return readFacts({ method: 'POST', path: '/', headers: [['content-type', 'application/json']] }, Buffer.from(message)).attributes;
}
