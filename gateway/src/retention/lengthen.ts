import { dayOf, expiryDay, isExpired } from '../recording/retention.ts';
import type { FindSecrets, FoundSecret } from '../recording/found-secrets.ts';
import type { ClassDay, DaySpan, KeyStore } from '../recording/key-store.ts';
import type { Holds } from './holds.ts';
import type { KeepingClass } from './retention-rules.ts';
import type { SecretWraps } from './secret-wraps.ts';

interface LengthenParts {
  readonly keys: Pick<KeyStore, 'sealedDays'>;
  readonly holds: Pick<Holds, 'whileCovered'>;
  readonly wraps: Pick<SecretWraps, 'keep'>;
  readonly findSecrets: FindSecrets;
  /** The classes in force. */
  readonly classes: () => readonly KeepingClass[];
  readonly now: () => number;
}

/**
 * Keeps longer what holds keep, and what rules keep that look at what is known only once it is recorded, of all that these keys keep; once that is on record, `destroy` is
 * called, and no hold is set meanwhile. Rejects before that if the index does not have all records, or cannot be read, and with what `destroy` rejects with.
 */
export async function keepThenDestroy(expired: readonly ClassDay[], destroy: () => Promise<void>, parts: LengthenParts): Promise<void> {
  await parts.holds.whileCovered(async () => {
    await lengthen(expired, parts);
    await destroy();
  });
}

async function lengthen(expired: readonly ClassDay[], { keys, wraps, findSecrets, classes, now }: LengthenParts): Promise<void> {
  const spans = joinSpans(expired.flatMap((key) => keys.sealedDays(key) ?? []));
  const ends = new Set(expired.map(nameOf));
  for (const { class: number, query, known, facts, content } of classes()) {
    for (const days of query === null || known !== 'later' ? [] : spans) {
      for await (const { secrets } of findSecrets({ query: query ?? '', nowMs: now(), from: 0, days })) {
        const lastDays = { meta: facts, content };
        const lastDay = (secret: FoundSecret): number => expiryDay(secret.lastMs, lastDays[secret.slot]);
        const isKept = (day: number): boolean => !isExpired({ day }, dayOf(now()));
        const longer = secrets.filter((secret) => ends.has(nameOf(secret.under)) && lastDay(secret) > secret.under.day && isKept(lastDay(secret)));
        for (const [day, kept] of Map.groupBy(longer, lastDay)) {
          await wraps.keep(kept, { class: number, day });
        }
      }
    }
  }
}

/** Joins spans that overlap or follow one another, so that each day is looked at once. */
function joinSpans(spans: readonly DaySpan[]): readonly DaySpan[] {
  const joined: DaySpan[] = [];
  for (const span of spans.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before !== undefined && span.first <= before.last + 1) {
      joined[joined.length - 1] = { first: before.first, last: Math.max(before.last, span.last) };
    } else {
      joined.push(span);
    }
  }
  return joined;
}

function nameOf({ class: number, day }: ClassDay): string {
  return `${number}/${day}`;
}
