import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Sqlite } from '../store/sqlite.ts';
import type { ClassDay } from './key-store.ts';

/** Rows that are read at a time. While they are read, who writes to the key store waits. */
const rowsAtOnce = 5000;

/** How many secrets of facts, and of contents, there are. */
export interface SecretCounts {
  facts: number;
  contents: number;
}

/** The secrets that the key of a class and day opens. */
export interface KeptSecrets extends ClassDay, SecretCounts {
  /** Those of them that a further key wraps, by its class and day. */
  readonly further: readonly (ClassDay & SecretCounts)[];
}

interface Counted extends ClassDay, SecretCounts {
  readonly further: Counts<ClassDay & SecretCounts>;
}

type Counts<Entry> = Map<string, Entry>;

/** Counts the secrets under each class and day of which there is a key, in slices, so that who writes to the key store never waits for long. */
export async function countSecrets(database: Sqlite): Promise<readonly KeptSecrets[]> {
  const counted: Counts<Counted> = new Map();
  for (const row of database.all('SELECT class, day FROM class_key ORDER BY day, class')) {
    const kept = { class: Number(row['class']), day: Number(row['day']) };
    counted.set(nameOf(kept), { ...kept, facts: 0, contents: 0, further: new Map() });
  }
  const last = Number(database.get('SELECT max(id) AS last FROM session_secrets')?.['last'] ?? 0);
  for (let from = 1; from <= last; from += rowsAtOnce) {
    const to = from + rowsAtOnce - 1;
    for (const [slot, count] of slots) {
      for (const row of database.all(secretsUnder(slot), [from, to])) {
        const under = counted.get(nameOf(ofRow(row)));
        if (under !== undefined) {
          under[count] += Number(row['secrets']);
        }
      }
      for (const row of database.all(wrapsOf(slot), [from, to])) {
        const further = { class: Number(row['further_class']), day: Number(row['further_day']) };
        const under = counted.get(nameOf(ofRow(row)));
        if (under !== undefined && counted.has(nameOf(further))) {
          const known = under.further.get(nameOf(further)) ?? { ...further, facts: 0, contents: 0 };
          known[count] += Number(row['secrets']);
          under.further.set(nameOf(further), known);
        }
      }
    }
    await nextTurn();
  }
  return [...counted.values()].map(({ further, ...kept }) => ({ ...kept, further: [...further.values()] }));
}

type Slot = 'meta' | 'content';
const slots = [
  ['meta', 'facts'],
  ['content', 'contents'],
] as const;

/** The class of facts that stands in a row; rows of before have one class for both. */
const classOf: Readonly<Record<Slot, string>> = { meta: 'coalesce(meta_class, s.class)', content: 's.class' };
const slotNumbers: Readonly<Record<Slot, number>> = { meta: 1, content: 2 };

function secretsUnder(slot: Slot): string {
  return `SELECT ${classOf[slot]} AS of_class, ${slot}_day AS of_day, count(*) AS secrets FROM session_secrets s
    WHERE id BETWEEN ? AND ? AND length(${slot}) > 0 GROUP BY 1, 2`;
}

function wrapsOf(slot: Slot): string {
  return `SELECT ${classOf[slot]} AS of_class, ${slot}_day AS of_day, w.class AS further_class, w.day AS further_day, count(*) AS secrets
    FROM wraps w JOIN session_secrets s ON s.id = w.key WHERE w.key BETWEEN ? AND ? AND w.slot = ${slotNumbers[slot]} GROUP BY 1, 2, 3, 4`;
}

function ofRow(row: Readonly<Record<string, unknown>>): ClassDay {
  return { class: Number(row['of_class']), day: Number(row['of_day']) };
}

function nameOf({ class: number, day }: ClassDay): string {
  return `${number}/${day}`;
}
