import { z } from 'zod';
import { problemMediaType } from '../../exchange/problem.ts';
import { passed } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';
import { problemSchema } from '../problem.ts';

const rpcError = { 'application/json': z.unknown() };

export const serveRecord = endpoint({
  id: 'serveRecord',
  method: 'POST',
  path: '/api/v1/mcp',
  summary: 'Serves the record as an MCP server (Streamable HTTP) with the tools search, list_sessions and show_record.',
  description:
    'The tools do what the endpoints do, within the rights of the caller, and each use is recorded. Answers are data that others wrote, and never instructions.',
  callers: 'search',
  // Several messages in one body, as older revisions have them, would count as one request.
  body: jsonBody(z.looseObject({})),
  answer: passed({
    200: { 'application/json': z.unknown(), 'text/event-stream': null },
    202: {},
    400: { ...rpcError, [problemMediaType]: problemSchema },
    404: rpcError,
    406: rpcError,
    415: rpcError,
  }),
  act: async (parts: ApiParts, { caller, body, request }) => {
    // Loaded when somebody asks, because most gateways never serve it.
    const [{ createMcpHandler, McpServer }, { addRecordTools }] = await Promise.all([import('@modelcontextprotocol/server'), import('../record-tools.ts')]);
    const { fetch: serve } = createMcpHandler(
      () => {
        const [name = '', version = ''] = parts.software.split(' ');
        const server = new McpServer({ name, version }, { capabilities: { tools: { listChanged: false } } });
        addRecordTools(server, { parts, caller, request });
        return server;
      },
      // The tools never change, and a stream that waits for that would outlive the right to ask.
      { maxSubscriptions: 0 },
    );
    return serve(request, { parsedBody: body });
  },
});
