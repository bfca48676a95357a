import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, readSync, writeSync, closeSync, statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openSampleDatabase } from '../demo/sample-database.ts';

const main = join(import.meta.dirname, '..', 'main.ts');
const agent = join(import.meta.dirname, '..', '..', '..', 'examples', 'support-agent.ts');
const startMs = 20_000;

/**
 * A real database, a gateway in front of it and an agent's session through it: shown, verified, and a forged copy exposed. Everything is in
 * a temporary directory. Returns the exit code.
 */
export async function demo(options: { readonly once: boolean }): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-demo-'));
  // The database does not run as root and must reach its own directory below.
  await chmod(directory, 0o711);
  try {
    const password = randomBytes(16).toString('hex');
    say('A PostgreSQL with a little shop in it starts.');
    await using database = await openSampleDatabase(join(directory, 'database'), password);
    const store = join(directory, 'store');
    const config = join(directory, 'countersign.yaml');
    writeFileSync(config, configuration(store, database.url));
    say('The gateway starts in front of it. It alone knows the password of the database.');
    await using gateway = await startGateway(config, { ...process.env, DEMO_PASSWORD: password });
    const cli = (words: readonly string[]): Promise<number> => runCli(['--config', config, ...words]);
    await run(cli);
    const forged = await forge(cli, directory, store);
    if (options.once || forged !== 0) {
      return forged;
    }
    await stay(cli, gateway.addresses);
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type Cli = (words: readonly string[]) => Promise<number>;

async function run(cli: Cli): Promise<void> {
  say('An agent runs an errand through the gateway, with a token of its own and no password.');
  command('countersign run --as support-bot --target shop -- node examples/support-agent.ts');
  must(await cli(['run', '--as', 'support-bot', '--target', 'shop', '--', process.execPath, agent]), 'the run');
  say('What the record has of it: every statement, every parameter, every row.');
  command('countersign session list');
  must(await cli(['session', 'list']), 'session list');
  const session = await lastSession(cli);
  command(`countersign session replay ${session} --no-wait`);
  must(await cli(['session', 'replay', session, '--no-wait']), 'session replay');
}

/** Verifies the store, then a copy of it with one flipped byte. Returns 0 when the first holds and the second does not. */
async function forge(cli: Cli, directory: string, store: string): Promise<number> {
  say('Anybody with the public key can check that the record is whole.');
  command('countersign verify --data store');
  must(await cli(['verify', '--data', store]), 'verify');
  const copy = join(directory, 'forged');
  cpSync(store, copy, { recursive: true });
  const segment = join(copy, 'journal', '000000000001.segment');
  const at = flipByteOf(segment);
  say(`Now somebody edits a copy of the store: one byte, at offset ${at} of ${segment.slice(directory.length + 1)}.`);
  command('countersign verify --data forged');
  const code = await cli(['verify', '--data', copy]);
  say(code === 0 ? 'The forged copy was taken for whole: this is a defect.' : `Found: exit code ${code}. The record cannot be edited unnoticed.`);
  return code === 0 ? 1 : 0;
}

async function stay(cli: Cli, addresses: Readonly<Record<string, string>>): Promise<void> {
  say('The gateway stays up until Ctrl-C. A token for you, for one hour:');
  must(await cli(['token', 'create', 'you', '--ttl', '1h']), 'token create');
  for (const [name, address] of Object.entries(addresses)) {
    console.log(`  ${name}: ${address}`);
  }
  say('Connect with the database name "shop" and the token as the password; then `countersign session list`.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => {
      resolve();
    });
    process.once('SIGTERM', () => {
      resolve();
    });
  });
}

function configuration(store: string, url: string): string {
  return `data: ${store}
listen: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }
targets:
  shop:
    url: ${url}
    password: { env: DEMO_PASSWORD }
principals:
  support-bot: { kind: agent, groups: [agents], targets: [shop] }
  you: { kind: human, groups: [admins], targets: [shop] }
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
  for (const deadline = Date.now() + startMs; !existsSync(ready); ) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error('the gateway did not start');
    }
    // oxlint-disable-next-line no-await-in-loop -- until it is there.
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

function runCli(words: readonly string[]): Promise<number> {
  const [first = '', second = '', ...rest] = words;
  // Global options stand before the command in our list; every command takes them behind.
  return exitOf(spawn(process.execPath, [main, ...rest.slice(0, 1), first, second, ...rest.slice(1)], { stdio: 'inherit' }));
}

async function lastSession(cli: Cli): Promise<string> {
  void cli;
  return Promise.resolve('');
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
    if (child.exitCode !== null) {
      resolve(child.exitCode);
    }
  });
}

/** Flips one bit in the middle of the written part of a file. Returns the offset. */
function flipByteOf(file: string): number {
  const fd = openSync(file, 'r+');
  try {
    const at = Math.floor(statSync(file).size / 2);
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    byte.writeUInt8(byte.readUInt8(0) ^ 1, 0);
    writeSync(fd, byte, 0, 1, at);
    return at;
  } finally {
    closeSync(fd);
  }
}

function must(code: number, what: string): void {
  if (code !== 0) {
    throw new Error(`${what} failed with exit code ${code}`);
  }
}

function say(text: string): void {
  console.log(`\n\u001B[1m${text}\u001B[0m`);
}

function command(text: string): void {
  console.log(`\u001B[2m$ ${text}\u001B[0m`);
}
