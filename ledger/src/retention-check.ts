/** Checks what the log says about deletion: against itself, and against the key store if it is at hand. docs/formats/verification.md lists the rules. */
import { leafName, type PlacedLeaf } from './epoch-check.ts';
import { readErasureBody, type ErasedSecret, type ErasureCause, type ErasureIntent } from './erasure-body.ts';
import type { GovernanceBody } from './governance.ts';
import type { KeyRows } from './key-check.ts';
import type { LatestTimes } from './latest-times.ts';
import { leafKindOf, leafOffsets, neverExpires, readUint53 } from './leaf.ts';
import { printDay } from './printed-day.ts';
import { firstHoldClass, ProtectedSecrets, type ClassDay, type SecretsPlaces } from './protected-secrets.ts';
import { StatedKeeping } from './stated-keeping.ts';
import type { Findings } from './verdict.ts';

const dayMs = 86_400_000;

/** How much was destroyed for one cause, of one class of keeping. */
interface ErasedCount {
  readonly cause: ErasureCause;
  /** Null: secrets of sessions, of any class. */
  readonly class: number | null;
  readonly count: number;
}

/** The result of the check of retention. */
export interface RetentionReport {
  /** Unix ms. What is kept longer than it should be was judged for this time. */
  readonly atMs: number;
  readonly erased: readonly ErasedCount[];
  /** The number of erasures that were announced less than a day before, and are not completed yet. */
  readonly pending: number;
}

interface RetentionCheckOptions {
  /** Null: no key store is at hand. */
  readonly rows: KeyRows | null;
  readonly findings: Findings;
  readonly nowMs: number;
  /** The time for which retention is judged. Null: only losses before their time are looked for. */
  readonly atMs: number | null;
  /** The times by which records were there, by the clocks of others. */
  readonly latest: LatestTimes;
}

interface AnnouncedKey extends ClassDay {
  readonly wrapped: string;
}

/** Secrets that are not in the key store as they were announced. */
interface Doubt {
  readonly key: number;
  readonly isMissing: boolean;
  readonly where: string;
}

interface OpenIntent {
  readonly intent: ErasureIntent;
  /** The names of its secrets that a hold had already. */
  readonly held: Set<string>;
  readonly day: number;
  readonly where: string;
}

export class RetentionCheck {
  readonly #options: RetentionCheckOptions;
  /** The last day for which retention is judged; null: it is not. */
  readonly #judgedDay: number | null;
  /** No record is later than this, also by a clock that is a little fast: who says so would let days pass that have not passed. */
  readonly #newestDay: number;
  /** The announced class keys by class, day and hash, each with the leaf that announces it. */
  readonly #keys = new Map<string, AnnouncedKey & { readonly where: string; readonly order: number }>();
  /** How many class keys were announced when one of a class and day was erased last. Those before it are gone with it, however they were wrapped. */
  readonly #erasedBefore = new Map<string, number>();
  readonly #doubts: Doubt[] = [];
  readonly #protected = new ProtectedSecrets();
  readonly #stated = new StatedKeeping();
  readonly #open = new Map<number, OpenIntent>();
  /** The names of the class keys that the log says are destroyed, or are going to be. */
  readonly #erasedKeys = new Set<string>();
  /** Which secrets of a row are destroyed, or are going to be: 1 facts, 2 contents, 3 both. */
  readonly #erasedOf = new Map<number, number>();
  readonly #counts = new Map<string, ErasedCount>();

  constructor(options: RetentionCheckOptions) {
    this.#options = options;
    this.#judgedDay = options.atMs === null ? null : Math.floor(options.atMs / dayMs);
    this.#newestDay = Math.floor(Math.max(options.nowMs, options.atMs ?? 0) / dayMs) + 1;
  }

