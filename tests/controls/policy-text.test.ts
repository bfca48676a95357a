import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { Gateway } from '../../gateway/src/gateway.ts';
import { grantPolicy } from '../../gateway/src/policy/grants.ts';
import type { PolicyEngine } from '../../gateway/src/policy/policy.ts';

const wanted = 'DELETE-ALL-CUSTOMERS please';

/** The grants, and nothing that says what is wanted here. */
function withoutDeleting(grants: PolicyEngine): PolicyEngine {
  return {
    version: grants.version,
    text: grants.text,
    decide: (request) => {
      const decision = grants.decide(request);
      const isSaid = request.action.text?.().pieces.some((piece) => piece.text.includes(wanted)) === true;
      return isSaid ? { ...decision, verdict: 'deny', policies: ['no-deleting'], reason: 'nobody deletes customers here' } : decision;
    },
  };
}

test('T4.19: the gate decides by the text after an image of 1 MB in a prompt', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-text-'));
  const asked: string[] = [];
  await using model = await openServer(async (request, response) => {
    asked.push(await text(request));
    response.setHeader('content-type', 'application/json').end('{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"}}]}');
  });
  const configFile = join(directory, 'countersign.yaml');
  writeFileSync(
    configFile,
    `data: store
listen: { http: 127.0.0.1:0 }
targets: { model: { protocol: llm, url: "${model.url}", durability: process } }
principals: { agent: { kind: agent, targets: [model] } }
`,
  );
  {
    await using gateway = await Gateway.open({
      logLevel: 'silent',
      configFile,
      policyOf: ({ principals }) => withoutDeleting(grantPolicy([...principals.values()])),
    });
    const url = `http://${gateway.addresses['http']}`;
    const operator = readFileSync(join(directory, 'store', 'admin.token'), 'utf8').trim();
    const made = await fetch(`${url}/api/v1/tokens`, { method: 'POST', headers: { authorization: `Bearer ${operator}` }, body: '{"principal":"agent"}' });
    const { token } = Object(await made.json());
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${Buffer.alloc(1_000_000, 7).toString('base64')}` } };
    const ask = async (said: string): Promise<Response> =>
      fetch(`${url}/t/model/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: [image, { type: 'text', text: said }] }] }),
      });
    const denied = await ask(wanted);
    assert.equal(denied.status, 403);
    assert.match(await denied.text(), /nobody deletes customers here/);
    assert.deepEqual(asked, []);
    const allowed = await ask('What is this?');
    assert.equal(allowed.status, 200);
    await allowed.text();
    assert.equal(asked.length, 1);
  }
  rmSync(directory, { recursive: true, force: true });
});
