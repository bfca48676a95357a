/** The official clients and servers, of the revisions with sessions and of 2026-07-28, with our reading between them. */
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Client as StatelessClient, StreamableHTTPClientTransport as StatelessTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { CreateMessageRequestSchema, CreateMessageResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { createMcpHandler, inputRequired, inputResponse, McpServer as StatelessServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Action } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Passed } from './testdata/passage.ts';
import { passage } from './testdata/passage.ts';
import { compareTools } from './tool-definitions.ts';

const url = new URL('http://gateway.test/');
const q = { q: z.string() };

function refuseDelete({ attributes }: Action): void {
  if (attributes['gen_ai.tool.name'] === 'delete') {
    throw new GatewayError('refused', 'No policy lets you call it.');
  }
}

function found(passed: readonly Passed[], action: string): Passed {
  const one = passed.findLast((each) => each.action.name === action);
  assert.ok(one, `${action} in ${passed.map((each) => each.action.name).join()}`);
  return one;
}

/** The real server of the first package: sessions, streams, requests of its own. */
async function sessionServer(): Promise<{ serve: (request: Request) => Promise<Response>; server: McpServer }> {
  const server = new McpServer({ name: 'shop', version: '1' });
  server.registerTool('search', { description: 'Searches', inputSchema: q }, ({ q: word }) => ({ content: [{ type: 'text', text: `found ${word}` }] }));
  server.registerTool('fail', {}, () => ({ content: [{ type: 'text', text: 'no such table' }], isError: true }));
  server.registerTool('ask', {}, async ({ sendRequest }) => {
    const params = { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Capital?' } }], maxTokens: 9 };
    const { content } = await sendRequest({ method: 'sampling/createMessage', params }, CreateMessageResultSchema);
    const { action } = await server.server.elicitInput({ message: 'Sure?', requestedSchema: { type: 'object', properties: { yes: { type: 'boolean' } } } });
    return { content: [{ type: 'text', text: `${JSON.stringify(content)} ${action}` }] };
  });
  server.registerResource('readme', 'file:///readme', {}, () => ({ contents: [{ uri: 'file:///readme', text: 'Read me' }] }));
  server.registerPrompt('greet', { argsSchema: { who: z.string() } }, ({ who }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet ${who}` } }],
  }));
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await server.connect(transport);
  return { serve: (request) => transport.handleRequest(request), server };
}

describe('revisions with sessions', () => {
  test('everything an agent does comes through, is named and is shown', async () => {
    const { serve } = await sessionServer();
    const { fetch, passed } = passage(serve, refuseDelete);
    const client = new Client({ name: 'agent', version: '1' }, { capabilities: { sampling: {}, elicitation: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'Paris' } }));
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { yes: true } }));
    const transport = new StreamableHTTPClientTransport(url, { fetch });
    await client.connect(transport);

    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      ['search', 'fail', 'ask'],
    );
    assert.deepEqual((await client.callTool({ name: 'search', arguments: { q: 'ä' } })).content, [{ type: 'text', text: 'found ä' }]);
    assert.equal((await client.callTool({ name: 'fail' })).isError, true);
    while (!passed.some(({ action }) => action.name === 'mcp.open_stream')) {
      await setImmediate();
    }
    const asked = await client.callTool({ name: 'ask' });
    assert.match(JSON.stringify(asked.content), /Paris.*accept/);
    assert.equal((await client.readResource({ uri: 'file:///readme' })).contents.length, 1);
    assert.equal((await client.getPrompt({ name: 'greet', arguments: { who: 'Bo' } })).messages.length, 1);
    await client.ping();
    await assert.rejects(client.callTool({ name: 'delete' }), (error) => error instanceof Error && /No policy lets you call it/.test(error.message));
    await transport.terminateSession();
    await client.close();

    const names = new Set(passed.map(({ action }) => action.name));
    for (const name of [
      'initialize',
      'initialized',
      'open_stream',
      'list_tools',
      'call_tool',
      'answer',
      'read_resource',
      'get_prompt',
      'ping',
      'end_session',
    ]) {
      assert.ok(names.has(`mcp.${name}`), name);
    }
    assert.ok(!names.has('mcp.unknown'));

    const session = (await found(passed, 'mcp.initialize').answered).facts['mcp.session.id'];
    assert.match(String(session), /^[0-9a-f-]{36}$/);
    const call = passed.find(({ action }) => action.attributes['gen_ai.tool.name'] === 'search');
    assert.equal(call?.action.attributes['mcp.session.id'], session);
    assert.equal(call?.action.attributes['mcp.protocol.version'], '2025-11-25');
    assert.equal(call?.text, 'call_tool search({"q":"ä"})');
    assert.deepEqual(await call?.answered, { facts: { 'countersign.outcome': 'result' }, tools: null, text: 'found ä' });
    const asking = passed.find(({ action }) => action.attributes['gen_ai.tool.name'] === 'ask');
    assert.deepEqual((await asking?.answered)?.facts, { 'countersign.outcome': 'result', 'countersign.server_requests': ['mcp.sample'] });
    assert.deepEqual((await found(passed, 'mcp.open_stream').answered).facts, { 'countersign.server_requests': ['mcp.elicit'] });
    assert.equal((await found(passed, 'mcp.list_tools').answered).text, 'search: Searches\nfail\nask');
    assert.equal((await found(passed, 'mcp.get_prompt').answered).text, 'user: Greet Bo');
  });

  test('D38: a tool whose definition changes is seen to have changed', async () => {
    const { serve, server } = await sessionServer();
    const { fetch, passed } = passage(serve);
    const client = new Client({ name: 'agent', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(url, { fetch }));
    const changes = async (known: Parameters<typeof compareTools>[0]): Promise<ReturnType<typeof compareTools>> => {
      await client.listTools();
      const { tools } = await found(passed, 'mcp.list_tools').answered;
      assert.ok(tools);
      return compareTools(known, tools, 0);
    };
    const first = await changes(new Map());
    assert.deepEqual(first.changes, { added: ['search', 'fail', 'ask'], changed: [], gone: [] });
    const again = await changes(first.known);
    assert.deepEqual(again.changes, { added: [], changed: [], gone: [] });
    server.registerTool('new', {}, () => ({ content: [] }));
    const added = await changes(again.known);
    assert.deepEqual(added.changes, { added: ['new'], changed: [], gone: [] });
    await client.close();
  });
});

describe('2026-07-28', () => {
  const handler = createMcpHandler(() => {
    const server = new StatelessServer({ name: 'shop', version: '1' });
    server.registerTool('search', { description: 'Searches', inputSchema: z.object(q) }, ({ q: word }) => ({
      content: [{ type: 'text', text: `found ${word}` }],
    }));
    server.registerTool('delete', {}, () => ({ content: [] }));
    server.registerTool('route', { inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }) }, ({ region }) => ({
      content: [{ type: 'text', text: region }],
    }));
    server.registerTool('ask', {}, (context) => {
      const answer = inputResponse(context.mcpReq.inputResponses, 'sure');
      return answer.kind === 'missing'
        ? inputRequired({ inputRequests: { sure: inputRequired.elicit({ message: 'Sure?', requestedSchema: { type: 'object', properties: {} } }) } })
        : { content: [{ type: 'text', text: answer.kind }] };
    });
    server.registerResource('readme', new URL('file:///größe').href, {}, ({ href }) => ({ contents: [{ uri: href, text: 'Read me' }] }));
    return server;
  });

  test('everything an agent does comes through, is named and is shown', async () => {
    const { fetch, passed } = passage((request) => handler.fetch(request), refuseDelete);
    const client = new StatelessClient(
      { name: 'agent', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { form: {} } } },
    );
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }));
    await client.connect(new StatelessTransport(url, { fetch }));
    assert.equal((await client.listTools()).tools.length, 4);
    const text = async (name: string, args = {}): Promise<string> => JSON.stringify((await client.callTool({ name, arguments: args })).content);
    assert.match(await text('search', { q: 'x' }), /found x/);
    assert.match(await text('route', { region: 'Köln 1' }), /Köln 1/);
    assert.match(await text('ask'), /elicit/);
    assert.equal((await client.readResource({ uri: 'file:///größe' })).contents.length, 1);
    await assert.rejects(client.callTool({ name: 'delete' }), (error) => error instanceof Error && /No policy lets you call it/.test(error.message));
    await client.close();
    await handler.close();

    assert.equal(found(passed, 'mcp.discover').action.attributes['mcp.protocol.version'], '2026-07-28');
    assert.equal((await found(passed, 'mcp.list_tools').answered).tools?.isWhole, true);
    const asks = passed.filter(({ action }) => action.attributes['gen_ai.tool.name'] === 'ask');
    assert.equal(asks.length, 2);
    assert.deepEqual(await asks[0]?.answered, {
      facts: { 'countersign.outcome': 'input_required', 'countersign.server_requests': ['mcp.elicit'] },
      tools: null,
      text: 'asks elicit {"message":"Sure?","requestedSchema":{"type":"object","properties":{}},"mode":"form"}',
    });
    assert.equal(asks[1]?.action.attributes['countersign.input_responses'], 1);
    assert.equal((await asks[1]?.answered)?.facts['countersign.outcome'], 'result');
  });
});
