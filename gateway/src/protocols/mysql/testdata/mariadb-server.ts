import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = 'mariadbd';
const headerBytes = 4;

/** A server of MariaDB, reached over a port of this process, which notes what comes. */
export interface MariadbServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The payloads of commands in the order in which they came, as text without their first byte. */
  readonly commands: readonly string[];
  /** True if no connection is open over which these words came, and the server runs nothing with them. */
  hasEnded(said: string): Promise<boolean>;
  /** Asks the server past the gateway, as its administrator. Returns what it says, a line for each row. */
  ask(sql: string): string;
}

/** Starts a server of MariaDB on a socket file, so that no port is guessed, and a listener that leads there. `more` are further words of its command line. */
export async function startMariadbServer(more: readonly string[] = []): Promise<MariadbServer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-mariadb-'));
  const [data, socketFile, temporary] = [join(directory, 'data'), join(directory, 'socket'), join(directory, 'temporary')];
  const [user, password] = ['app', 'mariadb-target-password-canary-7e19'];
  // A server that starts removes the temporary tables of all others in their directory.
  mkdirSync(temporary);
  must('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    `--tmpdir=${temporary}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--user=root',
  ]);
  const words = [
    '--no-defaults',
    '--user=root',
    `--datadir=${data}`,
    `--tmpdir=${temporary}`,
    `--socket=${socketFile}`,
    '--skip-networking',
    '--innodb-flush-log-at-trx-commit=0',
  ];
  const child = spawn(program, [...words, '--innodb-buffer-pool-size=16M', '--skip-log-bin', '--plugin-load-add=auth_ed25519', ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const ready = Promise.withResolvers<void>();
  child.stderr.on('data', (bytes: Buffer) => {
    log += bytes.toString();
    if (/ready for connections/.test(log)) {
      ready.resolve();
    }
  });
  child.once('error', ready.reject);
  const exited = once(child, 'exit');
  child.once('exit', () => {
    ready.reject(new Error(`mariadbd has ended: ${log}`));
  });
  await ready.promise;
  const ask = (sql: string): string => must('mariadb', ['--no-defaults', `--socket=${socketFile}`, '-u', 'root', '-N', '-B', '-e', sql]);
  ask(`CREATE DATABASE shop; CREATE USER ${user}@localhost IDENTIFIED BY '${password}'; GRANT ALL ON *.* TO ${user}@localhost`);
  const commands: string[] = [];
  const open = new Map<Socket, string[]>();
  const listener = createServer((client) => {
    const said: string[] = [];
    open.set(client, said);
    const server = connect(socketFile);
    let rest: Buffer = Buffer.alloc(0);
    client.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= headerBytes && rest.length >= headerBytes + rest.readUIntLE(0, 3)) {
        const length = rest.readUIntLE(0, 3);
        // The packets of a login have other numbers.
        if (rest[3] === 0) {
          const text = rest.toString('utf8', headerBytes + 1, headerBytes + length);
          said.push(text);
          commands.push(text);
        }
        rest = rest.subarray(headerBytes + length);
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
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    user,
    password,
    commands,
    hasEnded: async (said) => {
      const isOpen = [...open.values()].flat().some((command) => command.includes(said));
      return Promise.resolve(!isOpen && !ask("SELECT info FROM information_schema.processlist WHERE user = 'app'").includes(said));
    },
    ask,
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

function must(command: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${command} failed: ${stderr}${error?.message ?? ''}`);
  }
  return stdout;
}
