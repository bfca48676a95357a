import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { SessionSummary } from '@countersign/gateway/api';
import { Option, type Command } from 'commander';
import { openSampleMail } from '../demo/sample-mail.ts';
import { openSampleModel } from '../demo/sample-model.ts';
import { commandName, demoInstallation, mainFile, sampleAgent } from '../installation.ts';
import { bold, dim } from '../terminal.ts';

const startMs = 20_000;
/** Aborted by Ctrl-C and by SIGTERM. The demo then ends what runs and stops what it started. */
const interruption = new AbortController();
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

interface DemoOptions {
  readonly once?: boolean;
  readonly keep?: boolean;
  readonly verbose?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('a sample database, model, tools and API, and an agent that works with them through the gateway')
    .option('--once', 'leave nothing behind, for instance in a test')
    .addOption(new Option('--keep', 'continue to serve until Ctrl-C, for a look around').conflicts('once'))
    .option('--verbose', 'print every record of the session, and all that the agent says')
    .addHelpText('after', '\nWithout --once the data stay where it says, for a look at them.\n\nExample:\n  countersign demo --keep')
    .action(async (options: DemoOptions) => {
      process.exit(await demo(options));
    });
}

/**
 * Runs the demo: a real database, a model, MCP tools and an HTTP API, a gateway in front of them, and the session of an agent through it. The session is shown
 * and verified, and a forged copy is detected. All files are in a temporary directory. Returns the exit code.
 */
async function demo(options: DemoOptions): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-demo-'));
  let interrupted: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interrupted ??= exitCodes[signal];
      interruption.abort();
    });
  }
  try {
    const code = await showAll(directory, options);
    if (code === 0 && options.once === true) {
      say(`That was all, and nothing is left of it. The same with data to look at: ${commandName} demo. A gateway of your own: ${commandName} init`);
    } else if (code === 0) {
      sayWhatIsThere(directory);
    }
    return code;
  } catch (error) {
    if (interrupted === null) {
      throw error;
    }
    say(`Interrupted. Nothing runs any more${options.once === true ? '.' : `; what there is of the data is in ${directory}, until you delete it.`}`);
    return interrupted;
  } finally {
    if (options.once === true) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

async function showAll(directory: string, options: DemoOptions): Promise<number> {
  const secrets = { DEMO_PASSWORD: randomBytes(16).toString('hex'), DEMO_MAIL_KEY: randomBytes(16).toString('hex') };
  say(
    '1. A PostgreSQL with a little shop in it starts, a small model, an MCP server that tracks parcels, an API that takes mail; and the gateway in front of them.',
  );
  const { openSampleDatabase } = await import('../demo/sample-database.ts').catch(explainMissing);
  await using database = await openSampleDatabase(secrets.DEMO_PASSWORD);
  await using model = await openSampleModel();
  const { openSampleTools } = await import('../demo/sample-tools.ts');
  await using tools = await openSampleTools();
  await using mail = await openSampleMail(secrets.DEMO_MAIL_KEY);
  const config = join(directory, 'countersign.yaml');
  writeFileSync(config, configuration({ shop: database.url, model: model.url, tools: tools.url, mail: mail.url }));
  await using gateway = await startGateway(config, { ...process.env, ...secrets });
  // An auditor keeps the key apart from what is checked, and so does the demo.
  cpSync(join(directory, 'store', 'log', 'key'), join(directory, 'key'));
  await showRun(config, options.verbose === true);
  const code = await showForgery(directory);
  if (options.keep === true && code === 0) {
    await stay(config, gateway.addresses);
  }
  return code;
}

/** Says what to install if the packages of the demo are missing, as they are in an installed package. */
function explainMissing(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
    throw new Error(`The demo needs packages that nothing else here needs. This installs them:\n  ${demoInstallation()}`, { cause: error });
  }
  throw error;
}

