import { spawn, spawnSync, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { checkedAnswer } from '../../gateway/src/api/testdata/checked-answer.ts';
import type { SessionSummary, ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { segmentName } from '@countersign/ledger/format';
import { waitUntil } from './wait-until.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');
const commandMs = 60_000;
const outputBytesMax = 256 * 1024 * 1024;

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface CliOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface GatewayOptions {
  /** YAML of everything but `data` and `listen`. */
  readonly config: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Before the command that starts the gateway. One that stays is what gets the signals: `strace -D ...` steps aside. */
  readonly wrapper?: readonly string[];
  /** Where clients of the protocols are listened for; loopback by default. */
  readonly host?: string;
  /** Data directory; a temporary one by default. */
  readonly data?: string;
}

/** A real gateway in a process of its own: `countersign up`. It can be killed and started again on the same data. */
export class GatewayProcess implements AsyncDisposable {
  readonly directory: string;
  readonly data: string;
  readonly configFile: string;
  readonly #options: GatewayOptions;
  #child: ChildProcess | null = null;
  #addresses: Readonly<Record<string, string>> = {};

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'countersign-gateway-'));
    this.data = options.data ?? join(this.directory, 'data');
    this.configFile = join(this.directory, 'countersign.yaml');
    this.configure(options.config);
  }

  static async start(options: GatewayOptions): Promise<GatewayProcess> {
    await using starting = new AsyncDisposableStack();
    const gateway = starting.use(new GatewayProcess(options));
    await gateway.start();
    starting.move();
    return gateway;
  }

  configure(config: string): void {
    const head = `data: ${this.data}\nlisten: { http: 127.0.0.1:0, postgres: ${this.#options.host ?? '127.0.0.1'}:0 }\n`;
    writeFileSync(this.configFile, head + config);
  }

  /** Resolves when it serves. */
  async start(more: readonly string[] = []): Promise<void> {
    const ready = join(this.directory, 'ready.json');
    rmSync(ready, { force: true });
    const words = ['up', '--config', this.configFile, '--ready-file', ready, ...more];
    const [program = '', ...rest] = [...(this.#options.wrapper ?? []), process.execPath, main, ...words];
    const log = openSync(this.#logFile, 'a');
    const child = spawn(program, rest, { env: { ...process.env, ...this.#options.environment }, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    await waitUntil(() => {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the gateway did not start:\n${this.log}`);
      }
      return existsSync(ready);
    });
    this.#addresses = JSON.parse(readFileSync(ready, 'utf8'));
  }

  /** What it has logged up to now, over all its starts. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Null while it runs, and after a signal killed it. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** The signal that ended it. */
  get killedBy(): NodeJS.Signals | null {
    return this.#child?.signalCode ?? null;
  }

  port(listener: string): number {
    return Number(this.#addresses[listener]?.split(':').at(-1));
  }

  /** The segment of the journal that it writes, or one after it. */
  segment(ahead = 0): string {
    const directory = join(this.data, 'journal');
    return join(directory, segmentName(readdirSync(directory).length + ahead));
  }

  /** Resolves with the exit code, or null for a signal. */
  async signal(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) {
      return child?.exitCode ?? null;
    }
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return exited;
  }

  /** Runs a command against this gateway to its end. */
  cli(words: readonly string[], options: CliOptions = {}): CliResult {
    return this.cliAsIs(this.#located(words), options);
  }

  /** The same for words that say themselves where the gateway is. */
  cliAsIs(words: readonly string[], options: CliOptions = {}): CliResult {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
      encoding: 'utf8',
      maxBuffer: outputBytesMax,
      timeout: commandMs,
      env: { ...process.env, ...options.environment },
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    return { status: status ?? -1, stdout, stderr };
  }

  /** Starts a command against this gateway that goes on: `session watch`, `connect`. Whoever starts it ends it. */
  spawnCli(words: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcessByStdio<null, Readable, Readable> {
    return spawn(process.execPath, [main, ...this.#located(words)], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  }

  /** As `cli`, for what must work; its output as NDJSON. */
  rows<Row>(words: readonly string[]): Row[] {
    return parseRows(this.#must([...words, '--json']));
  }

  /** As `session list`, without a command's start. */
  async sessions(which: 'clients' | 'all' = 'clients'): Promise<SessionSummary[]> {
    return readRows(await this.api(which === 'all' ? '/api/sessions?all' : '/api/sessions'));
  }

  /** The session that was opened last. */
  async newest(): Promise<SessionSummary> {
    const session = (await this.sessions()).at(-1);
    if (session === undefined) {
      throw new Error('no session has been opened');
    }
    return session;
  }

  /** As `session show`, without a command's start. */
  async records(session: string): Promise<ShownRecord[]> {
    return readRows(await this.api(`/api/sessions/${session}/records`));
  }

  /** Asks the API, with a token or as the operator. The answer is held to what its endpoint promises. */
  async api(path: string, options: { readonly method?: string; readonly body?: unknown; readonly token?: string } = {}): Promise<Response> {
    const token = options.token ?? readFileSync(join(this.data, 'admin.token'), 'utf8').trim();
    const { method = 'GET' } = options;
    const answer = await fetch(`http://127.0.0.1:${this.port('http')}${path}`, {
      method,
      // A command holds up the test's own loop: a connection that was kept may have ended meanwhile.
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    return checkedAnswer(method, path, answer);
  }

  token(principal: string): string {
    return this.#must(['token', 'create', principal]).trim();
  }

  /** As `token create`, without a command's start. */
  async issueToken(principal: string): Promise<string> {
    const answer = await this.api('/api/tokens', { method: 'POST', body: { principal } });
    if (!answer.ok) {
      throw new Error(`the API answered ${answer.status}: ${await answer.text()}`);
    }
    return JSON.parse(await answer.text()).token;
  }

  verify(): CliResult {
    return this.cli(['verify', '--data', this.data]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #logFile(): string {
    return join(this.directory, 'log');
  }

  #must(words: readonly string[]): string {
    const { status, stdout, stderr } = this.cli(words);
    if (status !== 0) {
      throw new Error(`countersign ${words.join(' ')} failed with ${status}: ${stderr}`);
    }
    return stdout;
  }

  /** `--config` behind the words of the command, before anything that is not for us. */
  #located(words: readonly string[]): string[] {
    const end = words.indexOf('--');
    const own = end === -1 ? words : words.slice(0, end);
    const isLocated = own[0] === 'verify' || own.includes('--data') || own.includes('--url');
    const located = isLocated ? own : [...own, '--config', this.configFile];
    return [...located, ...(end === -1 ? [] : words.slice(end))];
  }
}

async function readRows<Row>(answer: Response): Promise<Row[]> {
  if (!answer.ok) {
    throw new Error(`the API answered ${answer.status}: ${await answer.text()}`);
  }
  return parseRows(await answer.text());
}

function parseRows<Row>(text: string): Row[] {
  const lines = text.split('\n');
  const rows = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  const problem = rows.find((row) => row.problem !== undefined);
  if (problem !== undefined) {
    throw new Error(`not all could be read: ${JSON.stringify(problem)}`);
  }
  return rows;
}
