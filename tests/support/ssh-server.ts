import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKey } from '../../gateway/src/protocols/ssh/testdata/new-key.ts';
import { notAllowedHere, requireProgram } from './require-program.ts';

const sshd = '/usr/sbin/sshd';
const userId = 60_022;

/** A server of OpenSSH with a user `deploy`, who exists for it alone. */
export interface SshServer extends AsyncDisposable {
  readonly port: number;
  /** The public key of the server, as the option `hostKeys` of a target has it. */
  readonly hostKey: string;
  readonly password: string;
  /** A private key of the user, in the format of OpenSSH. */
  readonly userKey: string;
  /** The home of the user. */
  readonly home: string;
  /** All that its log says. */
  log(): string;
}

/** Returns the options of a test that needs `startSshServer`. */
export function requireSshServer(): { readonly skip?: string } {
  const missing = requireProgram('ssh', 'rsync', sshd, 'unshare', 'openssl', 'python:paramiko');
  if (missing.skip !== undefined) {
    return missing;
  }
  const isAllowed = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/run']).status === 0;
  return isAllowed ? {} : notAllowedHere('a server of OpenSSH with users of its own needs root and mounts');
}

/**
 * Starts a server of OpenSSH on loopback. This process listens and gives each connection to an sshd of its own, as inetd does, so no port is guessed. Its user, the password
 * and the directory of sshd are in mounts that only this sshd sees.
 */
export async function startSshServer(): Promise<SshServer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-sshd-'));
  // Other users must reach their home.
  chmodSync(directory, 0o755);
  const at = (name: string): string => join(directory, name);
  const home = at('home');
  mkdirSync(join(home, '.ssh'), { recursive: true });
  const password = 'ssh-target-password-canary-77c2';
  const hostKey = newKey();
  const userKey = newKey();
  writeFileSync(at('host'), hostKey.private, { mode: 0o600 });
  const hash = spawnSync('openssl', ['passwd', '-6', '-stdin'], { input: password, encoding: 'utf8' }).stdout.trim();
  const account = `deploy:x:${userId}:${userId}::${home}:/bin/bash\n`;
  writeFileSync(at('passwd'), readFileSync('/etc/passwd', 'utf8') + account);
  writeFileSync(at('shadow'), `root:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\ndeploy:${hash}:19000:0:99999:7:::\n`, { mode: 0o600 });
  writeFileSync(join(home, '.ssh', 'authorized_keys'), `${userKey.public}\n`);
  writeFileSync(
    at('config'),
    `HostKey ${at('host')}
UsePAM no
StrictModes no
PasswordAuthentication yes
PubkeyAuthentication yes
AllowUsers deploy
AcceptEnv LANG LC_* GIT_PROTOCOL COUNTERSIGN_*
PrintMotd no
LogLevel VERBOSE
Subsystem sftp internal-sftp
Subsystem netconf /bin/cat
`,
  );
  spawnSync('chown', ['-R', `${userId}:${userId}`, home]);
  const mounts = `mount -t tmpfs tmpfs /run && mkdir /run/sshd && mount --bind ${at('passwd')} /etc/passwd && mount --bind ${at('shadow')} /etc/shadow`;
  const log = openSync(at('log'), 'a');
  const children = new Set<ChildProcess>();
  const server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
    const child = spawn('unshare', ['--mount', 'sh', '-c', `${mounts} && exec ${sshd} -i -e -f ${at('config')}`], { stdio: [socket, socket, log] });
    children.add(child);
    child.once('exit', () => children.delete(child));
    // The child has the socket now.
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    hostKey: hostKey.public,
    password,
    userKey: userKey.private,
    home,
    log: () => readFileSync(at('log'), 'utf8'),
    [Symbol.asyncDispose]: async () => {
      server.close();
      const ended = [...children].map((child) => once(child, 'exit'));
      for (const child of children) {
        child.kill('SIGTERM');
      }
      await Promise.all(ended);
      closeSync(log);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
