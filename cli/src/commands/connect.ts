import { once } from 'node:events';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import type { ConnectionInstructions } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parsePort } from '../arguments.ts';
import { checkConnection } from '../check-connection.ts';
import { addLocation } from '../location-options.ts';
import { locateGateway } from '../location.ts';
import { passFor, type Pass, type PassOptions } from '../pass.ts';
import { escapeControls } from '../terminal.ts';

const upgradeMs = 15_000;

export function addConnect(program: Command): void {
  addLocation(program.command('connect').argument('<target>', 'which target, as target list prints it'))
    .description('open a local port to a target that asks for no password')
    .option('--port <port>', 'local port; any free one by default', parsePort, 0)
    .option('--as <principal>', 'the principal that connects; by default that of the token in COUNTERSIGN_TOKEN, or who signed in')
    .addHelpText('after', '\nExample:\n  countersign connect orders --as you --port 5433')
    .action(connect);
}

interface ConnectOptions extends PassOptions {
  readonly port: number;
}

interface Tunnel {
  readonly url: string;
  readonly target: string;
  readonly pass: Pass;
}

async function connect(target: string, options: ConnectOptions): Promise<void> {
  const url = await locateGateway(options);
  const pass = await passFor(url, options);
  const { protocol, transport, inRun } = await checkConnection(url, target, await pass.token()).catch(async (error: unknown) => {
    await pass.giveBack();
    throw error;
  });
  if (transport === 'exchange') {
    await pass.giveBack();
    const way =
      inRun === null
        ? `its address is ${url}/t/${encodeURIComponent(target)}, and the token is its key`
        : `a run has what its clients need: countersign run --as PRINCIPAL -- ${escapeControls(inRun, 'nothing')}`;
    throw new Error(`${target} is a target of ${protocol} and needs no local port: ${way}`);
  }
  const tunnel = { url, target, pass };
  const server = createServer((local) => {
    forward(tunnel, local).catch((error: unknown) => {
      complain(target, error instanceof Error ? error.message : String(error));
      local.destroy();
    });
  });
  const port = await listen(server, options.port);
  console.log(`${target} is at 127.0.0.1:${port} until Ctrl-C. Every user of this machine can reach it there, as the principal of the token.`);
  const command = await commandFor(target, port, options);
  if (command !== null) {
    console.log(`  ${escapeControls(command, 'nothing')}`);
  }
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop();
    });
  }
  await stopped;
  await pass.giveBack();
  process.exit(0);
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('the local port has no address');
  }
  return address.port;
}

/** Returns the command to type for a client of the target. Null without `--as`, because the present token may not be allowed to use the API. */
async function commandFor(target: string, port: number, options: ConnectOptions): Promise<string | null> {
  if (options.as === undefined) {
    return null;
  }
  const path = `/api/v1/targets/${encodeURIComponent(target)}/connection?port=${port}`;
  return (await (await ApiClient.open(options)).json<ConnectionInstructions>('GET', path)).command;
}

function complain(target: string, reason: string): void {
  process.stderr.write(`countersign: no connection to ${target}: ${escapeControls(reason, 'nothing')}\n`);
}

/** Forwards one local connection through an upgraded request. The gateway speaks the target's protocol on it; this process only passes bytes on. */
async function forward({ url, target, pass }: Tunnel, local: Socket): Promise<void> {
  local.on('error', () => local.destroy());
  const token = await pass.token();
  const upgrade = (url.startsWith('https:') ? requestTls : request)(`${url}/api/v1/connect/${encodeURIComponent(target)}`, {
    headers: { connection: 'upgrade', upgrade: 'countersign-tunnel', authorization: `Bearer ${token}` },
    timeout: upgradeMs,
  });
  const fail = (reason: string): void => {
    complain(target, reason);
    upgrade.destroy();
    local.destroy();
  };
  upgrade.on('upgrade', (_response, remote, head) => {
    upgrade.setTimeout(0);
    remote.on('error', () => local.destroy());
    local.once('close', () => remote.destroy());
    remote.once('close', () => local.destroy());
    local.write(head);
    local.pipe(remote).pipe(local);
  });
  upgrade.on('response', ({ statusCode }) => {
    fail(`the gateway answers ${statusCode}`);
  });
  upgrade.on('timeout', () => {
    fail('the gateway does not answer');
  });
  upgrade.on('error', (error) => {
    fail(error.message);
  });
  upgrade.end();
}
