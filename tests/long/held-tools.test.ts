import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { openSampleTools } from '../../cli/src/demo/sample-tools.ts';
import type { ApprovalSummary } from '../../gateway/src/api/approvals.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';

test('a client of MCP whose time runs out after 15 s waits longer, because it is told of its progress', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-held-tools-'));
  await using server = await openSampleTools();
  writeFileSync(join(directory, 'held.cedar'), '@approval("dba") forbid (principal, action == Action::"mcp.call_tool", resource);\n');
  await using gateway = await GatewayProcess.start({
    config: `policies: ${directory}\ntargets:\n  tools: { protocol: mcp, url: "${server.url}" }\nprincipals:\n  ann: { kind: human, targets: [tools] }\n`,
  });
  const client = new Client({ name: 'test', version: '1' });
  const headers = { authorization: `Bearer ${await gateway.issueToken('ann')}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${gateway.port('http')}/t/tools`), { requestInit: { headers } }));
  const told: number[] = [];
  const answer = client.callTool({ name: 'track_parcel', arguments: { order: 101 } }, undefined, {
    timeout: 15_000,
    resetTimeoutOnProgress: true,
    onprogress: ({ progress }) => told.push(progress),
  });
  await waitUntil(() => told.length === 3);
  assert.deepEqual(
    told,
    [...told].toSorted((a, b) => a - b),
    'progress increases',
  );
  const [approval]: readonly ApprovalSummary[] = JSON.parse(await (await gateway.api('/api/v1/approvals')).text());
  await gateway.api(`/api/v1/approvals/${approval?.approval}/grant`, { method: 'POST', body: {} });
  assert.match(JSON.stringify((await answer).content), /left Dover/);
  await client.close();
  rmSync(directory, { recursive: true });
});
