import { join } from 'node:path';
import { compileCache } from '../../../../../tests/support/compile-cache.ts';
import type { ProtocolContract } from '../../../../../tests/support/contract.ts';

/** The server of the second target, which passes requests on to the server of the first. */
const program = join(import.meta.dirname, 'http-relay.ts');
/** A revision without sessions. */
const version = '2026-07-28';
const call = (params: object): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'exchange',
  ways: [
    { target: 'mcp', path: '', type: 'application/json', maskedWords: ['asking secret-abc123'], body: (words) => call({ name: 'tell', arguments: { words } }) },
    {
      target: 'program',
      path: '',
      type: 'application/json',
      headers: { 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': 'tell' },
      place: (server) => `command: ["${process.execPath}", "${program}", "${server}"], environment: { KEY: { env: TARGET_SECRET }, ${compileCache()} }`,
      body: (words) => call({ name: 'tell', arguments: { words }, _meta: { 'io.modelcontextprotocol/protocolVersion': version } }),
    },
  ],
};
