import { firstHoldClass } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { Erasable, ErasableSecret, WantedErasable } from '../recording/erasable.ts';
import type { FindSecrets } from '../recording/found-secrets.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { dayOf, printDay } from '../recording/retention.ts';
import { slotNumbers, type SecretName } from '../recording/wraps.ts';
import type { Erasures } from './erasures.ts';
import type { HoldPerson, Holds } from './holds.ts';
import type { KeepingClass } from './retention-rules.ts';

/** So many sessions are named of those that one hold or floor keeps. */
const namedSessionsMax = 20;

export interface ErasingParts {
  readonly recorder: Pick<Recorder, 'retire'>;
  readonly keys: Pick<KeyStore, 'wrapsOf' | 'floors'>;
  readonly holds: Pick<Holds, 'list' | 'whileCovered'>;
  readonly erasures: Pick<Erasures, 'erase'>;
  readonly findErasable: (wanted: WantedErasable) => Promise<Erasable>;
  readonly findSecrets: FindSecrets;
  /** The classes in force. */
  readonly classes: () => readonly KeepingClass[];
  readonly now: () => number;
}

export interface WantedErase {
  readonly query: string;
  readonly reason: string;
  /** True: the facts too. False: contents alone. */
  readonly facts: boolean;
}

/** Who wants an erasure, and who is told that it is announced: from then on it is carried out, even if it fails now. */
export interface EraseAct {
  readonly persons: readonly HoldPerson[];
  readonly onAnnounced?: () => void;
}

/** A hold or a floor that keeps some of what is to be erased. While there is one, nothing is erased. */
interface Keeper {
  /** In words: `the hold for 2026-117`. */
  readonly by: string;
  readonly secrets: number;
  /** Some of the sessions. */
  readonly sessions: readonly string[];
}

/** The effect of an erasure, or what keeps it from being carried out. */
export interface ErasePlan extends Pick<Erasable, 'records' | 'besides' | 'own'> {
  readonly sessions: number;
  readonly secrets: number;
  readonly refused: readonly Keeper[];
}

interface LookedUp {
  readonly plan: ErasePlan;
  readonly erasable: Erasable;
}

/** Says what an erasure would do. Rejects as a search does, with `catching_up` if the index does not have all records. */
export async function planErase(parts: ErasingParts, wanted: WantedErase): Promise<ErasePlan> {
  return parts.holds.whileCovered(async () => (await lookUp(parts, wanted)).plan);
}

/**
 * Erases what a query finds, with what else its secrets seal. Rejects with GatewayError `conflict` if a hold or a floor keeps some of it, and as `planErase` does: then nothing is
 * erased.
 */
export async function eraseQuery(parts: ErasingParts, { persons, onAnnounced }: EraseAct, wanted: WantedErase): Promise<ErasePlan> {
  return parts.holds.whileCovered(async (coverAgain) => {
    const first = await lookUp(parts, wanted);
    requireNoKeepers(first.plan);
    const ending = new Set(first.erasable.secrets.map(nameOf));
    // Nothing more is sealed with them, so that what ends is what the second look counts.
    const isLive = parts.recorder.retire((secret) => ending.has(nameOf(secret)));
    if (isLive) {
      // Since the first look something may have been recorded with them that a hold keeps.
      await coverAgain();
    }
    const { plan, erasable } = isLive ? await lookUp(parts, wanted, ending) : first;
    requireNoKeepers(plan);
    if (erasable.secrets.length > 0) {
      const { kept } = await parts.erasures.erase({
        cause: 'erased',
        keys: [],
        secrets: erasable.secrets.map(({ key, slot }) => [key, slotNumbers[slot]] as const),
        from: erasable.first,
        why: { by: persons.map(({ id }) => id), addresses: persons.map(({ address }) => address), ...wanted },
        ...(onAnnounced === undefined ? {} : { onAnnounced }),
      });
      if (kept.length > 0) {
        throw new GatewayError(
          'conflict',
          `A hold was set meanwhile, and keeps ${kept.length} of ${erasable.secrets.length} secrets. What the others sealed was erased.`,
        );
      }
    }
    return plan;
  });
}

