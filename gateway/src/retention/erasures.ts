import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ErasureCause, ErasureIntent } from '@countersign/ledger/format';
import type { ClassDay, KeyStore } from '../recording/key-store.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { Recorder } from '../recording/recorder.ts';

/** The most keys that one record names, so that its body is never longer than 64 KiB. */
const keysPerRecord = 600;
const secretsPerRecord = 1000;
/** So many wraps are removed in one turn of the thread that serves. */
const wrapsAtOnce = 256;

/** The steps of an erasure, in order. A process may end after each of them. */
export type ErasureStep = 'announced' | 'confirmed' | 'destroyed' | 'overwritten' | 'forgotten' | 'completed';

export interface ErasureParts {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  /** Resolves when a checkpoint over the intents is vouched for elsewhere too. By default nobody is asked. Rejects with GatewayError; then nothing is destroyed before the next call. */
  readonly confirm?: (checkpoint: PublishedCheckpoint) => Promise<void>;
  /**
   * Returns those of some secrets that holds keep by now, which are not destroyed then. No hold is set or released between this call and the destruction. Absent: there are no holds. Rejects if the
   * holds cannot keep now all that they want; then nothing is destroyed before the next call.
   */
  readonly keptByHolds?: (secrets: ErasureIntent['secrets']) => Promise<ErasureIntent['secrets']>;
  /**
   * Removes what was made of the erased content and is kept elsewhere, in files and in memory. `from`: secrets ended by themselves, and the first record that they sealed has this
   * index in the log, or a higher one. Null: only keys of classes and days ended.
   */
  readonly forget: (from: number | null) => Promise<void>;
  /** Names the places outside of the store where copies of the keys are. */
  readonly copies?: () => readonly string[];
  /** Told of each step. */
  readonly onStep?: (step: ErasureStep) => void;
}

/** Says which keys and secrets are to be destroyed, and why. */
export interface ErasureOrder {
  readonly cause: ErasureCause;
  readonly keys: readonly ClassDay[];
  readonly secrets: ErasureIntent['secrets'];
  /** The index in the log of the first record that one of the secrets seals. Absent: it is not known. */
  readonly from?: number;
  /** Why, and who wants it. It is sealed, and kept as long as facts. */
  readonly why: Readonly<Record<string, unknown>>;
  /** Called once what will be destroyed is appended to the log, before that is committed. Not called if there is nothing to destroy. */
  readonly onAnnounced?: () => void;
}

interface CarriedOut {
  /** The keys that were there. */
  readonly keys: readonly ClassDay[];
  /** The secrets that stay, because a hold was set before they were destroyed. */
  readonly kept: ErasureIntent['secrets'];
}

/**
 * The one way in which keys end. What will be destroyed is recorded, signed and published, then it is destroyed, then that is recorded. An intent is never taken
 * back: what is left of it after a crash is carried out at the next start.
 */
export class Erasures {
  readonly #parts: ErasureParts;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: ErasureParts) {
    this.#parts = parts;
  }

  /**
   * Destroys what is there of an order. Orders are carried out one after the other. Rejects with GatewayError
   * `cannot_record`, and with what `confirm`, `keptByHolds` and `forget` reject with: before anything was destroyed, or so that the next call or start completes it.
   */
  async erase(order: ErasureOrder): Promise<CarriedOut> {
    return this.#inTurn(async () => {
      await this.#carryOut();
      const keys = this.#announce(order);
      order.onAnnounced?.();
      return { keys, kept: await this.#carryOut(order.from) };
    });
  }

  /** Carries out what was announced, here or before a crash, and is not completed. Rejects as `erase` does. */
  async resume(): Promise<void> {
    await this.#inTurn(async () => this.#carryOut());
  }

  /** Runs an act while nothing is being announced, destroyed or completed. */
  async between<T>(act: () => Promise<T>): Promise<T> {
    return this.#inTurn(act);
  }

  #announce({ cause, keys, secrets, why }: ErasureOrder): readonly ClassDay[] {
    const { recorder, copies = () => [] } = this.#parts;
    const once = new Map(keys.map((key) => [`${key.class}/${key.day}`, key]));
    const found = [...once.values()].flatMap((key) => {
      const hash = this.#parts.keys.classKeyHash(key);
      return hash === null ? [] : [[key.class, key.day, hash] as const];
    });
    const announce = (part: Pick<ErasureIntent, 'keys' | 'secrets'>): void => {
      recorder.announceErasure({ cause, ...part, copies: copies() }, why);
    };
    for (const some of chunks(found, keysPerRecord)) {
      announce({ keys: some, secrets: [] });
    }
    for (const some of chunks(secrets, secretsPerRecord)) {
      announce({ keys: [], secrets: some });
    }
    return found.map(([classId, day]) => ({ class: classId, day }));
  }

  /** Returns the secrets that stay. */
  async #carryOut(from = 0): Promise<ErasureIntent['secrets']> {
    const { recorder, keys, confirm, keptByHolds, forget, onStep } = this.#parts;
    const open = recorder.erasures;
    if (open.length === 0) {
      return [];
    }
    onStep?.('announced');
    const checkpoint = await recorder.publish();
    await confirm?.(checkpoint);
    onStep?.('confirmed');
    const kept = (await keptByHolds?.(open.flatMap(({ intent }) => intent.secrets))) ?? [];
    const names = new Set(kept.map(String));
    for (const { intent } of open) {
      keys.destroy({ keys: intent.keys, secrets: intent.secrets.filter((secret) => !names.has(String(secret))) });
      await nextTurn();
    }
    onStep?.('destroyed');
    for (const [classId, day] of open.flatMap(({ intent }) => intent.keys)) {
      while (keys.dropWraps({ class: classId, day }, wrapsAtOnce)) {
        await nextTurn();
      }
    }
    // Also after a crash: it may have come before this.
    await keys.overwriteRemains();
    onStep?.('overwritten');
    await forget(open.some(({ intent }) => intent.secrets.length > 0) ? from : null);
    onStep?.('forgotten');
    for (const { index, intent } of open) {
      recorder.completeErasure(
        index,
        intent.secrets.filter((secret) => names.has(String(secret))),
      );
    }
    onStep?.('completed');
    await recorder.publish();
    return kept;
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const mine = Promise.withResolvers<void>();
    this.#last = mine.promise;
    try {
      await before;
      return await act();
    } finally {
      mine.resolve();
    }
  }
}

function* chunks<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) {
    yield all.slice(at, at + size);
  }
}
