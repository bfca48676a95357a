import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';

test('T4.16: a suspension is whole before it is answered: a kill right after loses neither it nor who and why', async () => {
  await using server = await openServer(async (_request, response) => {
    response.end('fine');
  });
  await using gateway = await GatewayProcess.start({
    config: `targets:\n  files: { url: "${server.url}" }\nprincipals:\n  bot: { kind: agent, targets: [files] }\n`,
  });
  const token = await gateway.issueToken('bot');
  const statusOf = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/files/`, { headers: { authorization: `Bearer ${token}`, connection: 'close' } });
    await answer.text();
    return answer.status;
  };
  assert.equal(await statusOf(), 200);
  const { stdout } = gateway.command(['principal', 'suspend', 'bot', '--reason', 'it sends mails to strangers']);
  await gateway.signal('SIGKILL');
  assert.match(stdout, /^suspended bot/);
  await gateway.start();
  assert.equal(await statusOf(), 401);
  const listed: unknown = JSON.parse(await (await gateway.api('/api/v1/principals')).text());
  assert.match(gateway.command(['principal', 'list']).stdout, /^bot {2}agent {2}- {2}files {2}suspended by operator since \S+: it sends mails to strangers$/m);
  assert.match(JSON.stringify(listed), /"suspended":\{"by":"operator","since":"[^"]+","reason":"it sends mails to strangers"\}/);
  const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
  const acts = async (): Promise<readonly (string | null)[]> =>
    (await Promise.all(own.map(async ({ session }) => gateway.records(session))))
      .flat()
      .flatMap(({ action, attributes }) =>
        action?.endsWith('_principal') === true ? [`${action} ${String(attributes['countersign.principal'])} ${String(attributes['countersign.reason'])}`] : [],
      );
  assert.deepEqual(await acts(), ['gateway.suspend_principal bot it sends mails to strangers']);
  assert.match(gateway.command(['session', 'list']).stdout, /suspended/);
  const shown = own.map(({ session }) => gateway.command(['session', 'show', session]).stdout).join('');
  assert.match(shown, /gateway\.suspend_principal allow reason=it sends mails to strangers #\d+\n {4}the operator on the gateway's machine suspended bot\n/);
  assert.match(gateway.command(['principal', 'resume', 'bot']).stdout, /^resumed bot/);
  assert.equal(await statusOf(), 200);
  assert.deepEqual((await acts()).slice(1), ['gateway.resume_principal bot undefined']);
  assert.equal(gateway.command(['principal', 'resume', 'bot']).status, 1);
});