async function lookUp(parts: ErasingParts, { query, facts }: WantedErase, only?: ReadonlySet<string>): Promise<LookedUp> {
  const found = await parts.findErasable({ query, nowMs: parts.now(), facts, ...(only === undefined ? {} : { only }) });
  const keepers = await keepersOf(parts, found.secrets);
  const { records, besides, own, secrets } = found;
  return {
    erasable: found,
    plan: { records, besides, own, sessions: new Set(secrets.map(({ session }) => session)).size, secrets: secrets.length, refused: keepers },
  };
}

/** Throws GatewayError `conflict` if something keeps some of it. */
export function requireNoKeepers({ refused }: Pick<ErasePlan, 'refused'>): void {
  if (refused.length > 0) {
    const words = refused.map(({ by, sessions }) => `${by} (session ${sessions.join(', ')})`).join('; ');
    throw new GatewayError('conflict', `Nothing was erased, because some of it is kept by ${words}. Leave these sessions out of the query: not session:ID.`);
  }
}

/** Returns which holds and floors keep some of these secrets. */
async function keepersOf(parts: ErasingParts, secrets: readonly ErasableSecret[]): Promise<readonly Keeper[]> {
  const { keys, holds, classes, now } = parts;
  const matters = new Map(holds.list().map(({ class: number, facts }) => [number, facts.matter]));
  const keepers = new Map<string, Set<ErasableSecret>>();
  const note = (by: string, secret: ErasableSecret): void => {
    keepers.set(by, (keepers.get(by) ?? new Set()).add(secret));
  };
  for (const secret of secrets) {
    for (const { class: number } of [secret.under, ...keys.wrapsOf(secret)]) {
      if (number >= firstHoldClass) {
        note(`the hold for ${matters.get(number) ?? number}`, secret);
      }
    }
  }
  const today = dayOf(now());
  const isWithin = ({ days }: ErasableSecret, floor: number | null): floor is number => floor !== null && days.last + floor >= today;
  const queries = new Map(classes().map((rule) => [rule.class, rule.query]));
  for (const secret of secrets) {
    for (const { class: number } of [secret.under, ...keys.wrapsOf(secret)]) {
      const floor = keys.floors.of(number, secret.days);
      if (isWithin(secret, floor)) {
        note(floorOf(queries.get(number) ?? null, secret.days.last + floor), secret);
      }
    }
  }
  // A rule that is known later wraps nothing before a key is about to be destroyed, and one that a longer rule outlasts gives its class to nothing: they are asked, with the floors in force and those of the days of the records.
  const inForce = new Map(classes().map((rule) => [rule.class, rule.floor]));
  for (const rule of keys.floors.rules()) {
    const floorFor = ({ days }: ErasableSecret): number | null => longerFloor(inForce.get(rule.class) ?? null, keys.floors.of(rule.class, days));
    const within = secrets.filter((secret) => isWithin(secret, floorFor(secret)));
    const kept = await namesFound(parts, rule.query, within);
    for (const secret of within.filter((each) => kept.has(nameOf(each)))) {
      note(floorOf(rule.query, secret.days.last + (floorFor(secret) ?? 0)), secret);
    }
  }
  return [...keepers].map(([by, kept]) => ({
    by,
    secrets: kept.size,
    sessions: [...new Set(Array.from(kept, ({ session }) => session))].slice(0, namedSessionsMax),
  }));
}

/** Returns the names of the secrets for whose records a rule holds, of those that were made on the days of these. */
async function namesFound({ findSecrets, now }: ErasingParts, query: string, secrets: readonly ErasableSecret[]): Promise<ReadonlySet<string>> {
  const days = { first: Math.min(...secrets.map((each) => each.days.first)), last: Math.max(...secrets.map((each) => each.days.last)) };
  const names = new Set<string>();
  for await (const found of secrets.length === 0 ? [] : findSecrets({ query, nowMs: now(), from: 0, days })) {
    for (const secret of found.secrets) {
      names.add(nameOf(secret));
    }
  }
  return names;
}

function longerFloor(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function floorOf(query: string | null, lastDay: number): string {
  return `the floor of ${query === null ? 'its class' : `the rule ${query}`}, until ${printDay(lastDay)}`;
}

function nameOf({ key, slot }: SecretName): string {
  return `${key} ${slot}`;
}
