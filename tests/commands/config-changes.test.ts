import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configSchema } from '../../gateway/src/config/schema.ts';
import { liveSections, startSections } from '../../gateway/src/config/sections.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { passMidnight } from '../support/pass-midnight.ts';
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

test('a rule of retention about a target or a class that there is not is told at a start and at a change', async () => {
  const rule = (query: string): string => `targets: { shop: { url: "http://127.0.0.1:1" } }\nretention: { rules: [{ query: "${query}", keep: 2y }] }\n`;
  await using gateway = await GatewayProcess.start({ config: rule('target:shpo') });
  await waitUntil(() => /the rule of retention for target:shpo: there is no target .{1,2}shpo.{1,2}: is shop meant/.test(gateway.log));
  gateway.configure(rule('class:emial'));
  await waitUntil(() => /the rule of retention for class:emial: there is no class .{1,2}emial.{1,2}: is email meant/.test(gateway.log));
});

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

test('retention show says what is kept, and retention plan what the file would change, before it is applied', async () => {
  await passMidnight();
  await using gateway = await GatewayProcess.start({ config: `${config}retention: { rules: [{ query: 'class:health', keep: 10y, floor: 6y }] }\n` });
  const shown = gateway.command(['retention', 'show']);
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(
    shown.stdout,
    /^class 1 \(default\); contents 400d, facts 7y\n {4}\d+ secrets? of facts and \d+ of contents, until 20\d\d-\d\d-\d\d to 20\d\d-\d\d-\d\d$/m,
  );
  assert.match(
    shown.stdout,
    /^class 2 \(class:health\); contents 10y, facts 10y, not erased before 6y; asked before a key is destroyed\n {4}nothing is kept under it$/m,
  );
  assert.equal(gateway.rows(['retention', 'show']).length, 2);
  assert.match(
    gateway.command(['retention', 'plan']).stdout,
    /^A run on 20\d\d-\d\d-\d\d destroys nothing\.\n.*countersign\.yaml changes nothing of what is in force\.\n$/,
  );
  const file = join(gateway.directory, 'new.yaml');
  writeFileSync(file, `retention: { default: { keep: 30d }, rules: [{ query: 'target:orders', keep: 5d }] }`);
  const planned = gateway.command(['retention', 'plan', '--new', file, '--at', '2099-01-01']);
  assert.equal(planned.status, 0, planned.stderr);
  assert.match(planned.stdout, /^A run on 2099-01-01 destroys:\n {2}class 1 \(default\), kept until 20\d\d-\d\d-\d\d: 0 secrets of facts and 1 of contents\n/);
  assert.match(planned.stdout, /^What these rules hold for is kept longer, which is found out before: class:health$/m);
  assert.match(
    planned.stdout,
    /^ {2}default: contents 400d, facts 7y -> contents 30d, facts 7y\n {4}new records only; 2 days that are sealed already keep their day, unless/m,
  );
  assert.match(planned.stdout, /^ {2}class:health: .* -> no rule any more\n {4}new and old records: it is not asked any more/m);
  assert.match(planned.stdout, /^ {2}target:orders: is new -> contents 5d, facts 7y\n {4}new records only; nothing is recorded under it yet/m);
  for (const noDay of ['tomorrow', '2027-02-30']) {
    assert.match(gateway.command(['retention', 'plan', '--at', noDay]).stderr, /Write a date as 2027-06-30/);
  }
  assert.equal(gateway.command(['retention', 'plan', '--at', 'tomorrow']).status, 2);
});
