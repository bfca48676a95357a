import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { openServer, type SampleServer } from './sample-server.ts';

const parcels: Readonly<Record<number, string>> = { 101: 'The parcel left Dover this morning and arrives on Tuesday.' };

/** Starts an MCP server with one tool, which tells where a parcel is. */
export async function openSampleTools(): Promise<SampleServer> {
  const answer = toNodeHandler(createMcpHandler(makeServer));
  return openServer((request, response) => answer(Object.assign(request, { method: request.method ?? '', url: request.url ?? '' }), response));
}

function makeServer(): McpServer {
  const server = new McpServer({ name: 'parcels', version: '1.0.0' });
  server.registerTool(
    'track_parcel',
    { description: 'Where the parcel of an order is', inputSchema: z.object({ order: z.number().int() }), annotations: { readOnlyHint: true } },
    ({ order }) => ({ content: [{ type: 'text', text: parcels[order] ?? 'There is no parcel of this order.' }] }),
  );
  return server;
}
