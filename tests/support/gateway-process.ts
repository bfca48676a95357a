import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { checkedAnswer } from '../../gateway/src/api/testdata/checked-answer.ts';
import type { SessionSummary, ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { segmentName } from '@countersign/ledger/format';
import { CommandThread, type CommandResult } from './command-thread.ts';
import { waitUntil, within } from './wait-until.ts';
import { mainFile } from './main-file.ts';

/** The protocol with a listener of its own that most tests need. The registry is not loaded for it, because many tests take less time than that. */
const usualListeners: readonly string[] = ['postgres'];
const commandMs = 60_000;
/** The index has the lowest priority: beside other tests it may have to wait for the processor for long. */
const indexedMs = 300_000;
const outputBytesMax = 256 * 1024 * 1024;

export type CliResult = CommandResult;

interface CliOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface GatewayOptions {
  /** The configuration as YAML, without `data` and `listen`. */
  readonly config: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Words before the command that starts the gateway. A wrapper that keeps running gets the signals instead of the gateway; `strace -D ...` does not. */
  readonly wrapper?: readonly string[];
  /** The host on which the protocols listen; loopback by default. */
  readonly host?: string;
  /** The data directory; a temporary one by default. */
  readonly data?: string;
  /** The protocols with a listener of their own that listen; by default PostgreSQL. */
  readonly listeners?: readonly string[];
}

/** A real gateway in a process of its own: `countersign up`. It can be killed, and started again on the same data. */
export class GatewayProcess implements AsyncDisposable {
  readonly directory: string;
  readonly data: string;
  readonly configFile: string;
  readonly #options: GatewayOptions;
  #child: ChildProcess | null = null;
  readonly #commands: ChildProcess[] = [];
  #thread: CommandThread | null = null;
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
    const own = (this.#options.listeners ?? usualListeners).map((id) => `, ${id}: ${this.#options.host ?? '127.0.0.1'}:0`);
    writeFileSync(this.configFile, `data: ${this.data}\nlisten: { http: 127.0.0.1:0${own.join('')} }\n${config}`);
  }

  /** Puts a configuration into force at once, without the second for which a changed file must be still. */
  async apply(config: string): Promise<void> {
    this.configure(config);
    const answer = await this.api('/api/v1/config/apply', { method: 'POST', body: {} });
    assert.equal(answer.status, 200, await answer.text());
  }

  /** Starts the gateway. Resolves when it serves clients. */
  async start(more: readonly string[] = []): Promise<void> {
    const ready = join(this.directory, 'ready.json');
    rmSync(ready, { force: true });
    const words = ['up', '--config', this.configFile, '--ready-file', ready, ...more];
    const [program = '', ...rest] = [...(this.#options.wrapper ?? []), process.execPath, mainFile, ...words];
    const [out, log] = [openSync(this.#outFile, 'a'), openSync(this.#logFile, 'a')];
    const child = spawn(program, rest, { env: { ...process.env, ...this.#options.environment }, stdio: ['ignore', out, log] });
    [out, log].forEach((file) => {
      closeSync(file);
    });
    this.#child = child;
    await waitUntil(() => {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the gateway did not start:\n${this.log}`);
      }
      return existsSync(ready);
    });
    this.#addresses = JSON.parse(readFileSync(ready, 'utf8'));
  }

  /** The log of all its starts so far. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** All that it printed for the person who started it, at all its starts so far. */
  get printed(): string {
    return readFileSync(this.#outFile, 'utf8');
  }

  /** Changes files, and has the gateway take them up. It may still be busy with an earlier change, and say so in its log, so only the answer tells that these are in force. */
  async takesUp(change: () => void): Promise<void> {
    change();
    const answer = await this.api('/api/v1/config/apply', { method: 'POST', body: {} });
    assert.equal(answer.status, 200, await answer.text());
  }

  /** Changes files, and waits until the log says these words once more. */
  async looksAt(change: () => void, words: string): Promise<void> {
    const said = (): number => this.log.split(words).length;
    const before = said();
    change();
    await waitUntil(() => said() > before);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The exit code. Null while the gateway runs, and if a signal killed it. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** The signal that ended the gateway; null if there was none. */
  get killedBy(): NodeJS.Signals | null {
    return this.#child?.signalCode ?? null;
  }

  port(listener: string): number {
    return Number(this.#addresses[listener]?.split(':').at(-1));
  }

  /** Returns the path of the journal segment that the gateway writes, or of one after it. */
  segment(ahead = 0): string {
    const directory = join(this.data, 'journal');
    return join(directory, segmentName(readdirSync(directory).length + ahead));
  }

  /** Sends a signal and waits for the end. Resolves with the exit code, or with null if the signal ended the process. */
  async signal(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) {
      return child?.exitCode ?? null;
    }
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return within(exited, `the end of the gateway after ${signal}`);
  }

  /** Runs a command against this gateway until it ends. */
  cli(words: readonly string[], options: CliOptions = {}): CliResult {
    return this.cliAsIs(this.#located(words), options);
  }

  /** Runs a command whose words say themselves where the gateway is, until it ends. */
  cliAsIs(words: readonly string[], options: CliOptions = {}): CliResult {
    const { status, stdout, stderr } = spawnSync(process.execPath, [mainFile, ...words], {
      encoding: 'utf8',
      maxBuffer: outputBytesMax,
      timeout: commandMs,
      env: { ...process.env, ...options.environment },
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    return { status: status ?? -1, stdout, stderr };
  }

  /** Runs a command against this gateway until it ends, as `cli` does, in a thread that runs all of them: the start of a process costs more than the command. */
  command(words: readonly string[], environment: Readonly<Record<string, string>> = {}): CliResult {
    return this.commandAsIs(this.#located(words), environment);
  }

  /** Runs a command as `command` does, whose words say themselves where the gateway is. */
  commandAsIs(words: readonly string[], environment: Readonly<Record<string, string>> = {}): CliResult {
    this.#thread ??= new CommandThread();
    return this.#thread.run({ words, environment });
  }

  /** Starts a command against this gateway that does not end by itself, for instance `session watch`. It is ended together with the gateway at the latest. */
  spawnCli(words: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcessByStdio<null, Readable, Readable> {
    const child = spawn(process.execPath, [mainFile, ...this.#located(words)], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    this.#commands.push(child);
    return child;
  }

  /** Runs a command that must succeed, and returns its output, which is NDJSON, as rows. */
  rows<Row>(words: readonly string[]): Row[] {
    return parseRows(this.#must([...words, '--json']));
  }

  /** Resolves when the index has all that is recorded, so that a search finds it. */
  async whenIndexed(): Promise<void> {
    await waitUntil(async () => {
      const lines = (await (await this.api('/api/v1/search?limit=1')).text()).trimEnd().split('\n');
      return Object.assign({ summary: { behind: 1 } }, JSON.parse(lines.at(-1) ?? '{}')).summary.behind === 0;
    }, indexedMs);
  }

  /** Lists sessions as `session list --no-content` does, without the time that starting a command takes. */
  async sessions(which: 'clients' | 'all' = 'clients'): Promise<SessionSummary[]> {
    return readRows(await this.apiWhenReadable(`/api/v1/sessions?facts${which === 'all' ? '&all' : ''}`));
  }

  /** Returns the session that was opened last. */
  async newest(): Promise<SessionSummary> {
    const session = (await this.sessions()).at(-1);
    if (session === undefined) {
      throw new Error('no session has been opened');
    }
    return session;
  }

  /** Returns the records of a session as `session show` does, without the time that starting a command takes. */
  async records(session: string): Promise<ShownRecord[]> {
    return readRows(await this.apiWhenReadable(`/api/v1/sessions/${session}/records`));
  }

  /** Asks the API with a token or as the operator. The answer is checked against the promises of its endpoint. */
  async api(path: string, options: { readonly method?: string; readonly body?: unknown; readonly token?: string } = {}): Promise<Response> {
    const token = options.token ?? readFileSync(join(this.data, 'admin.token'), 'utf8').trim();
    const { method = 'GET' } = options;
    const answer = await fetch(`http://127.0.0.1:${this.port('http')}${path}`, {
      method,
      // While a command runs, the test's own event loop stands still, so a connection that was kept open may have ended.
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    return checkedAnswer(method, path, answer);
  }

  /** Asks the API again while it says that recordings cannot be read now, as it does for a moment after a fault of the disk. */
  async apiWhenReadable(path: string): Promise<Response> {
    let answer = await this.api(path);
    await waitUntil(async () => {
      if (answer.status === 503) {
        answer = await this.api(path);
      }
      return answer.status !== 503;
    });
    return answer;
  }

  token(principal: string): string {
    return this.#must(['token', 'create', principal]).trim();
  }

  /** Creates a token as `token create` does, without the time that starting a command takes. */
  async issueToken(principal: string): Promise<string> {
    const answer = await this.api('/api/v1/tokens', { method: 'POST', body: { principal } });
    if (!answer.ok) {
      throw new Error(`the API answered ${answer.status}: ${await answer.text()}`);
    }
    return JSON.parse(await answer.text()).token;
  }

  verify(): CliResult {
    return this.command(['verify', '--data', this.data]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commands.forEach((command) => command.kill());
    await this.#thread?.[Symbol.asyncDispose]();
    await this.signal('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #outFile(): string {
    return join(this.directory, 'printed');
  }

  get #logFile(): string {
    return join(this.directory, 'log');
  }

  #must(words: readonly string[]): string {
    const { status, stdout, stderr } = this.command(words);
    if (status !== 0) {
      throw new Error(`countersign ${words.join(' ')} failed with ${status}: ${stderr}`);
    }
    return stdout;
  }

  /** Adds `--config` after the words of the command, before words that are not for the CLI. */
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
