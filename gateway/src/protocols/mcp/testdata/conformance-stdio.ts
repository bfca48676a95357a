/** The same over standard input and output: a test starts it. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { makeConformanceServer } from './conformance-server.ts';

await makeConformanceServer().connect(new StdioServerTransport());
