import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mainFile } from '../installation.ts';
import { samplePolicies, stricterPolicies } from './sample-policies.ts';
import { exitOf, interruption } from './typed-commands.ts';

/** A busy machine may need longer than a person would expect. */
const startMs = 120_000;

/** Writes the configuration and the policies. Returns the path of the configuration. */
export function writeFiles(directory: string, urls: Urls, customers: readonly string[]): string {
  writeFileSync(join(directory, 'customers.txt'), `${customers.join('\n')}\n`);
  for (const [name, policies] of [
    ['policies', samplePolicies],
    ['stricter', stricterPolicies],
  ] as const) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'agents.cedar'), policies);
  }
  const config = join(directory, 'countersign.yaml');
  writeFileSync(config, configuration(urls));
  return config;
}

type Urls = Readonly<Record<'shop' | 'model' | 'tools' | 'mail' | 'checker' | 'depot' | 'depotKey', string>> & { readonly carts: string | null };

function configuration(urls: Urls): string {
  return `data: ./store
listen: { http: 127.0.0.1:0, postgres: 127.0.0.1:0, ssh: 127.0.0.1:0${urls.carts === null ? '' : ', redis: 127.0.0.1:0'} }
policies: ./policies
approvals: { mode: wait }
classes: { customer: { words: ./customers.txt } }
targets:
  shop:
    url: ${urls.shop}
    password: { env: DEMO_PASSWORD }
    tags: { environment: production }
    inspect: [email]
  model: { protocol: llm, url: "${urls.model}" }
  tools: { protocol: mcp, url: "${urls.tools}" }
  mail:
    url: ${urls.mail}
    password: { env: DEMO_MAIL_KEY }
  checker: { url: "${urls.checker}", tags: { zone: outside } }
  depot:
    url: ${urls.depot}
    password: { env: DEMO_DEPOT_PASSWORD }
    options: { hostKeys: ["${urls.depotKey}"] }
    inspect: [email]
${urls.carts === null ? '' : `  carts: { url: "${urls.carts}", password: { env: DEMO_CARTS_PASSWORD }, inspect: [email] }\n`}principals:
  support-bot: { kind: agent, groups: [agents], targets: [shop, model, tools, mail, checker, depot${urls.carts === null ? '' : ', carts'}] }
  ann: { kind: human, groups: [dba] }
  stock-bot: { kind: agent, groups: [agents], targets: [shop, model, tools, mail] }
  watch-bot: { kind: agent, groups: [agents], targets: [shop, model, tools, mail] }
  you: { kind: human, groups: [admins, lookers, dba], targets: [shop, model, tools, mail] }
roles: { analyst: { groups: [lookers] }, operator: { groups: [lookers] } }
`;
}

export interface RunningGateway extends AsyncDisposable {
  readonly addresses: Readonly<Record<string, string>>;
}

export async function startGateway(config: string, environment: NodeJS.ProcessEnv): Promise<RunningGateway> {
  const ready = `${config}.ready`;
  interruption.signal.throwIfAborted();
  const child = spawn(process.execPath, [mainFile, 'up', '--config', config, '--ready-file', ready], {
    env: { ...environment, COUNTERSIGN_LOG: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const deadline = Date.now() + startMs; !existsSync(ready);) {
    const isLate = Date.now() > deadline;
    if (child.exitCode !== null || isLate || interruption.signal.aborted) {
      child.kill('SIGTERM');
      await exitOf(child);
      throw new Error(`the gateway did not start${isLate ? ` within ${startMs / 1000} s: this machine may be too busy for it` : ''}`);
    }
    await delay(25);
  }
  return {
    addresses: JSON.parse(readFileSync(ready, 'utf8')),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exitOf(child);
    },
  };
}
