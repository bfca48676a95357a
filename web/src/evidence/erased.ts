import type { ParsedRecord } from '@countersign/ledger';
import { clearOf, type Evidence, type EvidenceSession } from './archive.ts';

/** A body that is not in the file, and why, as far as the file proves it. */
export interface WithheldBody {
  readonly record: ParsedRecord;
  readonly slot: 'facts' | 'content';
  /** The leaf that says that its key was to be destroyed, as `LOG/INDEX`. Null: whoever exported it left it out. */
  readonly erasedBy: string | null;
}

const slots = { meta: 'facts', content: 'content' } as const;
const slotNumbers = { meta: 1, content: 2 } as const;

/** Finds the bodies that are withheld in a session, and the erasures that explain it. */
export function withheldIn({ records }: EvidenceSession, { governance }: Pick<Evidence, 'governance'>): readonly WithheldBody[] {
  const erasures = erasuresIn(governance);
  const keys = new SessionKeys();
  return records.flatMap((record) => {
    keys.note(record);
    return (['meta', 'content'] as const).flatMap((slot) => {
      if (record[slot].form !== 'withheld') {
        return [];
      }
      const { metaClass, metaExpiryDay, contentClass, contentExpiryDay } = record.decoded;
      const [keptClass, day] = slot === 'meta' ? [metaClass, metaExpiryDay] : [contentClass, contentExpiryDay];
      const by = erasures.find(
        ({ classDays, secrets }) =>
          classDays.has(`${keptClass} ${day}`) || keys.of(slot, keptClass, day).some((key) => secrets.has(`${key} ${slotNumbers[slot]}`)),
      );
      return [{ record, slot: slots[slot], erasedBy: by?.leaf ?? null }];
    });
  });
}

interface Erasure {
  readonly leaf: string;
  readonly classDays: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

/** Finds the intents to erase that were completed. */
function erasuresIn(governance: readonly ParsedRecord[]): readonly Erasure[] {
  const erasures = governance.filter(({ decoded }) => decoded.kind === 'erasure').map((record) => ({ record, body: clearOf(record) }));
  const completed = new Map(erasures.flatMap(({ body: { phase, intent, kept } }) => (phase === 'complete' ? [[intent, new Set(pairsOf(kept))] as const] : [])));
  return erasures.flatMap(({ record, body: { phase, keys, secrets } }) => {
    const kept = completed.get(record.index);
    const gone = pairsOf(secrets).filter((secret) => kept?.has(secret) === false);
    return phase === 'intent' && kept !== undefined ? [{ leaf: nameOf(record), classDays: new Set(pairsOf(keys)), secrets: new Set(gone) }] : [];
  });
}

/** Returns the first two members of each entry of a list. */
function pairsOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.flatMap((entry: unknown) => pairOf(entry) ?? []) : [];
}

function pairOf(entry: unknown): string | null {
  return Array.isArray(entry) ? `${String(entry[0])} ${String(entry[1])}` : null;
}

/** Returns the name of a record, `LOG/INDEX`. */
export function nameOf({ decoded: { gatewayId, logIndex } }: Pick<ParsedRecord, 'decoded'>): string {
  return `${gatewayId}/${logIndex}`;
}

/** The numbers of the secrets that a session has announced, each for one class and day, or for all. */
class SessionKeys {
  readonly #announced: { readonly key: number; readonly meta: string | null; readonly content: string | null }[] = [];

  note(record: ParsedRecord): void {
    const { key, meta, content } = clearOf(record);
    if (['open', 'epoch', 'secrets'].includes(record.decoded.kind) && typeof key === 'number') {
      this.#announced.push({ key, meta: pairOf(meta), content: pairOf(content) });
    }
  }

  of(slot: 'meta' | 'content', keptClass: number, day: number): readonly number[] {
    return this.#announced.filter(({ [slot]: of }) => of === null || of === `${keptClass} ${day}`).map(({ key }) => key);
  }
}
