/** A real server that a test starts. With `HEARD` in its environment it keeps what it was sent in that file. */
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const { HEARD: heard } = process.env;
if (heard !== undefined) {
  process.stdin.on('data', (bytes: Buffer) => {
    appendFileSync(heard, bytes);
  });
}

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

server.registerTool('ask_once_there_is', { inputSchema: { file: z.string() } }, async ({ file }) => {
  while (!existsSync(file)) {
    await setTimeout(10);
  }
  const { content } = await server.server.elicitInput({ message: 'Which account?', requestedSchema: { type: 'object', properties: {} } });
  return { content: [{ type: 'text', text: JSON.stringify(content) }] };
});

server.registerTool('environment', {}, () => ({ content: [{ type: 'text', text: JSON.stringify(process.env) }] }));

server.registerTool('die', {}, async ({ _meta, sendNotification }) => {
  if (_meta?.progressToken !== undefined) {
    await sendNotification({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress: 1 } });
  }
  process.exit(1);
});

await server.connect(new StdioServerTransport());
