import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { lines } from '../../api/ask.ts';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { shownCount, Tile } from './Tile.tsx';

/** The counts are searches, which are recorded: so there are two for all of them, and they count for so many ms, however often the page is visited. */
const countedMs = 300_000;
const since = 'since:1d';

/** The counts of a day, each by a field, and the query behind each. */
const counts = [
  { name: texts.now.counts.prompts, field: 'kind', value: 'prompt' },
  { name: texts.now.counts.statements, field: 'kind', value: 'statement' },
  { name: texts.now.counts.changes, field: 'kind', value: 'change' },
  { name: texts.now.counts.denied, field: 'verdict', value: 'deny' },
  { name: texts.now.counts.held, field: 'verdict', value: 'hold' },
] as const;
const valuesMax = 100;

/** The last day in numbers. */
export function DayCounts(): ReactNode {
  const { data, error, dataUpdatedAt } = useQuery({
    queryKey: ['counts of a day'],
    queryFn: async ({ signal }) => new Map((await Promise.all((['kind', 'verdict'] as const).map(async (field) => countBy(field, signal)))).flat()),
    staleTime: countedMs,
    gcTime: countedMs,
  });
  return (
    <>
      <h2>
        {texts.now.today}{' '}
        {data !== undefined && (
          <span className="quiet">
            {texts.now.counted} <Time of={new Date(dataUpdatedAt).toISOString()} />
          </span>
        )}
      </h2>
      <ul className="tiles">
        {counts.map(({ name, field, value }) => (
          <Tile
            key={value}
            to="/search"
            search={{ query: `${field}:${value} ${since}` }}
            name={name}
            value={shownCount(data, error, data?.get(`${field}:${value}`) ?? 0)}
            level="low"
          />
        ))}
      </ul>
    </>
  );
}

/** Returns how many records of the day have each value of a field, by `FIELD:VALUE`. */
async function countBy(field: string, signal: AbortSignal): Promise<readonly (readonly [string, number])[]> {
  const all = await Array.fromAsync(lines('GET /api/v1/search', { query: { query: since, countBy: field, facts: '', limit: valuesMax }, signal }));
  return all.flat().flatMap((line) => ('value' in line ? [[`${field}:${line.value}`, line.count] as const] : []));
}
