import { GatewayError } from '../domain/errors.ts';
import { dayOf, isExpired, printDay } from '../recording/retention.ts';
import type { ClassDay, KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { Erasures } from './erasures.ts';

/** Runs of retention have this action in the record. */
export const runRetentionAction = 'gateway.run_retention';
/** A day that is later than the one before by more than this is believed only if a person says so: the clock may be wrong. */
const believedDays = 7;
/** The first look is this long after the start, when the log has a sign of life. */
const firstLookMs = 45_000;
const lookMs = 3_600_000;

export interface RetentionRunParts {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly erasures: Erasures;
  /** Keeps longer what the keys open and rules or holds want, and calls `destroy`. Rejects if that is not certain for all of it: then nothing is destroyed. */
  readonly keepThenDestroy?: (keys: readonly ClassDay[], destroy: () => Promise<void>) => Promise<void>;
  readonly now: () => number;
  /** Told why a run that nobody asked for destroyed nothing. */
  readonly onRefused: (error: unknown) => void;
}

/** The result of a run. */
export interface FinishedRun {
  /** The day on which it was, as the number of days since 1970-01-01. */
  readonly day: number;
  /** The keys that were destroyed. */
  readonly keys: readonly ClassDay[];
}

/** Destroys the keys of days that have passed: once a day by itself, and when somebody asks. */
export class RetentionRun implements Disposable {
  readonly #parts: RetentionRunParts;
  readonly #timers: NodeJS.Timeout[] = [];
  /** The day of the last run of this start; null before it. */
  #doneDay: number | null = null;
  #isFailing = false;

  constructor(parts: RetentionRunParts) {
    this.#parts = parts;
  }

  /** Begins to look, now and then. */
  begin(): void {
    const look = (): void => {
      void this.look();
    };
    this.#timers.push(setTimeout(look, firstLookMs).unref(), setInterval(look, lookMs).unref());
  }

  /**
   * Destroys what has expired. `why` says who wants it; `confirmed` is the day that a person says it is. Rejects with GatewayError `conflict` if the clock is not
   * believed, `cannot_record`, and with what `keepThenDestroy` rejects with; then nothing is destroyed.
   */
  async run(why: Readonly<Record<string, unknown>>, confirmed: number | null = null): Promise<FinishedRun> {
    const { recorder, keys, erasures, keepThenDestroy, now } = this.#parts;
    const day = dayOf(now());
    this.#requireBelieved(day, confirmed);
    const expired = keys.classDays().filter((key) => isExpired(key, day));
    // Perhaps something was announced before that could not be carried out then.
    if (expired.length > 0 || recorder.erasures.length > 0) {
      const destroy = async (): Promise<void> => {
        await (expired.length > 0 ? erasures.erase({ cause: 'expired', keys: expired, secrets: [], why }) : erasures.resume());
      };
      await (keepThenDestroy === undefined ? destroy() : keepThenDestroy(expired, destroy));
    }
    keys.noteRetentionDay(day);
    this.#doneDay = day;
    return { day, keys: expired };
  }

  /** Runs if the day has changed since the last run, or if something that was announced waits to be carried out. */
  async look(): Promise<void> {
    const { recorder, now, onRefused } = this.#parts;
    const day = dayOf(now());
    if ((day === this.#doneDay && recorder.erasures.length === 0) || dayOf(recorder.lastMs) !== day) {
      return;
    }
    try {
      await this.run({ by: null, reason: 'the daily run' });
      this.#isFailing = false;
    } catch (error) {
      // A failure that goes on is reported once.
      if (!this.#isFailing) {
        onRefused(error);
      }
      this.#isFailing = true;
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
  }

  /**
   * A clock that jumped ahead would destroy what was to be kept. It is believed if the log has a record of this day, and the last run, or else the last record
   * before this start, was few days ago. Each such jump is on record as a pause.
   */
  #requireBelieved(day: number, confirmed: number | null): void {
    const { recorder, keys } = this.#parts;
    if (confirmed !== null && confirmed !== day) {
      throw new GatewayError(
        'conflict',
        `By the clock of the gateway today is ${printDay(day)}, and you say ${printDay(confirmed)}. Nothing was deleted. Set the clock right first.`,
      );
    }
    const known = keys.retentionDay ?? (recorder.beforeMs === 0 ? day : dayOf(recorder.beforeMs));
    if (day > known + believedDays && confirmed === null) {
      throw new GatewayError(
        'conflict',
        `By the clock of the gateway today is ${printDay(day)}, and the last day known before is ${printDay(known)}. Nothing was deleted, because a clock that is wrong would delete too much. If that is today, say so: countersign retention run --today ${printDay(day)}`,
      );
    }
    if (dayOf(recorder.lastMs) !== day) {
      throw new GatewayError('conflict', `The log has no record of ${printDay(day)} yet. Nothing was deleted. Try again in a minute.`);
    }
  }
}
