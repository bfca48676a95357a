import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { texts } from '../../texts.ts';

const forms = Object.entries(texts.search.forms);

/** Links to the records for which a query holds, as files. Who may not export sees none. */
export function Exports({ query }: { readonly query: string }): ReactNode {
  const { data: caller } = useQuery(asked('GET /api/v1/whoami'));
  return (
    caller?.may.includes('export') === true && (
      <p>
        {texts.search.export}:{' '}
        {forms.map(([form, name]) => (
          <span key={form}>
            <a href={`/api/v1/export?${new URLSearchParams({ query, form }).toString()}`} download={`records.${form}.jsonl`}>
              {name}
            </a>{' '}
          </span>
        ))}
      </p>
    )
  );
}
