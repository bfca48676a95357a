import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { freePort } from '../../cli/src/demo/free-port.ts';
import { mainFile } from './main-file.ts';
import { within } from './wait-until.ts';

/** A real witness in a process of its own: `countersign witness serve`. It can be killed, and started again on the same directory. */
export class WitnessProcess implements AsyncDisposable {
  readonly #data: string;
  readonly #name: string;
  #child: ChildProcessByStdio<null, Readable, Readable> | null = null;
  #address = '';
  /** The line of a policy, and the key of the anchor log. */
  policyLine = '';
  anchorKey = '';

  constructor(data: string, name = 'w.example') {
    this.#data = data;
    this.#name = name;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return `http://${this.#address}`;
  }

  /** Starts it, with the keys of logs to enrol, and ends the process before. It keeps its address from the first start. Resolves when it serves. */
  async start(logs: readonly string[] = [], more: readonly string[] = []): Promise<void> {
    await this.stop();
    const listen = this.#address === '' ? `127.0.0.1:${await freePort()}` : this.#address;
    const words = [
      'witness',
      'serve',
      '--listen',
      listen,
      '--data',
      this.#data,
      '--name',
      this.#name,
      '--json',
      ...logs.flatMap((log) => ['--log', log]),
      ...more,
    ];
    const child = spawn(process.execPath, [mainFile, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const line = await within(createInterface({ input: child.stdout })[Symbol.asyncIterator]().next(), 'the first line of the witness');
    if (line.done === true) {
      throw new Error(`the witness did not start: ${said}`);
    }
    const shown: { readonly url: string; readonly policyLine: string; readonly anchorKey: string } = JSON.parse(line.value);
    this.#address = shown.url.replace('http://', '');
    this.policyLine = shown.policyLine;
    this.anchorKey = shown.anchorKey;
  }

  /** Asks it to cosign. */
  async addCheckpoint(body: Uint8Array): Promise<Response> {
    return fetch(`${this.url}/add-checkpoint`, { method: 'POST', body: new Uint8Array(body) });
  }

  /** Resolves when it has ended by itself, with the signal that ended it. */
  async ended(): Promise<NodeJS.Signals | null> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      await within(new Promise((resolve) => child.once('exit', resolve)), 'the end of the witness');
    }
    return child?.signalCode ?? null;
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.ended();
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
