import { GatewayError } from '../domain/errors.ts';
import { reasonOf } from '../wire/failure-reason.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { askWitness, type AskedWitness, type WitnessSaid } from './ask-witness.ts';

/** A witness that did not cosign is left alone for this long, and each time twice as long. */
const backOffMs = 1_000;
const backOffMsMax = 60_000;
/** A witness states its size once, and may have cosigned something else meanwhile. */
const attemptsMax = 3;

/**
 * `asked`: nothing is known yet. `cosigning`: its last answer was a cosignature. `failing`: it could not be reached, or refused. `ahead`: it has cosigned more
 * records of this log than there are. `forked`: it has cosigned another history of this log.
 */
type CosignerState = 'asked' | 'cosigning' | 'failing' | 'ahead' | 'forked';

export interface CosignerStatus {
  readonly name: string;
  readonly url: string;
  readonly state: CosignerState;
  /** Why it does not cosign; empty if it does. */
  readonly why: string;
  /** The size that it has cosigned last, as it says; null if it is not known. */
  readonly size: number | null;
  /** Unix ms of its newest cosignature, by its clock; null: there was none since the start. */
  readonly cosignedMs: number | null;
  /** Since when, in Unix ms, it is in this state. */
  readonly sinceMs: number;
}

interface CosignerOptions {
  readonly witness: AskedWitness;
  readonly caFile: string | null;
  readonly now: () => number;
}

/** Makes the consistency proof from one size of the log to a later checkpoint. */
export type ProveGrowth = (from: number, to: PublishedCheckpoint) => Promise<readonly Uint8Array[]>;

export interface Asking {
  readonly checkpoint: PublishedCheckpoint;
  /** The checkpoints with which keys of the log took over, for a witness that does not know the key in force. */
  readonly handovers: readonly PublishedCheckpoint[];
  readonly prove: ProveGrowth;
  readonly signal: AbortSignal;
  readonly answerMs: number;
}

/** One witness as the gateway sees it: what it has cosigned, and when it is asked again. It is asked one thing at a time. */
export class Cosigner {
  readonly witness: AskedWitness;
  readonly #options: CosignerOptions;
  #status: CosignerStatus;
  #failures = 0;
  #restedMs = 0;

  constructor(options: CosignerOptions) {
    const { name, url } = options.witness;
    this.witness = options.witness;
    this.#options = options;
    this.#status = { name, url, state: 'asked', why: '', size: null, cosignedMs: null, sinceMs: options.now() };
  }

  get status(): CosignerStatus {
    return this.#status;
  }

  /** The time, in ms of the monotonic clock, from which on it is asked again. */
  get restedMs(): number {
    return this.#restedMs;
  }

  /** Asks for the cosignature of a checkpoint. Null: it gave none, and `status` says why. */
  async cosign(asking: Asking): Promise<string | null> {
    const outcome = await this.#ask(asking).catch((error: unknown): Outcome => {
      if (asking.signal.aborted) {
        return null;
      }
      return { state: 'failing', why: error instanceof GatewayError ? error.message : reasonOf(error) };
    });
    if (outcome === null) {
      return null;
    }
    if (outcome.state === 'cosigning') {
      this.#failures = 0;
      this.#restedMs = 0;
      this.#become('cosigning', '', { size: asking.checkpoint.size, cosignedMs: outcome.timeMs });
      return outcome.line;
    }
    this.#restedMs = performance.now() + Math.min(backOffMsMax, backOffMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#become(outcome.state, outcome.why, {});
    return null;
  }

  /** Asks about a checkpoint. A witness that knows an older key of the log is shown first how the others took over. */
  async #ask(asking: Asking): Promise<Outcome> {
    const outcome = await this.#askAbout(asking.checkpoint, asking);
    if (outcome?.state !== 'failing' || outcome.isUnknownKey !== true) {
      return outcome;
    }
    for (const handover of asking.handovers) {
      const shown = await this.#askAbout(handover, asking);
      if (shown?.state !== 'cosigning' && shown?.state !== 'ahead') {
        return shown;
      }
      this.#status = { ...this.#status, size: Math.max(this.#status.size ?? 0, handover.size) };
    }
    return this.#askAbout(asking.checkpoint, asking);
  }

  async #askAbout({ size, note }: PublishedCheckpoint, { prove, signal, answerMs }: Asking): Promise<Outcome> {
    const { caFile } = this.#options;
    let oldSize = this.#status.size ?? 0;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (oldSize > size) {
        return { state: 'ahead', why: `it has cosigned ${oldSize} records of this log, and there are ${size}` };
      }
      const proof = oldSize === 0 || oldSize === size ? [] : await prove(oldSize, { size, note });
      const answer = await askWitness(this.witness, { oldSize, proof, note }, { signal, answerMs, caFile });
      const outcome = outcomeOf(answer, oldSize, size);
      if (outcome !== undefined) {
        return outcome;
      }
      if (answer.said === 'size') {
        oldSize = answer.size;
        this.#status = { ...this.#status, size: oldSize };
      }
    }
    return { state: 'failing', why: 'it states another size each time' };
  }

  #become(state: CosignerState, why: string, news: Partial<CosignerStatus>): void {
    const sinceMs = state === this.#status.state ? this.#status.sinceMs : this.#options.now();
    this.#status = { ...this.#status, state, why, sinceMs, ...news };
  }
}

/** Null: the asking was broken off. */
type Outcome =
  | { readonly state: 'cosigning'; readonly line: string; readonly timeMs: number }
  | { readonly state: 'failing' | 'ahead' | 'forked'; readonly why: string; readonly isUnknownKey?: boolean }
  | null;

/** Undefined: it is asked again, with the size that it states. */
function outcomeOf(answer: WitnessSaid, oldSize: number, size: number): Outcome | undefined {
  if (answer.said === 'cosigned') {
    return { state: 'cosigning', line: answer.line, timeMs: answer.timeMs };
  }
  if (answer.said === 'refused') {
    return { state: 'failing', why: answer.why };
  }
  if (answer.said === 'unknown key') {
    return { state: 'failing', why: 'it knows another key of this log: give it the line of log/key (403)', isUnknownKey: true };
  }
  if (answer.said === 'size' && answer.size !== oldSize) {
    return undefined;
  }
  // It does not accept the proof from the size that it has cosigned, or another root at that size. Nothing is proven from the empty log.
  const isFork = oldSize > 0 && (answer.said === 'unproven' || oldSize === size);
  return isFork
    ? { state: 'forked', why: `it has cosigned another history of ${oldSize} records` }
    : { state: 'failing', why: 'it refuses a checkpoint that continues what it says that it has cosigned' };
}
