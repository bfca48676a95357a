import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { providerAuth } from '../../gateway/src/protocols/llm/options.ts';
import { protocols } from '../../gateway/src/protocols/registry.ts';
import { GatewayProcess } from '../support/gateway-process.ts';

const secret = 'secret-of-the-gateway';
/** Each is named by the configuration, in a way of its own; the last one is also set by the run. */
const secrets = ['SHOP_SECRET', 'QUOTED_SECRET', 'TOOLS_SECRET', 'ALIAS_SECRET', 'OPENAI_API_KEY'] as const;

describe('the environment of a command of run', () => {
  let gateway: GatewayProcess;
  before(async () => {
    const models = Object.keys(providerAuth).map(
      (provider) => `  ${provider}: { protocol: llm, url: "http://127.0.0.1:9", options: { provider: ${provider} } }`,
    );
    gateway = await GatewayProcess.start({
      config: `targets:
  shop: { url: "postgres://app@127.0.0.1:9/shop", password: { env: SHOP_SECRET } }
  quoted:
    url: "http://127.0.0.1:9"
    password:
      "env": 'QUOTED_SECRET'
  tools: { command: [cat], environment: { KEY: { env: TOOLS_SECRET }, OTHER: { env: &named ALIAS_SECRET } } }
  more-tools: { command: [cat], environment: { KEY: { env: *named } } }
  brain: { protocol: llm, url: "http://127.0.0.1:9", password: { env: OPENAI_API_KEY } }
${models.join('\n')}
principals:
  bot: { kind: agent, targets: [shop, quoted, tools, more-tools, brain, ${Object.keys(providerAuth).join(', ')}] }
`,
      environment: Object.fromEntries(secrets.map((name) => [name, secret])),
    });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
  });

  /** Returns the environment of a command that is run with all secrets in our own environment. */
  const seen = async (...words: readonly string[]): Promise<Readonly<Record<string, string>>> => {
    const own = Object.fromEntries([...secrets, 'COUNTERSIGN_ROOT_KEY'].map((name) => [name, secret]));
    const child = gateway.spawnCli([...words, '--', process.execPath, '-e', 'console.log(JSON.stringify(process.env))'], { ...own, NOT_A_SECRET: 'kept' });
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };

  test('found: run keeps the gateway’s own secrets from its command, whatever the state of the file', async () => {
    const written = readFileSync(gateway.configFile, 'utf8');
    for (const config of [written, `${written}principal: {}\n`, `${written}more: [}\n "`]) {
      writeFileSync(gateway.configFile, config);
      const environment = await seen('run', '--as', 'bot');
      assert.doesNotMatch(JSON.stringify(environment), new RegExp(secret));
      assert.match(environment['OPENAI_API_KEY'] ?? '', /^cs_/, 'what the run sets is set');
      assert.equal(environment['NOT_A_SECRET'], 'kept');
    }
    writeFileSync(gateway.configFile, written);
  });

  test('found: what run sets is what docs/operating.md lists', async () => {
    const environment = await seen('run', '--as', 'bot');
    const underTls = protocols.flatMap((protocol) =>
      Object.keys(providerAuth).flatMap((provider) =>
        Object.keys(
          protocol.connection({ tls: true, host: 'h', port: 1, target: 't', options: { provider }, token: 'cs_', key: 'ssh-ed25519 AAAA' }).environment,
        ),
      ),
    );
    const set = Object.keys(environment).filter((name) => /^cs_|\bcs_|127\.0\.0\.1/.test(environment[name] ?? '') || process.env[name] === undefined);
    const urls = new Set(
      ['SHOP', 'QUOTED', 'TOOLS', 'MORE_TOOLS', 'BRAIN', ...Object.keys(providerAuth).map((provider) => provider.toUpperCase())].map((name) => `${name}_URL`),
    );
    const own = new Set(['NOT_A_SECRET', 'COUNTERSIGN_LOG']);
    const names = new Set([...set, ...underTls].filter((name) => !own.has(name)).map((name) => (urls.has(name) ? '<TARGET>_URL' : name)));
    const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'operating.md'), 'utf8');
    const [, table = ''] = /^\| set for \| variables \|\n\| --- \| --- \|\n((?:\|.*\n)+)/m.exec(document) ?? [];
    const listed = [...table.matchAll(/`([A-Z_<>]+)`/g)].flatMap(([, name]) => (name === undefined || name === '_' ? [] : [name]));
    assert.deepEqual([...names].toSorted(), listed.toSorted());
  });
});
