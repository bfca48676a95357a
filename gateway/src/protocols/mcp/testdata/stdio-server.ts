/** A real server that a test starts. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const server = new McpServer({ name: 'calculator', version: '1' });

server.registerTool('add', { inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }, { _meta, sendNotification }) => {
  if (_meta?.progressToken !== undefined) {
    await sendNotification({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress: 1 } });
  }
  return { content: [{ type: 'text', text: String(a + b) }] };
});

server.registerTool('ask', {}, async () => {
  const { content } = await server.server.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: 'Capital?' } }], maxTokens: 9 });
  return { content: [{ type: 'text', text: JSON.stringify(content) }] };
});

await server.connect(new StdioServerTransport());
