import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayProcess } from '../support/gateway-process.ts';

const path = '/api/v1/erasures';
const config = `retention: { erase: { twoPersons: true } }
targets: { shop: { url: http://127.0.0.1:1 } }
principals: { bot: { kind: agent, targets: [shop] }, ann: { kind: human, groups: [admins], targets: [] } }
`;

test('an erasure that waits for a second person waits over a kill, and is carried out once it is confirmed', async () => {
  await using gateway = await GatewayProcess.start({ config });
  const post = async (to: string, body: unknown, token?: string): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await gateway.api(to, { method: 'POST', body, ...(token === undefined ? {} : { token }) });
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return Object.assign({}, JSON.parse(text));
  };
  const session = String((await post('/api/v1/runs', { principal: 'bot', recordOutput: true }))['session']);
  await post(`/api/v1/runs/${session}/output/stdout`, 'marmalade');
  await post(`/api/v1/runs/${session}/end`, {});
  await gateway.whenIndexed();
  const token = await gateway.issueToken('ann');
  const id = String((await post(path, { query: `session:${session}`, reason: 'request' }, token))['waits']);
  await gateway.signal('SIGKILL');
  await gateway.start();
  const waiting: readonly { readonly erasure: string; readonly by: string }[] = JSON.parse(await (await gateway.api(path)).text());
  assert.deepEqual(
    waiting.map(({ erasure, by }) => [erasure, by]),
    [[id, 'ann']],
  );
  assert.equal(
    (await gateway.api(`${path}/${id}/confirm`, { method: 'POST', body: {}, token })).status,
    403,
    'who asks does not confirm after the restart either',
  );
  await gateway.whenIndexed();
  assert.equal((await post(`${path}/${id}/confirm`, {}))['erased'], true);
  assert.doesNotMatch(JSON.stringify(await gateway.records(session)), /marmalade/);
  assert.deepEqual(JSON.parse(await (await gateway.api(path)).text()), []);
});
