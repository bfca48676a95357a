import { join } from 'node:path';
import { compileCache } from '../../../../../tests/support/compile-cache.ts';
import { PassThrough } from 'node:stream';
import type { EntryConnection, ProtocolContract } from '../../../../../tests/support/contract.ts';
import { answerShapes, processShapes } from './answer-shapes.ts';
import { runBridge } from '../bridge.ts';

/** The server of the second target, which passes requests on to the server of the first. */
const program = join(import.meta.dirname, 'http-relay.ts');
/** A revision without sessions. */
const version = '2026-07-28';
const call = (params: object): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });

/** @public The tests find it by the protocol's id. */
export const contract: ProtocolContract = {
  transport: 'exchange',
  ways: [
    {
      target: 'mcp',
      path: '',
      type: 'application/json',
      claims: [],
      maskedWords: ['asking secret-abc123'],
      shapes: answerShapes,
      body: (words) => call({ name: 'tell', arguments: { words } }),
      entries: (heard) => [{ name: 'the bridge', connect: ({ addresses, token }) => bridged(`http://${addresses['http']}/t/mcp`, token), heard }],
    },
    {
      target: 'program',
      path: '',
      type: 'application/json',
      claims: ['clientInfo.name=contract', 'clientInfo.version=1'],
      shapes: processShapes,
      headers: { 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': 'tell' },
      place: (server) => `command: ["${process.execPath}", "${program}", "${server}"], environment: { KEY: { env: TARGET_SECRET }, ${compileCache()} }`,
      body: (words) =>
        call({
          name: 'tell',
          arguments: { words },
          _meta: { 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientInfo': { name: 'contract', version: '1' } },
        }),
    },
  ],
};

/** A client of the bridge. The server answers with events of its own and then ends its answer, which the bridge tells as an error of its own. */
function bridged(url: string, token: string): EntryConnection {
  const input = new PassThrough();
  let said = '';
  let wake = (): void => undefined;
  const running = runBridge({
    url,
    token: async () => Promise.resolve(token),
    input,
    write: async (bytes) => {
      said += Buffer.from(bytes).toString();
      wake();
      return Promise.resolve();
    },
  });
  return {
    ask: async (words) => {
      said = '';
      input.write(`${call({ name: 'tell', arguments: { words } })}\n`);
      while (!/"error":.*\n/.test(said)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return { isAllowed: said.includes('the answer ended before it was whole'), text: said };
    },
    close: async () => {
      input.end();
      await running;
    },
  };
}
