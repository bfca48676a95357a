import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { SessionSummary } from '@countersign/gateway/domain/shown-record.ts';
import type { Command } from 'commander';
import { openSampleMail } from '../demo/sample-mail.ts';
import { openSampleModel } from '../demo/sample-model.ts';
import { bold, dim } from '../terminal.ts';

const main = join(import.meta.dirname, '..', 'main.ts');
const agent = join(import.meta.dirname, '..', '..', '..', 'examples', 'support-agent.ts');
const startMs = 20_000;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('a sample database, model, tools and API, and an agent that works with them through the gateway')
    .option('--once', 'end after the run')
    .addHelpText('after', '\nExample:\n  countersign demo --once')
    .action(async (options: { once?: boolean }) => {
      process.exit(await demo(options.once === true));
    });
}

/**
 * A real database, a model, MCP tools and an HTTP API, a gateway in front of them and an agent's session through it: shown, verified, and a forged copy
 * exposed. Everything is in a temporary directory. Returns the exit code.
 */
async function demo(once: boolean): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-demo-'));
  try {
    const secrets = { DEMO_PASSWORD: randomBytes(16).toString('hex'), DEMO_MAIL_KEY: randomBytes(16).toString('hex') };
    say('A PostgreSQL with a little shop in it starts, and a small model, an MCP server that tracks parcels, an API that takes mail.');
    const { openSampleDatabase } = await import('../demo/sample-database.ts');
    await using database = await openSampleDatabase(secrets.DEMO_PASSWORD);
    await using model = await openSampleModel();
    const { openSampleTools } = await import('../demo/sample-tools.ts');
    await using tools = await openSampleTools();
    await using mail = await openSampleMail(secrets.DEMO_MAIL_KEY);
    const config = join(directory, 'countersign.yaml');
    writeFileSync(config, configuration({ shop: database.url, model: model.url, tools: tools.url, mail: mail.url }));
    say('The gateway starts in front of them. It alone knows the password of the database and the key of the API.');
    await using gateway = await startGateway(config, { ...process.env, ...secrets });
    await showRun(config);
    const code = await showForgery(directory);
    if (!once && code === 0) {
      await stay(config, gateway.addresses);
    }
    return code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function showRun(config: string): Promise<void> {
  say('An agent runs an errand through the gateway, with a token of its own and no password.');
  await must(['run', '--config', config, '--as', 'support-bot', '--', process.execPath, agent], 'run --as support-bot -- node examples/support-agent.ts');
  say('What the record has of it, as one session: every prompt, token, tool call, statement and row.');
  await must(['session', 'list', '--config', config], 'session list');
  const session = await newestSession(config);
  await must(['session', 'replay', session, '--config', config, '--no-wait'], `session replay ${session} --no-wait`);
  say('The agent runs again. The record answers it as they did then: database, model, tools and API hear nothing of it.');
  await must(
    ['session', 'replay', session, '--config', config, '--serve', '--', process.execPath, agent],
    `session replay ${session} --serve -- node examples/support-agent.ts`,
  );
}

/** Verifies the store, then a copy of it with one flipped bit. Returns 0 when the first holds and the second does not. */
async function showForgery(directory: string): Promise<number> {
  const store = join(directory, 'store');
  say('Anybody with the public key can check that the record is whole.');
  await must(['verify', '--data', store], 'verify --data store');
  const copy = join(directory, 'forged');
  cpSync(store, copy, { recursive: true });
  const at = flipBit(join(copy, 'journal', '000000000001.segment'));
  say(`Now somebody edits a copy of the store: one bit of byte ${at} of its journal.`);
  command('verify --data forged');
  const code = await exitOf(spawnCli(['verify', '--data', copy], 'inherit'));
  say(code === 0 ? 'The forged copy was taken for whole: this is a defect.' : `Found, exit code ${code}: the record cannot be edited unnoticed.`);
  return code === 0 ? 1 : 0;
}

async function stay(config: string, addresses: Readonly<Record<string, string>>): Promise<void> {
  say('The gateway stays up until Ctrl-C. A token for you, for one hour:');
  await must(['token', 'create', 'you', '--config', config, '--ttl', '1h'], 'token create you --ttl 1h');
  for (const [name, address] of Object.entries(addresses)) {
    console.log(`  ${name}: ${address}`);
  }
  say(`Connect with the database name "shop" and the token as the password; then ./countersign session list --config ${config}`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
}

function configuration(urls: Readonly<Record<'shop' | 'model' | 'tools' | 'mail', string>>): string {
  return `data: ./store
listen: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }
targets:
  shop:
    url: ${urls.shop}
    password: { env: DEMO_PASSWORD }
  model: { protocol: llm, url: "${urls.model}" }
  tools: { protocol: mcp, url: "${urls.tools}" }
  mail:
    url: ${urls.mail}
    password: { env: DEMO_MAIL_KEY }
principals:
  support-bot: { kind: agent, groups: [agents], targets: [shop, model, tools, mail] }
  you: { kind: human, groups: [admins], targets: [shop, model, tools, mail] }
`;
}

interface RunningGateway extends AsyncDisposable {
  readonly addresses: Readonly<Record<string, string>>;
}

async function startGateway(config: string, environment: NodeJS.ProcessEnv): Promise<RunningGateway> {
  const ready = `${config}.ready`;
  const child = spawn(process.execPath, [main, 'up', '--config', config, '--ready-file', ready], {
    env: { ...environment, COUNTERSIGN_LOG: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const deadline = Date.now() + startMs; !existsSync(ready);) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error('the gateway did not start');
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

function spawnCli(words: readonly string[], stdout: 'inherit' | 'pipe'): ChildProcess {
  return spawn(process.execPath, [main, ...words], { stdio: ['ignore', stdout, 'inherit'] });
}

async function newestSession(config: string): Promise<string> {
  const child = spawnCli(['session', 'list', '--json', '--config', config], 'pipe');
  const lines = child.stdout === null ? '' : await text(child.stdout);
  const sessions: readonly SessionSummary[] = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return sessions.at(-1)?.session ?? '';
}

async function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
    if (child.exitCode !== null) {
      resolve(child.exitCode);
    }
  });
}

/** Flips one bit in the middle of what was written to a segment (zeros follow it). Returns the offset. */
function flipBit(file: string): number {
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
  return at;
}

async function must(words: readonly string[], shown: string): Promise<void> {
  command(shown);
  const code = await exitOf(spawnCli(words, 'inherit'));
  if (code !== 0) {
    throw new Error(`countersign ${shown} failed with exit code ${code}`);
  }
}

function say(words: string): void {
  console.log(`\n${bold(words)}`);
}

function command(words: string): void {
  console.log(dim(`$ countersign ${words}`));
}
