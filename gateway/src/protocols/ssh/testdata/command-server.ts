import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { PatientSocket } from './patient.ts';

/** A server of ssh2 that runs the commands of its clients. */
export interface CommandServer extends AsyncDisposable {
  readonly port: number;
  readonly hostKey: string;
  readonly password: string;
  /** The commands in the order in which they came, each after the language that its client set. */
  readonly commands: readonly string[];
  /** All that was sent to commands. */
  input(): string;
  /** True if no command runs that contains these words. */
  hasEnded(said: string): boolean;
}

export async function startCommandServer(): Promise<CommandServer> {
  const { private: key, public: hostKey } = ssh2.utils.generateKeyPairSync('ed25519');
  const password = 'ssh-contract-canary-91ab';
  const commands: string[] = [];
  const input: Buffer[] = [];
  const running = new Map<ChildProcess, string>();
  const connections = new Set<Connection>();
  const run = (stream: ServerChannel, command: string): void => {
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
