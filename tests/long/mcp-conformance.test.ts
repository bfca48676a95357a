import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { before, describe, test } from 'node:test';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { makeConformanceServer } from '../../gateway/src/protocols/mcp/testdata/conformance-server.ts';
import { compileCache } from '../support/compile-cache.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

const root = join(import.meta.dirname, '..', '..');
const suite = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const program = join(root, 'gateway', 'src', 'protocols', 'mcp', 'testdata', 'conformance-stdio.ts');
const suiteMs = 150_000;

describe('the official conformance suite for servers', () => {
  let server: SampleServer;
  let gateway: GatewayProcess;
  let direct: ReadonlyMap<string, boolean>;
  const parts = suiteParts();
  before(async () => {
    server = parts.use(await openConformanceServer());
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets:
  remote: { protocol: mcp, url: "${server.url}", durability: process }
  program: { command: ["${process.execPath}", "${program}"], environment: { ${compileCache()} }, durability: process }
principals:
  agent: { kind: agent, targets: [remote, program] }
`,
      }),
    );
    direct = await conformance(server.url);
  });

  const through = async (target: string): Promise<ReadonlyMap<string, boolean>> => {
    await using forwarder = await openForwarder(`http://127.0.0.1:${gateway.port('http')}/t/${target}`, await gateway.issueToken('agent'));
    return await conformance(forwarder.url);
  };

  test('passes where there is no gateway, but for what a server of the SDK leaves to who runs it', () => {
    assert.ok(direct.size > 25);
    assert.deepEqual(failures(direct), ['dns-rebinding-protection']);
  });

  test('passes through the gateway', async () => {
    const seen = await through('remote');
    assert.equal(seen.size, direct.size);
    assert.deepEqual(failures(seen), []);
  });

  test('passes with the server as a program', async () => {
    const seen = await through('program');
    assert.equal(seen.size, direct.size);
    assert.deepEqual(failures(seen), []);
  });
});

function failures(results: ReadonlyMap<string, boolean>): string[] {
  return [...results].filter(([, passed]) => !passed).map(([name]) => name);
}

/** Whether each scenario passed. */
async function conformance(url: string): Promise<ReadonlyMap<string, boolean>> {
  const child = spawn(process.execPath, [suite, 'server', '--url', url, '--suite', 'all'], { stdio: ['ignore', 'pipe', 'inherit'], timeout: suiteMs });
  const output = await text(child.stdout);
  const summary = output.slice(output.indexOf('=== SUMMARY ==='));
  return new Map([...summary.matchAll(/^([✓✗]) ([\w-]+): /gm)].map(([, mark, name]) => [name ?? '', mark === '✓']));
}

async function openConformanceServer(): Promise<SampleServer> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  return openServer(async (incoming, response) => {
    const known = transports.get(String(incoming.headers['mcp-session-id']));
    const transport =
      known ??
      new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: memoryOfEvents(),
        retryInterval: 100,
        onsessioninitialized: (id) => {
          transports.set(id, transport);
        },
      });
    if (known === undefined) {
      await makeConformanceServer().connect(transport);
    }
    await transport.handleRequest(incoming, response);
  });
}

function memoryOfEvents(): EventStore {
  const events: { readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  return {
    storeEvent: async (stream, message) => Promise.resolve(String(events.push({ stream, message }) - 1)),
    getStreamIdForEventId: async (id) => Promise.resolve(events[Number(id)]?.stream),
    replayEventsAfter: async (last, { send }) => {
      const stream = events[Number(last)]?.stream ?? '';
      for (const [id, event] of events.entries()) {
        if (id > Number(last) && event.stream === stream && Object.keys(event.message).length > 0) {
          await send(String(id), event.message);
        }
      }
      return stream;
    },
  };
}

/** The suite can be given no token. */
async function openForwarder(url: string, token: string): Promise<SampleServer> {
  return openServer(async (incoming, response) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    const forwarded = request(url, { method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    response.once('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
    await Promise.resolve();
  });
}
