import type { Schemas } from '../../api/schema.ts';

/** Returns how many values of each class were masked, over all records of masks of an act. */
export function maskedCounts(masks: readonly Schemas['ShownRecord'][]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const entry of masks.flatMap(({ attributes }) => attributes['countersign.masked'] ?? [])) {
    const [, name = '', many = ''] = /^(.*)=(\d+)$/.exec(String(entry)) ?? [];
    counts.set(name, (counts.get(name) ?? 0) + Number(many));
  }
  return counts;
}
