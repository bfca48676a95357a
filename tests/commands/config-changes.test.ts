import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { configSchema } from '../../gateway/src/config/schema.ts';
import { liveSections, startSections } from '../../gateway/src/config/sections.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const config = 'targets: {}\nprincipals:\n  agent: { kind: agent, targets: [] }\n';

async function mayCome(gateway: GatewayProcess): Promise<boolean> {
  return (await gateway.api('/api/v1/tokens', { method: 'POST', body: { principal: 'agent' } })).status === 201;
}

for (const [what, spoil] of [
  ['does not validate', (text: string): string => `${text}principal: {}\n`],
  ['is no YAML', (text: string): string => `${text}targets: [}\n "`],
] as const) {
  test(`T4.31: with a configuration file that ${what}, commands find the gateway and their credential`, async () => {
    await using gateway = await GatewayProcess.start({ config });
    const run: { readonly session: string } = JSON.parse(await (await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } })).text());
    writeFileSync(gateway.configFile, spoil(readFileSync(gateway.configFile, 'utf8')));
    for (const words of [
      ['session', 'halt', run.session, '--reason', 'typo'],
      ['session', 'list'],
      ['session', 'show', run.session],
      ['token', 'create', 'agent'],
      ['token', 'list'],
    ]) {
      const { status, stderr } = gateway.cli(words);
      assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
    }
    assert.match(gateway.command(['config', 'apply', '--force']).stderr, /countersign\.yaml:\d+:\d+/, 'an invalid one is never taken up');
    assert.equal(await mayCome(gateway), true);
    await gateway.signal('SIGTERM');
    assert.equal(gateway.command(['token', 'list']).status, 0);
    assert.match(
      gateway.command(['session', 'halt', run.session]).stderr,
      /countersign\.yaml:\d+:\d+/,
      'without a gateway it is said what is wrong with the file',
    );
  });
}

test('T4.31: a file that leaves no principal takes effect only with --force', async () => {
  await using gateway = await GatewayProcess.start({ config });
  writeFileSync(gateway.configFile, '');
  await waitUntil(() => /not applied.*leaves none of the principals/.test(gateway.log));
  assert.equal(await mayCome(gateway), true);
  gateway.configure('targets: {}\n');
  const refused = gateway.command(['config', 'apply']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /leaves none of the principals that there are \(1\).*config apply --force/);
  assert.equal(await mayCome(gateway), true);
  const applied = gateway.command(['config', 'apply', '--force']);
  assert.equal(applied.status, 0, applied.stderr);
  assert.match(applied.stdout, /is in force: 0 principals, 0 targets/);
  assert.equal(await mayCome(gateway), false);
  const own = (await gateway.sessions('all')).find(({ principal }) => principal === null);
  const acts = (await gateway.records(own?.session ?? '')).filter(({ action }) => action === 'gateway.apply_config');
  assert.deepEqual(
    acts.map(({ attributes }) => attributes['user.id']),
    ['operator'],
  );
  // From nobody to somebody takes no word.
  appendFileSync(gateway.configFile, 'principals: { agent: { kind: agent } }\n');
  await waitUntil(() => mayCome(gateway));
});

test('T4.31: when a file takes effect, the settings that need a restart are named, and the documents say the same', async () => {
  await using gateway = await GatewayProcess.start({ config });
  const text = readFileSync(gateway.configFile, 'utf8');
  writeFileSync(gateway.configFile, `${text.replace(/^listen: .*$/m, 'listen: { http: 127.0.0.1:1 }')}limits: { loginMs: 1000 }\n`);
  await waitUntil(() => /the changes under listen, limits need a restart/.test(gateway.log));
  const applied = gateway.command(['config', 'apply']);
  assert.equal(applied.status, 0, applied.stderr);
  assert.match(applied.stdout, /^restart the gateway to apply the changes under listen, limits$/m);
  writeFileSync(gateway.configFile, text);
  assert.doesNotMatch(gateway.command(['config', 'apply']).stdout, /restart/);
  assert.deepEqual([...liveSections, ...startSections].toSorted(), Object.keys(configSchema({ protocols: [], parseTarget: () => null }).shape).toSorted());
});
