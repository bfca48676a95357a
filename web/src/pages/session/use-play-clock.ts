import { useMemo, useRef } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { PlayClock } from './play-clock.ts';

/** The clock of records, of which more and more come. */
export function usePlayClock(records: readonly Schemas['ShownRecord'][], idleMaxMs: number): PlayClock {
  const read = useRef({ first: records[0], timesMs: new Array<number>() });
  return useMemo(() => {
    if (records[0] !== read.current.first) {
      read.current = { first: records[0], timesMs: [] };
    }
    const { timesMs } = read.current;
    for (let index = timesMs.length; index < records.length; index += 1) {
      timesMs.push(Date.parse(records[index]?.time ?? ''));
    }
    return new PlayClock(timesMs.slice(0, records.length), idleMaxMs);
  }, [records, idleMaxMs]);
}
