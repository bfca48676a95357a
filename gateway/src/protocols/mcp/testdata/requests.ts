import type { McpReading } from '../reading.ts';
import { readRequest } from '../reading.ts';

export type Headers = Readonly<Record<string, string>>;

/** Reads a POST with this body, a value or JSON text, as a client sends it. */
export function post(body: unknown, headers: Headers = {}): McpReading {
  return readRequest(
    { method: 'POST', path: '/', headers: Object.entries({ 'content-type': 'application/json', ...headers }) },
    Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  );
}

export function request(method: string, params?: object, id: number | string = 1): object {
  return { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) };
}

/** A request in revision 2026-07-28, in which each message names its revision and the client's capabilities. */
export function statelessRequest(method: string, params: object = {}): object {
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  return request(method, { ...params, _meta: meta });
}

export function statelessHeaders(method: string, name?: string): Headers {
  return { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...(name === undefined ? {} : { 'mcp-name': name }) };
}
