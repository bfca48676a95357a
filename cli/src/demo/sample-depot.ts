import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Connection } from 'ssh2';

export interface SampleDepot extends AsyncDisposable {
  readonly url: string;
  /** The key by which the gateway knows it, as authorized_keys has keys. */
  readonly hostKey: string;
}

const parcels = `101 left Dover, told ada@example.com
102 packed, told alan@example.com
`;

/** Starts an SSH server for the demo. Whoever has the password runs commands in a shell, in a directory with the list of parcels. */
export async function openSampleDepot(password: string): Promise<SampleDepot> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-depot-'));
  writeFileSync(join(directory, 'parcels.log'), parcels);
  // No Ed25519: one of 256 keys that ssh2 makes cannot be read by it.
  const { private: key, public: hostKey } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [key] }, (connection) => {
    connections.add(connection);
    connection.on('error', () => undefined);
    connection.on('close', () => connections.delete(connection));
    connection.on('authentication', (context) => {
      if (context.method === 'password' && context.password === password) {
        context.accept();
      } else {
        context.reject(['password']);
      }
    });
    connection.on('session', (acceptSession) => {
      acceptSession().on('exec', (accept, _reject, { command }) => {
        const stream = accept();
        const child = spawn('sh', ['-c', command], { cwd: directory, env: { PATH: process.env['PATH'] } });
        stream.pipe(child.stdin);
        child.stdin.on('error', () => undefined);
        child.stdout.pipe(stream, { end: false });
        child.stderr.pipe(stream.stderr, { end: false });
        child.once('close', (code) => {
          stream.exit(code ?? 1);
          stream.end();
        });
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `ssh://clerk@127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    hostKey,
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) {
        connection.end();
      }
      server.close();
      rmSync(directory, { recursive: true });
      return Promise.resolve();
    },
  };
}
