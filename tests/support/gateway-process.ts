import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from './wait-until.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts');

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GatewayOptions {
  /** YAML of everything but `data` and `listen`. */
  readonly config: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Before the command that starts the gateway: `strace ...`. */
  readonly wrapper?: readonly string[];
  /** Data directory; a temporary one by default. */
  readonly data?: string;
}

/** A real gateway in a process of its own: `countersign up`. */
export class GatewayProcess implements AsyncDisposable {
  readonly directory: string;
  readonly data: string;
  readonly configFile: string;
  readonly #options: GatewayOptions;
  #child: ChildProcess | null = null;
  #addresses: Readonly<Record<string, string>> = {};
  #log: Buffer[] = [];

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'countersign-gateway-'));
    this.data = options.data ?? join(this.directory, 'data');
    this.configFile = join(this.directory, 'countersign.yaml');
    this.configure(options.config);
  }

  static async start(options: GatewayOptions): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(options);
    await gateway.start();
    return gateway;
  }

  configure(config: string): void {
    const head = `data: ${this.data}\nlisten: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }\n`;
    writeFileSync(this.configFile, head + config);
  }

  async start(): Promise<void> {
    const ready = join(this.directory, 'ready.json');
    rmSync(ready, { force: true });
    const [program = '', ...words] = [...(this.#options.wrapper ?? []), process.execPath, main, 'up', '--config', this.configFile, '--ready-file', ready];
    const child = spawn(program, words, { env: { ...process.env, ...this.#options.environment }, stdio: ['ignore', 'inherit', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => this.#log.push(chunk));
    await waitUntil(() => {
      if (child.exitCode !== null) {
        throw new Error(`the gateway did not start:\n${this.log}`);
      }
      return existsSync(ready);
    });
    this.#addresses = JSON.parse(readFileSync(ready, 'utf8'));
  }

  /** What it wrote to its log. */
  get log(): string {
    return Buffer.concat(this.#log).toString();
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  port(listener: string): number {
    return Number(this.#addresses[listener]?.split(':').at(-1));
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

  /** Runs a command against this gateway. */
  cli(words: readonly string[], options: { readonly input?: string; readonly environment?: Readonly<Record<string, string>> } = {}): CliResult {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...this.#located(words)], {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      timeout: 60_000,
      env: { ...process.env, ...options.environment },
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    return { status: status ?? -1, stdout, stderr };
  }

  /** As `cli`, for what must work; its output as NDJSON. */
  rows<Row>(words: readonly string[]): Row[] {
    const { status, stdout, stderr } = this.cli([...words, '--json']);
    if (status !== 0) {
      throw new Error(`countersign ${words.join(' ')} failed: ${stderr}`);
    }
    return stdout.trim() === '' ? [] : stdout.trim().split('\n').map((line) => JSON.parse(line));
  }

  token(principal: string): string {
    const { status, stdout, stderr } = this.cli(['token', 'create', principal]);
    if (status !== 0) {
      throw new Error(`no token: ${stderr}`);
    }
    return stdout.trim();
  }

  verify(): CliResult {
    return this.cli(['verify', '--data', this.data]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** `--config` behind the words of the command, before anything that is not for us. */
  #located(words: readonly string[]): string[] {
    const end = words.indexOf('--');
    const own = end === -1 ? words : words.slice(0, end);
    const located = own[0] === 'verify' ? own : [...own, '--config', this.configFile];
    return [...located, ...(end === -1 ? [] : words.slice(end))];
  }
}
