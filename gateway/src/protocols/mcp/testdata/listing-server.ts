/** A server of standard input and output that lists one tool, which is named by its process. */
import { createInterface } from 'node:readline';

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id }: { readonly id?: unknown } = JSON.parse(line);
  if (id !== undefined) {
    const tools = [{ name: `tool_of_${process.pid}`, inputSchema: { type: 'object' } }];
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: { tools } })}\n`);
  }
});
