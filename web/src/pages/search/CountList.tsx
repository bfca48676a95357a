import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { queryTerm } from '../../parts/query-term.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';

interface CountListProps {
  readonly query: string;
  readonly field: string;
  readonly counts: readonly Schemas['CountedValue'][];
}

/** How many records have each value of a field, as bars. Each leads to the records. */
export function CountList({ query, field, counts }: CountListProps): ReactNode {
  const most = Math.max(1, ...counts.map(({ count }) => count));
  return (
    <table className="bars">
      <thead>
        <tr>
          <th>{field}</th>
          <th className="number">{texts.search.count}</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {counts.map(({ value, count }) => (
          <tr key={value}>
            <td>
              <Link to="/search" search={{ query: narrowed(query, field, value) }}>
                <Recorded text={value} />
              </Link>
            </td>
            <td className="number">{count.toLocaleString('en')}</td>
            <td aria-hidden>
              <meter max={most} value={count} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Returns the query for those records that have a value besides. */
function narrowed(query: string, field: string, value: string): string {
  const term = queryTerm(field, value);
  return query === '' ? term : /\bor\b/.test(query) ? `(${query}) ${term}` : `${query} ${term}`;
}
