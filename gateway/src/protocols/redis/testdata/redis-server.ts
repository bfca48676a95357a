import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError } from '../../../domain/errors.ts';
import { CommandReader } from '../command-reader.ts';

const program = 'redis-server';

/** A server of Redis, reached over a port of this process, which notes what comes. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The commands in the order in which they came, each as its words with a space between them. */
  readonly commands: readonly string[];
  /** True if no connection is open over which these words came. */
  hasEnded(said: string): boolean;
  /** Asks the server past the gateway. Resolves with what it says until the connection ends. */
  ask(...commands: readonly string[]): Promise<string>;
}

/** Starts a server of Redis on a socket file, so that no port is guessed, and a listener that leads there; with a certificate over TLS. */
export async function startRedisServer(certificate?: { readonly cert: string; readonly key: string }): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-redis-'));
  const socketFile = join(directory, 'socket');
  const [user, password] = ['app', 'redis-target-password-canary-41d7'];
  const config = join(directory, 'redis.conf');
  writeFileSync(
    config,
    `port 0\nunixsocket ${socketFile}\nsave ""\ndir ${directory}\nuser default off\nuser ${user} on >${password} ~* &* +@all\nenable-debug-command yes\n`,
  );
  const child = spawn(program, [config], { stdio: ['ignore', 'pipe', 'inherit'] });
  let log = '';
  const ready = Promise.withResolvers<void>();
  child.stdout.on('data', (bytes: Buffer) => {
    log += bytes.toString();
    if (/ready to accept connections/i.test(log)) {
      ready.resolve();
    }
  });
  child.once('error', ready.reject);
  const exited = once(child, 'exit');
  child.once('exit', () => {
    ready.reject(new Error(`redis-server has ended: ${log}`));
  });
  await ready.promise;
  const commands: string[] = [];
  const open = new Map<Socket, string[]>();
  const serve = (client: Socket): void => {
    const said: string[] = [];
    open.set(client, said);
    const reader = new CommandReader(Infinity);
    const server = connect(socketFile);
    client.on('data', (bytes: Buffer) => {
      reader.push(bytes);
      try {
        for (let next = reader.next(); next !== null; next = reader.next()) {
          const words = next.map((each) => each.toString()).join(' ');
          said.push(words);
          commands.push(words);
        }
      } catch (error) {
        // The server itself says what is wrong with bytes that are no commands.
        assert.ok(error instanceof GatewayError);
      }
      server.write(bytes);
    });
    server.pipe(client);
    client.on('end', () => server.end());
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    client.on('close', () => {
      open.delete(client);
    });
  };
  const listener = certificate === undefined ? createServer(serve) : createTlsServer(certificate, serve);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    user,
    password,
    commands,
    hasEnded: (said) => ![...open.values()].flat().some((command) => command.includes(said)),
    ask: async (...asked) => {
      const socket = connect(socketFile);
      socket.end([`AUTH ${user} ${password}`, ...asked, 'QUIT', ''].join('\r\n'));
      let told = '';
      for await (const bytes of socket) {
        told += String(bytes);
      }
      return told;
    },
    [Symbol.asyncDispose]: async () => {
      listener.close();
      for (const socket of open.keys()) {
        socket.destroy();
      }
      child.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
