import type { ErasureIntent } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import { underOf, type HeldAmount, type HoldRow } from '../recording/hold-rows.ts';
import type { ClassDay, KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { FindSecrets } from '../recording/found-secrets.ts';
import { tellOnce } from '../recording/tell-once.ts';
import { slotNumbers } from '../recording/wraps.ts';
import type { SecretWraps } from './secret-wraps.ts';

/** Most holds at a time: each is asked about all that is recorded. */
const holdsMax = 100;
/** It is looked this often whether something was recorded that a hold keeps. */
const lookMs = 30_000;

/** Who sets a hold, or releases it. */
export interface HoldPerson {
  readonly id: string;
  readonly onBehalfOf: string | null;
  readonly address: string;
}

/** A hold that somebody wants to set. */
export interface WantedHold {
  readonly matter: string;
  readonly query: string;
  readonly reason: string;
}

interface Release {
  readonly by: HoldPerson;
  readonly reason: string;
}

interface HoldFacts extends WantedHold {
  readonly by: HoldPerson;
  /** When it was set, in ms since 1970. Ages in its query count from then. */
  readonly sinceMs: number;
  /** Who releases it, and why; null: nobody does. It ends when its key is destroyed. */
  readonly release: Release | null;
}

export interface Hold {
  /** The number of its class of keeping. */
  readonly class: number;
  readonly facts: HoldFacts;
  readonly kept: HeldAmount;
}

interface HoldsParts {
  readonly recorder: Recorder;
  readonly keys: KeyStore;
  readonly wraps: SecretWraps;
  readonly findSecrets: FindSecrets;
  /** Destroys the key of a hold, with all that this needs on record. */
  readonly destroy: (key: ClassDay, release: { readonly by: HoldPerson; readonly reason: string }) => Promise<void>;
  readonly now: () => number;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * The holds by matter. A hold is a class of keeping whose day never comes: what it holds is wrapped by its key too, so that no rule ends it, and its end is the
 * destruction of that key. What each is about is in the key store, and on record.
 *
 *   set ── on record ── covers what is recorded, again and again ── released, on record ── its key is destroyed
 *
 * After a crash at any point, the next start goes on from there.
 */
export class Holds implements AsyncDisposable {
  readonly #parts: HoldsParts;
  #timer: NodeJS.Timeout | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #isTroubled = false;

  constructor(parts: HoldsParts) {
    this.#parts = parts;
  }

  /** Goes on where the last gateway ended, and follows what is recorded from now on. */
  begin(): void {
    this.#timer ??= setInterval(() => {
      void this.#look();
    }, lookMs).unref();
    void this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer ?? undefined);
    await this.#turn.catch(() => undefined);
  }

  /** Returns the holds that are in force, the oldest first. Throws GatewayError `store_damaged` or `key_unavailable`. */
  list(): readonly Hold[] {
    return this.#parts.keys.holds.all().flatMap((row) => (row.facts === null ? [] : [holdOf(row, row.facts)]));
  }

  /** Throws GatewayError `not_found`. */
  find(matter: string): Hold {
    const hold = this.list().find(({ facts }) => facts.matter === matter);
    if (hold === undefined) {
      throw noHold(matter);
    }
    return hold;
  }

  /**
   * Sets a hold, and resolves when all that it keeps of what was recorded so far is kept. Rejects with GatewayError `conflict` if there is one for the matter,
   * `limit_exceeded`, `malformed` if the query cannot be read, `catching_up` if the index does not have all records; then there is no hold.
   */
  async create(by: HoldPerson, wanted: WantedHold): Promise<Hold> {
    const { keys, now, findSecrets } = this.#parts;
    const sinceMs = now();
    // The first part shows whether the query can be read, and whether the index has everything.
    for await (const _ of findSecrets({ query: wanted.query, nowMs: sinceMs, from: this.#parts.recorder.size })) {
      break;
    }
    const holds = this.list();
    if (holds.some(({ facts }) => facts.matter === wanted.matter)) {
      throw new GatewayError('conflict', `There is a hold for ${wanted.matter} already. Release it, or name the matter otherwise.`);
    }
    if (holds.length >= holdsMax) {
      throw new GatewayError('limit_exceeded', `At most ${holdsMax} holds are in force at a time.`);
    }
    const facts: HoldFacts = { ...wanted, by, sinceMs, release: null };
    keys.holds.add(JSON.stringify(facts));
    await this.#inTurn(async () => this.#cover());
    return this.find(wanted.matter);
  }

  /**
   * Releases a hold: its key is destroyed, and with it what nothing else keeps any more. Rejects with GatewayError `not_found`; `refused` for who set it, for whom it
   * was set, and for who acts for them; `catching_up`. Then the hold is in force.
   */
  async release(by: HoldPerson, { matter, reason }: Omit<WantedHold, 'query'>): Promise<void> {
    const { facts } = this.find(matter);
    const setters = new Set([facts.by.id, facts.by.onBehalfOf]);
    if ([by.id, by.onBehalfOf].some((person) => person !== null && setters.has(person))) {
      throw new GatewayError('refused', `${facts.by.id} set the hold for ${matter}: another person releases it.`);
    }
    await this.#inTurn(async () => {
      await this.#cover();
      const { class: classId, facts: now } = this.find(matter);
      if (now.release === null) {
        this.#parts.keys.holds.change(classId, JSON.stringify({ ...now, release: { by, reason } } satisfies HoldFacts));
      }
      await this.#endReleased();
    });
  }

  /**
   * Keeps what is recorded so far and matches, and then acts: no hold is set or released meanwhile. The act is given a function that keeps what was recorded since. Rejects if
   * what matches cannot be kept now, before `act`, and as `act` does.
   */
  async whileCovered<T>(act: (coverAgain: () => Promise<void>) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#cover();
      return act(async () => this.#cover());
    });
  }

  /** Keeps what was recorded so far and matches, and returns those of some secrets that a hold keeps which was not released. To be called in an act of `whileCovered` or in `destroy`: no hold is set or released meanwhile. */
  async keptOf(secrets: ErasureIntent['secrets']): Promise<ErasureIntent['secrets']> {
    await this.#cover();
    const inForce = new Set(this.list().flatMap(({ class: classId, facts }) => (facts.release === null ? [classId] : [])));
    return secrets.filter(([key, slot]) => {
      const name = { key, slot: slot === slotNumbers.meta ? ('meta' as const) : ('content' as const) };
      return this.#parts.keys.wrapsOf(name).some(({ class: classId }) => inForce.has(classId));
    });
  }

  async #look(): Promise<void> {
    try {
      await this.#inTurn(async () => {
        await this.#cover();
        await this.#endReleased();
      });
      this.#isTroubled = false;
    } catch (error) {
      if (!this.#isTroubled) {
        this.#parts.onTrouble(error);
      }
      this.#isTroubled = true;
    }
  }

  /** Records the holds that are not on record yet. */
  async #tell(): Promise<void> {
    const { keys, recorder } = this.#parts;
    for (const { class: classId, facts, isTold } of keys.holds.all()) {
      if (!isTold && facts !== null) {
        const { matter, query, reason, by } = readFacts(facts);
        keys.announceKey(underOf(classId));
        await tellOnce(
          recorder,
          () => this.#record({ what: 'create', class: classId }, { matter, query, reason, ...by }),
          (size) => keys.holds.noteTold(classId, size),
        );
      }
    }
  }

  async #cover(): Promise<void> {
    const { keys, wraps, findSecrets, recorder } = this.#parts;
    await wraps.tell();
    await this.#tell();
    for (const { class: classId, facts, kept } of this.list()) {
      const { query, sinceMs: nowMs, release } = facts;
      let { records, oldestMs } = kept;
      for await (const part of release !== null || kept.covered >= recorder.size ? [] : findSecrets({ query, nowMs, from: kept.covered })) {
        await wraps.keep(part.secrets, underOf(classId));
        records += part.records;
        oldestMs = earlierOf(oldestMs, part.oldestMs);
        keys.holds.noteAmount(classId, { covered: part.next, records, oldestMs });
      }
    }
  }

  /** Records and carries out the releases that are not over. To be called once the other holds have covered what they keep of it. */
  async #endReleased(): Promise<void> {
    const { keys, recorder, destroy } = this.#parts;
    for (const { class: classId, facts, isReleaseTold } of keys.holds.all()) {
      const hold = facts === null ? null : readFacts(facts);
      if (hold === null) {
        keys.holds.remove(classId);
      } else if (hold.release !== null) {
        const { by, reason } = hold.release;
        if (!isReleaseTold) {
          await tellOnce(
            recorder,
            () => this.#record({ what: 'release', class: classId }, { matter: hold.matter, reason, ...by }),
            (size) => keys.holds.noteReleaseTold(classId, size),
          );
        }
        await destroy(underOf(classId), hold.release);
        keys.holds.remove(classId);
      }
    }
  }

  #record(
    body: { readonly what: 'create' | 'release'; readonly class: number },
    { id, ...sealed }: HoldPerson & Omit<WantedHold, 'query'> & { readonly query?: string },
  ): void {
    const { recorder } = this.#parts;
    recorder.recordNewKeys();
    recorder.appendFromReserve(recorder.own, {
      kind: 'hold',
      meta: JSON.stringify(body),
      content: [Buffer.from(JSON.stringify({ by: id, ...sealed }))],
      contentIsFacts: true,
    });
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = (async () => {
      await before.catch(() => undefined);
      return act();
    })();
    this.#turn = mine;
    return mine;
  }
}

export function noHold(matter: string): GatewayError {
  return new GatewayError('not_found', `There is no hold for ${matter}: countersign hold list names them.`);
}

function holdOf({ class: classId, covered, records, oldestMs }: HoldRow, facts: string): Hold {
  return { class: classId, facts: readFacts(facts), kept: { covered, records, oldestMs } };
}

function readFacts(facts: string): HoldFacts {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this file writes it, and it is sealed
  return JSON.parse(facts) as HoldFacts;
}

function earlierOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
