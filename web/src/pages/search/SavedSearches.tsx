import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';

/** The searches that were saved, and the saving of the present one. */
export function SavedSearches({ query }: { readonly query: string }): ReactNode {
  const saved = useQuery(asked('GET /api/v1/saved-searches'));
  const save = useAct('POST /api/v1/saved-searches');
  const remove = useAct('DELETE /api/v1/saved-searches/{name}');
  const fault = save.error ?? remove.error;
  return (
    <details className="saved" open={query === ''}>
      <summary>{texts.search.saved}</summary>
      {fault !== null && <Failure error={fault} />}
      <Loaded of={saved}>
        {(all) =>
          all.length === 0 ? (
            <p className="quiet">{texts.search.noneSaved}</p>
          ) : (
            <ul className="found">
              {all.map(({ name, query: kept, by, record }) => (
                <li key={record}>
                  <Link to="/search" search={{ query: kept }}>
                    {name}
                  </Link>{' '}
                  <code>
                    <Recorded text={kept} />
                  </code>{' '}
                  <span className="quiet">
                    <Recorded text={by} />
                  </span>{' '}
                  <button
                    type="button"
                    aria-label={`${texts.search.remove} ${name}`}
                    disabled={remove.isPending}
                    onClick={() => remove.mutate({ path: { name } })}
                  >
                    {texts.search.remove}
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {query !== '' && (
        <NoteForm label={texts.search.name} button={texts.search.save} isBusy={save.isPending} onSend={(name) => save.mutate({ body: { name, query } })} />
      )}
    </details>
  );
}