  /** The counts of what was destroyed; null unless retention is judged. */
  get report(): RetentionReport | null {
    const { atMs } = this.#options;
    return atMs === null ? null : { atMs, erased: [...this.#counts.values()], pending: [...this.#open.values()].filter((each) => !this.#isLate(each)).length };
  }

  /** Takes up the body of a leaf that says something about keys. */
  add(kind: 'key' | 'keep' | 'wrap' | 'hold' | 'erasure', body: GovernanceBody, record: PlacedLeaf): void {
    if (kind === 'key') {
      this.#addKey({ class: Number(body['class']), day: Number(body['day']), wrapped: String(body['wrapped']) }, leafName(record));
    } else if (kind === 'erasure') {
      this.#addErasure(body, record);
    } else if (this.#judgedDay === null) {
      // This protects secrets, which is judged with retention alone.
    } else if (kind === 'hold') {
      if (this.#protected.hold(body, dayOf(record)) === 'set again') {
        this.#judge(leafName(record), 'it sets a hold with the number of one that was released');
      }
    } else if (kind === 'keep') {
      this.#protected.keep(body);
      this.#stated.keep(body);
    } else {
      this.#protected.wrap(body);
      const why = this.#stated.whyNotWrap(body, dayOf(record));
      if (why !== null) {
        this.#judge(leafName(record), why);
      }
    }
  }

  /** Notes secrets that the log announces. `places` is null where nobody says of which class and day they are. */
  addSecrets(key: number, places: SecretsPlaces | null, record: PlacedLeaf): void {
    if (this.#erasedOf.has(key)) {
      this.#options.findings.add('retention', leafName(record), announcedLater);
    }
    if (this.#judgedDay !== null) {
      if (places !== null) {
        this.#protected.announce(key, places, dayOf(record));
      }
      this.#judgeDays(places, record);
    }
  }

  /** The first record of an epoch is made before the epoch says how it keeps. */
  #judgeDays(places: SecretsPlaces | null, record: PlacedLeaf): void {
    const kind = leafKindOf(record.view.getUint8(record.at + leafOffsets.kind));
    if (kind === 'epoch') {
      this.#stated.beginEpoch();
      return;
    }
    const why = this.#stated.whyNot(places, dayOf(record), kind === 'open');
    if (why !== null) {
      this.#judge(leafName(record), why);
    }
  }

  /** Notes secrets that are missing from the key store, or differ from what the log announces. An erasure may explain it. */
  addDoubt(key: number, found: string | null, record: PlacedLeaf): void {
    this.#doubts.push({ key, isMissing: found === null, where: leafName(record) });
  }

  /** Judges what was read. Throws `MalformedError` if the key store cannot be read. */
  finish(): void {
    const { rows, findings } = this.#options;
    for (const { key, isMissing, where } of this.#doubts) {
      if (!this.#erasedOf.has(key)) {
        findings.add(isMissing ? 'retention' : 'integrity', where, isMissing ? missing : different);
      }
    }
    for (const open of this.#open.values()) {
      if (this.#isLate(open)) {
        this.#judge(open.where, 'the erasure that it announces was never completed');
      }
    }
    if (rows !== null) {
      const going = new Set([...this.#open.values()].flatMap(({ intent }) => intent.keys.map((key) => nameOf(...key))));
      for (const [name, key] of this.#keys) {
        if (!going.has(name)) {
          this.#compare(rows, key, { isErased: this.#erasedKeys.has(name) });
        }
      }
      this.#findErasedSecrets(rows);
      this.#judgeKept(rows);
    }
  }

  /** Finds erased secrets that are there, and in the rows of such ones those that are gone too, and that no erasure names. The hash of a row says nothing about them any more. */
  #findErasedSecrets(rows: KeyRows): void {
    const going = new Set([...this.#open.values()].flatMap(({ intent }) => intent.secrets.map(([key, slot]) => secretName(key, slot))));
    for (const [key, erased] of this.#erasedOf) {
      for (const [slot, name] of [[1, 'facts'] as const, [2, 'contents'] as const]) {
        const [isErased, isThere] = [(erased & slot) !== 0, rows.hasSecret(key, slot)];
        if (isErased === isThere && !going.has(secretName(key, slot))) {
          const what = isThere ? 'is in the key store, and the log says that it was destroyed' : 'is not in the key store, and no erasure names it';
          this.#options.findings.add('retention', 'keys.db', `the secret of the ${name} of number ${key} ${what}`);
        }
      }
    }
  }

  #addKey(key: AnnouncedKey, where: string): void {
    const name = nameOf(key.class, key.day, key.wrapped);
    if (this.#erasedKeys.has(name)) {
      this.#options.findings.add('retention', where, announcedLater);
    }
    if (!this.#keys.has(name)) {
      this.#keys.set(name, { ...key, where, order: this.#keys.size });
    }
  }

  #addErasure(body: GovernanceBody, record: PlacedLeaf): void {
    const where = leafName(record);
    const erasure = readErasureBody(body);
    if (erasure.phase === 'intent') {
      const open = { intent: erasure.intent, held: new Set<string>(), day: this.#dayOfIntent(record), where };
      this.#open.set(record.index, open);
      this.#announce(open);
      return;
    }
    const open = this.#open.get(erasure.intent);
    if (open === undefined) {
      this.#judge(where, 'it completes an erasure that was not announced, or was completed before');
    } else {
      this.#open.delete(erasure.intent);
      this.#complete(open, erasure.kept, where);
    }
  }

  /** The day of an intent, which lets days pass that were to be kept: not later than others say that it was there, for the clock of the gateway may have been set. */
  #dayOfIntent(record: PlacedLeaf): number {
    const latestMs = this.#options.latest.of(record.index) + dayMs;
    return Math.min(dayOf(record), this.#newestDay, Math.floor(latestMs / dayMs));
  }

  /** Takes up what stays of an intent, because a hold came before anything was destroyed. Such a hold wins, and no other secret stays. */
  #complete({ intent: { cause, secrets }, held }: OpenIntent, kept: readonly ErasedSecret[], where: string): void {
    const stays = new Set(kept.map(([key, slot]) => secretName(key, slot)));
    for (const [key, slot] of secrets) {
      const name = secretName(key, slot);
      const hold = this.#protected.holdOf(key, slot);
      if (stays.delete(name)) {
        this.#keep(key, slot);
        this.#count(cause, null, -1);
        if (hold === undefined) {
          this.#judge(where, `it leaves out a secret of number ${key}, and no hold has it`);
        }
      } else if (hold !== undefined && !held.has(name)) {
        this.#judge(where, `it destroys a secret of number ${key}, and hold ${hold} has it`);
      }
    }
    if (stays.size > 0) {
      this.#judge(where, 'it leaves out a secret that was not announced');
    }
  }

  #keep(key: number, slot: number): void {
    const left = (this.#erasedOf.get(key) ?? 0) & ~slot;
    if (left === 0) {
      this.#erasedOf.delete(key);
    } else {
      this.#erasedOf.set(key, left);
    }
  }

  #announce({ intent: { cause, keys, secrets }, held, day: today, where }: OpenIntent): void {
    for (const [classId, day, wrapped] of keys) {
      this.#erasedKeys.add(nameOf(classId, day, wrapped));
      if (this.#keys.has(nameOf(classId, day, wrapped))) {
        this.#erasedBefore.set(`${classId}/${day}`, this.#keys.size);
      }
      this.#count(cause, classId, 1);
      const why = this.#whyNotKey(cause, { class: classId, day }, today);
      if (why !== null) {
        this.#judge(where, `it destroys the key of class ${classId} and day ${printDay(day)} as ${cause}, ${why}`);
      }
    }
    for (const [key, slot] of secrets) {
      this.#erasedOf.set(key, (this.#erasedOf.get(key) ?? 0) | slot);
      const [hold, last] = [this.#protected.holdOf(key, slot), this.#protected.lastDayOf(key, slot)];
      if (hold !== undefined) {
        held.add(secretName(key, slot));
      }
      if (hold !== undefined || (last !== undefined && today <= last)) {
        const why = hold === undefined ? `the floor of its class protects it until ${printDay(last ?? 0)}` : `hold ${hold} has it`;
        this.#judge(where, `it destroys a secret of number ${key}, and ${why}`);
      }
    }
    this.#count(cause, null, secrets.length);
  }

  /** Returns why a class key must not be destroyed for this cause on this day; null if it may be. */
  #whyNotKey(cause: ErasureCause, kept: ClassDay, today: number): string | null {
    const isHold = kept.class >= firstHoldClass;
    if ((cause === 'released') !== isHold) {
      return isHold ? 'which is a hold' : 'which is no hold';
    }
    if (isHold) {
      return this.#protected.releasedOn(kept.class) === undefined ? 'and that hold was not released' : null;
    }
    if (cause === 'expired' && kept.day >= today) {
      return 'before that day has passed';
    }
    const last = this.#protected.lastDayOfKey(kept);
    return last !== undefined && today <= last ? `and the floor of its class protects it until ${printDay(last)}` : null;
  }

  #count(cause: ErasureCause, classId: number | null, more: number): void {
    const name = `${cause}/${classId}`;
    const count = (this.#counts.get(name)?.count ?? 0) + more;
    if (count > 0) {
      this.#counts.set(name, { cause, class: classId, count });
    } else {
      this.#counts.delete(name);
    }
  }

  /** Compares an announced class key with the key store. A key that was wrapped anew is announced anew, and is there as one of its leaves says. */
  #compare(rows: KeyRows, key: AnnouncedKey & { readonly where: string; readonly order: number }, { isErased }: { readonly isErased: boolean }): void {
    const found = rows.classKey(key.class, key.day);
    const { findings, nowMs } = this.#options;
    if (isErased) {
      if (found === key.wrapped) {
        findings.add('retention', key.where, 'the key that it announces is in the key store, and the log says that it was destroyed');
      }
    } else if (found !== null) {
      if (!this.#keys.has(nameOf(key.class, key.day, found))) {
        findings.add('integrity', key.where, different);
      }
    } else if (key.order < (this.#erasedBefore.get(`${key.class}/${key.day}`) ?? 0)) {
      // It was erased as it was wrapped later.
    } else if (key.day >= Math.floor(nowMs / dayMs)) {
      findings.add('retention', key.where, missing);
    } else {
      this.#judge(key.where, 'the key that it announces is gone, and no erasure says why');
    }
  }

  /** A key may be there for a day after its own, and that of a hold for a day after its release, because nobody deletes at midnight. */
  #judgeKept(rows: KeyRows): void {
    for (const { class: classId, day } of this.#judgedDay === null ? [] : rows.classDays()) {
      const last = day === neverExpires ? this.#protected.releasedOn(classId) : day;
      if (last !== undefined && this.#isPast(last)) {
        const why = day === neverExpires ? `was released on ${printDay(last)}` : 'has passed';
        this.#judge('keys.db', `the key of class ${classId} and day ${printDay(day)}, which ${why}, is there: what it opens is kept too long`);
      }
    }
  }

  #isLate({ day }: OpenIntent): boolean {
    return this.#isPast(day);
  }

  /** True if more than a day has passed since the end of a day. */
  #isPast(day: number): boolean {
    return this.#judgedDay !== null && day + 1 < this.#judgedDay;
  }

  #judge(where: string, what: string): void {
    if (this.#judgedDay !== null) {
      this.#options.findings.add('retention', where, what);
    }
  }
}

const missing = 'the key that it announces is not in the key store';
const announcedLater = 'the log says before that what it announces is destroyed: an erasure names what is there';
const different = 'the key store holds another key than it announces';

function dayOf({ view, at }: PlacedLeaf): number {
  return Math.floor(readUint53(view, at + leafOffsets.timeMs) / dayMs);
}

function nameOf(classId: number, day: number, wrapped: string): string {
  return `${classId}/${day}/${wrapped}`;
}

/** Slot 1 is facts, 2 contents. */
function secretName(key: number, slot: number): string {
  return `${key} ${slot}`;
}
