import { useMemo } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useGrowing } from '../../api/use-growing.ts';
import { JoinedTimeline, type Item } from './joined-timeline.ts';

/** Joins records, of which more and more come. */
export function useJoined(records: readonly Schemas['ShownRecord'][]): readonly Item[] {
  const timeline = useGrowing(
    records,
    () => new JoinedTimeline(),
    (joined, record) => joined.add(record),
  );
  return useMemo(() => [...timeline.items], [timeline, records]);
}
