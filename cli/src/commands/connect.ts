import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import type { StoredToken } from '@countersign/gateway/store/tokens.ts';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location.ts';

const tokenMs = 12 * 3_600_000;

export function addConnect(program: Command): void {
  addLocation(program.command('connect').argument('<target>'))
    .description('open a local port to a target that asks for no password')
    .option('--port <port>', 'local port; any free one by default', '0')
    .option('--as <principal>', 'who connects; without it the token in COUNTERSIGN_TOKEN says so')
    .addHelpText('after', '\nExample:\n  countersign connect orders --as you --port 5433')
    .action(connect);
}

async function connect(target: string, options: LocationOptions & { port: string; as?: string }): Promise<void> {
  const api = new ApiClient(options);
  const token = await tokenFor(api, options.as);
  const instructions = await api.json<{ command: string }>('GET', `/api/targets/${encodeURIComponent(target)}/connection`);
  const server = createServer((socket) => {
    tunnel(api.url, { target, token }, socket);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(Number(options.port), '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  console.log(`${target} is at 127.0.0.1:${address === null || typeof address === 'string' ? '' : address.port}, for every user of this machine, until Ctrl-C`);
  console.log(`at the gateway itself it would be: ${instructions.command}`);
  await new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        stop();
      });
    }
  });
  process.exit(0);
}

async function tokenFor(api: ApiClient, principal: string | undefined): Promise<string> {
  if (principal !== undefined) {
    const { token } = await api.json<{ token: string; stored: StoredToken }>('POST', '/api/tokens', { principal, ttlMs: tokenMs });
    return token;
  }
  const token = process.env['COUNTERSIGN_TOKEN'];
  if (token === undefined) {
    throw new Error('say who connects with --as PRINCIPAL, or give a token in COUNTERSIGN_TOKEN');
  }
  return token;
}

/** One local connection through an upgraded request; the gateway speaks the target's protocol on it. */
function tunnel(url: string, visit: { target: string; token: string }, local: Socket): void {
  local.on('error', () => local.destroy());
  local.pause();
  const upgrade = request(`${url}/api/connect/${encodeURIComponent(visit.target)}`, {
    headers: { connection: 'upgrade', upgrade: 'countersign-tunnel', 'x-countersign-token': `Bearer ${visit.token}` },
  });
  upgrade.on('upgrade', (_response, remote, head) => {
    remote.on('error', () => local.destroy());
    if (head.length > 0) {
      local.write(head);
    }
    local.pipe(remote).pipe(local);
  });
  upgrade.on('response', () => local.destroy());
  upgrade.on('error', () => local.destroy());
  upgrade.end();
}
