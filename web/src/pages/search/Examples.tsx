import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { texts } from '../../texts.ts';

/** Queries to begin with, and the fields that queries have. */
export function Examples(): ReactNode {
  const { data: fields = [] } = useQuery({ ...asked('GET /api/v1/search/fields'), staleTime: Infinity });
  return (
    <>
      <h2>{texts.search.examplesTitle}</h2>
      <ul className="examples">
        {texts.search.examples.map(([query, words]) => (
          <li key={query}>
            <Link to="/search" search={{ query }}>
              <code>{query}</code>
            </Link>{' '}
            <span className="quiet">{words}</span>
          </li>
        ))}
      </ul>
      <h2>{texts.search.fieldsTitle}</h2>
      <dl className="fields">
        {fields.map(({ name, title, values }) => (
          <div key={name}>
            <dt>
              <code>{name}:</code>
            </dt>
            <dd>
              {title}
              {values.length > 0 && (
                <>
                  {' '}
                  <code className="quiet">{values.join(' ')}</code>
                </>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
