import { strict as assert } from 'node:assert';
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { GatewayError } from '../../domain/errors.ts';
import { LineReader } from './line-reader.ts';

/** A server that speaks MCP over its standard input and output, as a target names it. */
export interface ServerCommand {
  /** The program and its arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  /** The variables that the program gets in addition to those that every program needs, such as PATH, HOME and LANG. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** Gets the events of a server. Its methods are called in order, and never from within a call to the server. */
export interface ServerListener {
  /** Called with each line of the server: a message, or what the server takes for one. */
  onLine(line: Buffer): void;
  /** Called when the process has ended and open requests get no answer. The process is started again after a while. */
  onExit(error: GatewayError): void;
}

export interface ServerLimits {
  /** Most bytes of one message of the server. A longer message ends the process. */
  readonly lineBytesMax: number;
  /** Most bytes that wait for the server to read them. Beyond that, nothing more is accepted. */
  readonly queuedBytesMax: number;
  /** Most bytes of the server's latest standard error that are kept for the operator. */
  readonly stderrBytesMax: number;
  /** The time in ms from closing the server's input to SIGTERM, and from there to SIGKILL. */
  readonly stopMs: number;
  /** The time in ms before the first restart. It doubles with each start after which the server printed no line. */
  readonly restartFirstMs: number;
  readonly restartMaxMs: number;
  /** The longest time in ms that a caller waits for the server to run. */
  readonly readyMs: number;
}

export const defaultServerLimits: ServerLimits = {
  lineBytesMax: 16 * 1024 * 1024,
  queuedBytesMax: 1024 * 1024,
  stderrBytesMax: 4096,
  stopMs: 2000,
  restartFirstMs: 250,
  restartMaxMs: 30_000,
  readyMs: 10_000,
};

const inheritedVariables = new Set(['PATH', 'HOME', 'LANG']);
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/** Starts the server. Rejects with GatewayError `target_unreachable` if it cannot be started. */
export async function openServerProcess(command: ServerCommand, listener: ServerListener, limits: ServerLimits = defaultServerLimits): Promise<ServerProcess> {
  const server = new ServerProcess(command, listener, limits);
  await server.start();
  return server;
}

/** Makes one line of a message. A line break in JSON is white space between tokens, because within a string it is escaped. */
export function lineOf(message: Uint8Array): Buffer {
  return Buffer.from(message.map((byte) => (byte === lineFeed || byte === carriageReturn ? space : byte)));
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Owns the process and everything that it starts: they are one process group, which ends with the process and with this object.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio
 */
export class ServerProcess implements AsyncDisposable {
  readonly #command: ServerCommand;
  readonly #listener: ServerListener;
  readonly #limits: ServerLimits;
  /** Null from the end of the process until it is started again. */
  #child: Child | null = null;
  #stderr = Buffer.alloc(0);
  #startsWithoutLine = 0;
  #restart: NodeJS.Timeout | null = null;
  #starting: Promise<void> | null = null;
  /** Resolves at the next start. */
  #started = Promise.withResolvers<void>();
  #isStopped = false;

  /** Only `openServerProcess` makes and starts it. */
  constructor(command: ServerCommand, listener: ServerListener, limits: ServerLimits) {
    this.#command = command;
    this.#listener = listener;
    this.#limits = limits;
  }

  /** The server's latest standard error. It may hold anything, so it is shown to the operator and never to a client. */
  get stderr(): string {
    return this.#stderr.toString('utf8');
  }

  async start(): Promise<void> {
    const child = await spawnServer(this.#command);
    child.stderr.on('data', (piece: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, piece]).subarray(-this.#limits.stderrBytesMax);
    });
    this.#startsWithoutLine += 1;
    this.#child = child;
    this.#follow(child);
    this.#started.resolve();
  }

  /** Resolves when the server runs; it may have to be started again first. Rejects with GatewayError `target_unreachable` if that takes too long. */
  async ready(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      late.reject(new GatewayError('target_unreachable', 'The server of the target has ended too often; it is started again later.'));
    }, this.#limits.readyMs);
    try {
      await Promise.race([this.#started.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends one message as one line. Throws GatewayError `target_unreachable` if the server does not run or does not read. */
  send(line: Uint8Array): void {
    assert(!line.includes(lineFeed), 'a message is one line');
    const stdin = this.#child?.stdin;
    if (stdin === undefined || !stdin.writable) {
      throw new GatewayError('target_unreachable', 'The server of the target has ended; it is started again.');
    }
    if (stdin.writableLength > 0 && stdin.writableLength + line.length > this.#limits.queuedBytesMax) {
      throw new GatewayError('target_unreachable', 'The server of the target does not read what it is sent.');
    }
    stdin.write(Buffer.concat([line, Buffer.of(lineFeed)]));
  }

  /** Stops reading from the server until `resume` is called. The server then waits when its output is full. */
  pause(): void {
    this.#child?.stdout.pause();
  }

  resume(): void {
    this.#child?.stdout.resume();
  }

  /** Ends the server: closes its input, then sends SIGTERM, then SIGKILL. The listener is not called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restart ?? undefined);
    await this.#starting;
    const child = this.#child;
    if (child === null) {
      return;
    }
    const terminate = setTimeout(() => signalGroup(child, 'SIGTERM'), this.#limits.stopMs);
    const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), 2 * this.#limits.stopMs);
    child.stdin.end();
    child.stdout.resume();
    await once(child, 'close');
    clearTimeout(terminate);
    clearTimeout(kill);
  }

  #follow(child: Child): void {
    const lines = new LineReader(this.#limits.lineBytesMax);
    let problem: GatewayError | null = null;
    child.stdout.on('data', (piece: Buffer) => {
      const read = lines.push(piece);
      if (read === null) {
        problem ??= new GatewayError(
          'target_unreachable',
          `The server of the target sent a message longer than ${this.#limits.lineBytesMax} bytes, and was ended.`,
        );
        signalGroup(child, 'SIGKILL');
      } else if (problem === null && !this.#isStopped) {
        this.#hear(read);
      }
    });
    // Other processes of the group, or some that left it, may still hold the other ends of the pipes.
    child.once('exit', () => {
      signalGroup(child, 'SIGKILL');
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, this.#limits.stopMs).unref();
    });
    child.once('close', (code, signal) => {
      this.#child = null;
      this.#started = Promise.withResolvers<void>();
      this.#ended(problem ?? new GatewayError('target_unreachable', `The server of the target has ended (${signal ?? `exit code ${code}`}).`));
    });
  }

  #hear(lines: readonly Buffer[]): void {
    for (const line of lines.filter(({ length }) => length > 0)) {
      this.#startsWithoutLine = 0;
      this.#listener.onLine(line);
    }
  }

  #ended(error: GatewayError): void {
    if (this.#isStopped) {
      return;
    }
    this.#scheduleStart();
    this.#listener.onExit(error);
  }

  #scheduleStart(): void {
    const { restartFirstMs, restartMaxMs } = this.#limits;
    const delayMs = Math.min(restartMaxMs, restartFirstMs * 2 ** Math.max(this.#startsWithoutLine - 1, 0));
    this.#restart = setTimeout(() => {
      this.#starting = this.#startAgain();
    }, delayMs);
  }

  async #startAgain(): Promise<void> {
    try {
      await this.start();
    } catch {
      // The server could be started before, so the fault may be temporary and it is tried again.
      this.#startsWithoutLine += 1;
      if (!this.#isStopped) {
        this.#scheduleStart();
      }
    }
  }
}

async function spawnServer({ argv, environment, directory }: ServerCommand): Promise<Child> {
  const [program, ...args] = argv;
  const inherited = Object.entries(process.env).filter(([name]) => inheritedVariables.has(name));
  try {
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    await once(child, 'spawn');
    // A failure to write to the server, or to signal it, is noticed by its end.
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    return child;
  } catch (error) {
    throw new GatewayError('target_unreachable', `The server of the target, ${program}, could not be started.`, { cause: error });
  }
}

/** Sends a signal to everything that the server started and that still runs. */
function signalGroup({ pid }: Child, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (pid !== undefined) {
      process.kill(-pid, signal);
    }
  } catch {
    // No process is left.
  }
}
