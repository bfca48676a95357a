/** The server of the conformance suite over standard input and output, as a program that a test starts. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { makeConformanceServer } from './conformance-server.ts';

await makeConformanceServer().connect(new StdioServerTransport());
