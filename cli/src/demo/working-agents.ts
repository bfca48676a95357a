import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { spawnAgent } from './agent.ts';
import { exitOf, interruption } from './typed-commands.ts';

/** The time in ms until an agent begins again whose statement was decided, or that was halted. */
const againMs = 6_000;
/** The orders that are with the post, one after the other. */
const orders = [104, 103, 102] as const;

/** The agents that work while the demo serves: a statement of one waits for a person, and another looks at the database every few seconds until it is halted. */
export class WorkingAgents implements AsyncDisposable {
  readonly #end = new AbortController();
  readonly #working: Promise<unknown>;
  readonly #config: string;

  constructor(config: string) {
    this.#config = config;
    this.#working = Promise.all([
      this.#keepAtWork('stock-bot', (round) => `Order ${orders[round % orders.length]} is with the post. Say so in its state.`),
      this.#keepAtWork('watch-bot', () => 'Watch the open orders, and tell me what you see.'),
    ]);
  }

  async #keepAtWork(principal: string, questionOf: (round: number) => string): Promise<void> {
    const signal = AbortSignal.any([this.#end.signal, interruption.signal]);
    for (let round = 0; !signal.aborted; round += 1) {
      const child = spawnAgent(['run', '--config', this.#config, '--as', principal], 'ignore', questionOf(round));
      await endedBy(child, signal);
      await delay(againMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#working;
  }
}

/** Resolves when a process has ended. It is told to when the signal is given. */
async function endedBy(child: ChildProcess, signal: AbortSignal): Promise<void> {
  const end = (): void => {
    child.kill('SIGTERM');
  };
  signal.addEventListener('abort', end);
  await exitOf(child);
  signal.removeEventListener('abort', end);
}
