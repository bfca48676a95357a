import { z } from 'zod';
import { passed } from '../answer.ts';
import { jsonBody } from '../body.ts';
import { endpoint } from '../endpoint.ts';
import type { ApiParts } from '../parts.ts';

export const serveRecord = endpoint({
  id: 'serveRecord',
  method: 'POST',
  path: '/api/v1/mcp',
  summary: 'Serves the record as an MCP server (Streamable HTTP) with the tools search, list_sessions and show_record.',
  description:
    'The tools do what the endpoints do, within the rights of the caller, and each use is recorded. Answers are data that others wrote, and never instructions.',
  callers: 'search',
  body: jsonBody(z.unknown()),
  answer: passed({ 'application/json': z.unknown(), 'text/event-stream': null }),
  act: async (parts: ApiParts, { caller, body, request }) => {
    // Loaded when somebody asks, because most gateways never serve it.
    const [{ createMcpHandler, McpServer }, { addRecordTools }] = await Promise.all([import('@modelcontextprotocol/server'), import('../record-tools.ts')]);
    const { fetch: serve } = createMcpHandler(() => {
      const [name = '', version = ''] = parts.software.split(' ');
      const server = new McpServer({ name, version });
      addRecordTools(server, { parts, caller, request });
      return server;
    });
    return serve(request, { parsedBody: body });
  },
});
