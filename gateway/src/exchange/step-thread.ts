import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, GatewayError } from '../domain/errors.ts';
import type { AwaitedStep, StepAsker, Steps } from '../domain/step.ts';

/** The module of the thread. It has the ending of this file, which is different in a built package. */
const threadFile = new URL(`step-thread-main${extname(import.meta.filename)}`, import.meta.url);
/** Most memory in MB that a step may use in addition to its input. The largest body of text needs less than half of it. */
const memoryMaxMb = 1024;
export interface StepTimes {
  /** Longest time in ms of a step; after it the step is given up. Inputs are limited, so a step takes this long only if the machine is stuck. */
  readonly stepMs: number;
  /** The thread ends after this time without work, and its memory is freed. */
  readonly idleMs: number;
}

const defaultTimes: StepTimes = { stepMs: 60_000, idleMs: 30_000 };

export interface Asked {
  readonly module: string;
  readonly input: object;
}

export interface Told {
  readonly output?: unknown;
  readonly refused?: { readonly code: ErrorCode; readonly message: string };
  readonly bug?: unknown;
}

const tooMuch: Told = { refused: { code: 'limit_exceeded', message: 'The body takes too much memory or time to read.' } };

interface Job {
  readonly asked: Asked;
  readonly settle: (told: Told) => void;
}

/** One thread for steps that would delay all clients. It runs one step at a time, and is started for the first one. */
export class StepThread implements Steps, AsyncDisposable {
  readonly #times: StepTimes;
  #worker: Worker | null = null;
  /** The waiting jobs by owner. The owner that had the last turn comes last. */
  readonly #waiting = new Map<string, Job[]>();
  #current: Job | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(times: StepTimes = defaultTimes) {
    this.#times = times;
  }

  async take<Input extends object, Output>(step: AwaitedStep<Input, Output>, input: Input, { whose, signal }: StepAsker): Promise<Output> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Told>();
    const job: Job = { asked: { module: step.module, input }, settle: resolve };
    const abort = (): void => {
      this.#drop(whose, job);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.set(whose, [...(this.#waiting.get(whose) ?? []), job]);
    this.#next();
    try {
      const { output, refused, bug } = await promise;
      if (refused !== undefined) {
        throw new GatewayError(refused.code, refused.message);
      }
      if (bug !== undefined) {
        throw bug;
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the module of the step made it
      return output as Output;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Ends the thread. The signal of each waiting step has already told its owner. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#worker?.terminate();
  }

  #drop(whose: string, job: Job): void {
    const left = (this.#waiting.get(whose) ?? []).filter((each) => each !== job);
    if (left.length === 0) {
      this.#waiting.delete(whose);
    } else {
      this.#waiting.set(whose, left);
    }
  }

  #next(): void {
    const [next] = this.#waiting;
    if (this.#current !== null || next === undefined) {
      return;
    }
    const [whose, [job, ...others]] = next;
    this.#waiting.delete(whose);
    if (others.length > 0) {
      this.#waiting.set(whose, others);
    }
    if (job === undefined) {
      return;
    }
    this.#current = job;
    try {
      this.#begin(job);
    } catch (error) {
      // There was no memory for the copy, or no thread could be started. The next step is tried nevertheless.
      this.#settle({ bug: error });
    }
  }

  #begin({ asked }: Job): void {
    this.#worker ??= this.#start();
    this.#worker.ref();
    if ('body' in asked.input && asked.input.body instanceof Uint8Array) {
      // The body is copied, because its memory may hold other bytes too and would be transferred.
      const body = new Uint8Array(asked.input.body);
      this.#worker.postMessage({ ...asked, input: { ...asked.input, body } }, [body.buffer]);
    } else {
      this.#worker.postMessage(asked, []);
    }
    this.#endIn(this.#times.stepMs);
  }

  #settle(told: Told): void {
    const job = this.#current;
    this.#current = null;
    this.#worker?.unref();
    this.#endIn(this.#times.idleMs);
    job?.settle(told);
    this.#next();
  }

  #endIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#worker?.terminate();
      this.#end(tooMuch);
    }, ms).unref();
  }

  #end(told: Told): void {
    this.#worker = null;
    if (this.#current !== null) {
      this.#settle(told);
    }
  }

  /** Starts the thread. It keeps the process alive only while it runs a step, and does not get the environment variables. */
  #start(): Worker {
    const worker = new Worker(threadFile, { env: {}, resourceLimits: { maxOldGenerationSizeMb: memoryMaxMb } });
    worker.on('message', (told: Told) => {
      // A thread that was given up may still answer, but its step is not the current one.
      if (this.#worker === worker) {
        this.#settle(told);
      }
    });
    worker.on('error', (error) => {
      if (this.#worker === worker) {
        this.#end(isOutOfMemory(error) ? tooMuch : { bug: error });
      }
    });
    return worker;
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
