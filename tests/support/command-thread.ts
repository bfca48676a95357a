import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';

const commandMs = 60_000;

export interface CommandToRun {
  readonly words: readonly string[];
  /** Variables in addition to those of the test. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The `workerData` of the thread. */
export interface CommandThreadData {
  /** Becomes 1 when the result has been sent. */
  readonly isDone: Int32Array<SharedArrayBuffer>;
  /** Brings commands, and takes results. */
  readonly port: MessagePort;
}

/**
 * A thread that runs commands of the command line one after the other, as `main.ts` runs one in a process of its own. Most of what a short command costs is the
 * start of its process. A command that reads standard input, starts programs or waits for signals needs a process.
 */
export class CommandThread implements AsyncDisposable {
  readonly #isDone = new Int32Array(new SharedArrayBuffer(4));
  readonly #port: MessagePort;
  readonly #worker: Worker;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    const workerData: CommandThreadData = { isDone: this.#isDone, port: port2 };
    this.#port = port1;
    this.#worker = new Worker(new URL('./command-thread-main.ts', import.meta.url), { workerData, transferList: [port2] });
    this.#worker.unref();
  }

  /** Runs a command in a directory, as `run` does. */
  runIn(directory: string, command: CommandToRun): CommandResult {
    const own = process.cwd();
    process.chdir(directory);
    try {
      return this.run(command);
    } finally {
      process.chdir(own);
    }
  }

  /** Runs a command until it ends. The caller's event loop stands still meanwhile. */
  run(command: CommandToRun): CommandResult {
    const port = this.#port;
    Atomics.store(this.#isDone, 0, 0);
    port.postMessage(command);
    Atomics.wait(this.#isDone, 0, 0, commandMs);
    const answer: { readonly message: CommandResult } | undefined = receiveMessageOnPort(port);
    if (answer === undefined) {
      throw new Error(`this command has not ended: ${command.words.join(' ')}`);
    }
    return answer.message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }
}