async function showRun(config: string, isVerbose: boolean): Promise<void> {
  say('2. An agent runs an errand through the gateway, with a token of its own. The gateway alone knows the password of the database and the key of the API.');
  const said = await runAgent(['run', '--config', config, '--as', 'support-bot'], 'run --as support-bot');
  process.stdout.write(said);
  const session = await newestSession(config);
  say('3. What the record has of it, as one session: every prompt, tool call, statement, row and answer.');
  if (isVerbose) {
    await must(['session', 'replay', session, '--config', config, '--no-wait'], `session replay ${session} --no-wait`);
  } else {
    await must(['session', 'show', session, '--config', config, '--brief'], `session show ${session} --brief`);
  }
  say('4. The agent runs again. The record answers it as they did then: database, model, tools and API hear nothing of it.');
  const again = await runAgent(['session', 'replay', session, '--config', config, '--serve'], `session replay ${session} --serve`);
  process.stdout.write(isVerbose || again !== said ? again : `  It said the same, all ${said.trimEnd().split('\n').length} lines.\n`);
}

/** Runs the sample agent with one of our commands and returns what it prints. Rejects if the command fails. */
async function runAgent(words: readonly string[], shown: string): Promise<string> {
  command(`${shown} -- node ${sampleAgent.path}`);
  const child = spawnCli([...words, '--', process.execPath, join(sampleAgent.directory, sampleAgent.path)], 'pipe');
  const [said, code] = await Promise.all([child.stdout === null ? '' : text(child.stdout), exitOf(child)]);
  if (code !== 0) {
    throw new Error(`countersign ${shown} failed with exit code ${code}`);
  }
  return said;
}

/** Verifies the store, and then a copy of it with one flipped bit. Returns 0 if the first holds and the second does not. */
async function showForgery(directory: string): Promise<number> {
  const store = join(directory, 'store');
  say('5. Anybody with the public key can check that the record is whole.');
  const key = join(directory, 'key');
  await must(['verify', '--data', store, '--key', key], 'verify --data store --key key');
  const copy = join(directory, 'forged');
  cpSync(store, copy, { recursive: true });
  const at = flipBit(join(copy, 'journal', '000000000001.segment'));
  say(`6. Now somebody edits a copy of the store: one bit of byte ${at} of its journal.`);
  command('verify --data forged --key key');
  const code = await exitOf(spawnCli(['verify', '--data', copy, '--key', key], 'inherit'));
  interruption.signal.throwIfAborted();
  say(code === 0 ? 'The forged copy was taken for whole: this is a defect.' : `Found, exit code ${code}: the record cannot be edited unnoticed.`);
  return code === 0 ? 1 : 0;
}

async function stay(config: string, addresses: Readonly<Record<string, string>>): Promise<void> {
  say('The gateway goes on serving until Ctrl-C. A token for you, for one hour:');
  await must(['token', 'create', 'you', '--config', config, '--ttl', '1h'], 'token create you --ttl 1h');
  const [host = '', port = ''] = (addresses['postgres'] ?? '').split(':');
  say('What to type next, in another terminal:');
  console.log(`  psql "host=${host} port=${port} user=you dbname=shop"                 # the token is the password
  curl http://${addresses['http'] ?? ''}/t/model/v1/models -H "Authorization: Bearer TOKEN"
  ${commandName} session list --config ${config}`);
  if (!interruption.signal.aborted) {
    await once(interruption.signal, 'abort');
  }
}

function sayWhatIsThere(directory: string): void {
  say(`That was all. Nothing runs any more; the data are in ${directory}, until you delete it:`);
  console.log(`  ${commandName} session list --data ${directory}/store
  ${commandName} verify --data ${directory}/forged --key ${directory}/key
  rm -r ${directory}
A gateway of your own: ${commandName} init. The same with everything left running: ${commandName} demo --keep`);
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
  interruption.signal.throwIfAborted();
  const child = spawn(process.execPath, [mainFile, 'up', '--config', config, '--ready-file', ready], {
    env: { ...environment, COUNTERSIGN_LOG: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const deadline = Date.now() + startMs; !existsSync(ready);) {
    if (child.exitCode !== null || Date.now() > deadline || interruption.signal.aborted) {
      child.kill('SIGTERM');
      await exitOf(child);
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
  interruption.signal.throwIfAborted();
  const child = spawn(process.execPath, [mainFile, ...words], { stdio: ['ignore', stdout, 'inherit'] });
  const end = (): void => {
    child.kill('SIGTERM');
  };
  interruption.signal.addEventListener('abort', end);
  child.once('exit', () => {
    interruption.signal.removeEventListener('abort', end);
  });
  return child;
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
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve(child.exitCode ?? 1);
    }
  });
}

/** Flips one bit in the middle of the written part of a segment, which zeros follow. Returns the bit's offset in bytes. */
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
