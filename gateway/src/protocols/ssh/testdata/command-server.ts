import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { newKey } from './new-key.ts';
import { PatientSocket } from './patient.ts';

/** The server of SFTP of OpenSSH, as Debian has it. */
export const sftpServer = '/usr/lib/openssh/sftp-server';

/** A server of ssh2 that runs the commands of its clients, and the server of SFTP of OpenSSH where it is installed. */
export interface CommandServer extends AsyncDisposable {
  readonly port: number;
  readonly hostKey: string;
  readonly password: string;
  /** The commands in the order in which they came, each after the language that its client set. */
  readonly commands: readonly string[];
  /** The directory of SFTP. */
  readonly directory: string;
  /** All that the server of SFTP says of what it does. */
  operations(): string;
  /** The hosts to which it was asked to connect. It answers in their place, with their name. */
  readonly places: readonly string[];
  /** All that was sent to commands. */
  input(): string;
  /** True if no command runs that contains these words. */
  hasEnded(said: string): boolean;
}

export async function startCommandServer(): Promise<CommandServer> {
  const { private: key, public: hostKey } = newKey();
  const password = 'ssh-contract-canary-91ab';
  const commands: string[] = [];
  const places: string[] = [];
  const input: Buffer[] = [];
  const running = new Map<ChildProcess, string>();
  const connections = new Set<Connection>();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-sftp-server-'));
  const operations: Buffer[] = [];
  const run = (stream: ServerChannel, command: string): ChildProcessWithoutNullStreams => {
    const child = spawn('sh', ['-c', command], { detached: true });
    running.set(child, command);
    stream.on('data', (bytes: Buffer) => input.push(bytes));
    stream.pipe(child.stdin);
    child.stdin.on('error', () => undefined);
    child.stdout.pipe(stream, { end: false });
    child.stderr.pipe(stream.stderr, { end: false });
    stream.on('close', () => {
      end(child);
    });
    child.once('close', (code) => {
      running.delete(child);
      stream.exit(code ?? 1);
      stream.end();
    });
    return child;
  };
  const ssh = new ssh2.Server({ hostKeys: [key] }, (connection) => {
    connections.add(connection);
    connection.on('error', () => undefined);
    connection.on('close', () => {
      connections.delete(connection);
    });
    connection.on('authentication', (context) => {
      if (context.method === 'password' && context.password === password) {
        context.accept();
      } else {
        context.reject(['password']);
      }
    });
    connection.on('tcpip', (accept, _reject, { destIP }) => {
      places.push(destIP);
      const stream = accept();
      stream.end(`from ${destIP}\n`);
    });
    connection.on('session', (accept) => {
      const session = accept();
      let language = '';
      session.on('env', (done: (() => void) | undefined, _reject, { val }) => {
        language = val;
        done?.();
      });
      session.on('pty', (done: (() => void) | undefined) => {
        done?.();
      });
      session.on('subsystem', (begin, _reject, { name }) => {
        const child = run(begin(), name === 'sftp' ? `cd '${directory}' && exec ${sftpServer} -e -l INFO` : `echo no ${name}`);
        child.stderr.on('data', (bytes: Buffer) => operations.push(bytes));
      });
      session.on('exec', (begin, _reject, { command }) => {
        commands.push(`${language} ${command}`);
        run(begin(), command);
      });
    });
  });
  const server = createServer((socket) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ssh2 uses nothing of a socket that a duplex does not have
    ssh.injectSocket(new PatientSocket(socket) as unknown as Socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    hostKey,
    password,
    commands,
    places,
    directory,
    operations: () => Buffer.concat(operations).toString(),
    input: () => Buffer.concat(input).toString(),
    hasEnded: (said) => ![...running.values()].some((command) => command.includes(said)),
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const child of running.keys()) {
        end(child);
      }
      for (const connection of connections) {
        connection.end();
      }
      rmSync(directory, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** Ends a command with all that it has started. */
function end({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) {
    process.kill(-pid, 'SIGKILL');
  }
}
