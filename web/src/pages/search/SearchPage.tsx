import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Operations, Schemas } from '../../api/schema.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { QueryForm } from '../../parts/QueryForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { texts } from '../../texts.ts';
import { SessionTable } from '../sessions/SessionsPage.tsx';
import { CountList } from './CountList.tsx';
import { Examples } from './Examples.tsx';
import { Exports } from './Exports.tsx';
import { SavedSearches } from './SavedSearches.tsx';
import './search.css';

type Line = Operations['GET /api/v1/search']['line'];

/** Counts are by this field until another is chosen. */
const firstField = 'principal';

/** Records, the sessions that they are in, or counts of them, for which a query holds. */
export function SearchPage(): ReactNode {
  const { query, as = 'records', by = firstField } = useSearch({ from: '/search' });
  const navigate = useNavigate();
  const ways: Readonly<Record<string, object>> = { sessions: { sessions: '' }, counts: { countBy: by } };
  const wanted = query === undefined ? null : { query: { query, ...ways[as] } };
  const { lines, isWhole, error } = useLines('GET /api/v1/search', wanted);
  const summary = lines.find(isSummary)?.summary;
  const ask = (more: { readonly query?: string; readonly as?: string; readonly by?: string }): void =>
    void navigate({ to: '/search', search: (before) => ({ ...before, ...more }) });
  return (
    <>
      <PageTitle text={texts.search.title} />
      <QueryForm
        key={query ?? ''}
        label={texts.search.query}
        example={texts.search.queryExample}
        button={texts.search.ask}
        query={query ?? ''}
        onAsk={(written) => ask({ query: written })}
      >
        <select aria-label={texts.search.as} value={as} onChange={({ target }) => ask({ as: target.value })}>
          {Object.entries(texts.search.ways).map(([way, name]) => (
            <option key={way} value={way}>
              {name}
            </option>
          ))}
        </select>
        {as === 'counts' && <FieldChoice field={by} onChoose={(field) => ask({ by: field })} />}
      </QueryForm>
      <SavedSearches key={`saved ${query ?? ''}`} query={query ?? ''} />
      {error !== null && <Failure error={error} />}
      {wanted === null && <Examples />}
      {wanted !== null && (
        <p role="status">
          {!isWhole
            ? texts.state.loading
            : summary === undefined
              ? ''
              : summary.count === 0
                ? texts.search.none
                : texts.search.summary(summary.count, summary.isExact)}
          {(summary?.behind ?? 0) > 0 && ` ${texts.search.behind(summary?.behind ?? 0)}`}
        </p>
      )}
      {as === 'sessions' ? (
        <SessionTable sessions={lines.filter(isSession)} />
      ) : as === 'counts' ? (
        <CountList query={query ?? ''} field={by} counts={lines.filter(isCount)} />
      ) : (
        <ol className="found">{lines.filter(isRecord).map(foundRecord)}</ol>
      )}
      {query !== undefined && error === null && <Exports query={query} />}
    </>
  );
}

function FieldChoice({ field, onChoose }: { readonly field: string; readonly onChoose: (field: string) => void }): ReactNode {
  const { data: fields = [] } = useQuery({ ...asked('GET /api/v1/search/fields'), staleTime: Infinity });
  return (
    <select aria-label={texts.search.by} value={field} onChange={({ target }) => onChoose(target.value)}>
      {[...new Set([field, ...fields.map(({ name }) => name)])].map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function isSummary(line: Line): line is Schemas['SearchSummary'] {
  return 'summary' in line;
}

function isSession(line: Line): line is Schemas['FoundSession'] {
  return 'risk' in line;
}

function isCount(line: Line): line is Schemas['CountedValue'] {
  return 'value' in line;
}

function isRecord(line: Line): line is Schemas['FoundRecord'] {
  return 'record' in line;
}

function foundRecord({ record, session, seq, time, principal, target, action, kind, verdict, snippet, verified }: Schemas['FoundRecord']): ReactNode {
  return (
    <li key={record}>
      <Link to="/sessions/$session" params={{ session }} hash={String(seq)}>
        <Time of={time} />
      </Link>{' '}
      {principal !== null && <Recorded text={principal} />} {target !== null && <Recorded text={target} />} <code>{action ?? kind}</code>{' '}
      <VerdictMark verdict={verdict} />
      {!verified && <strong className="mark high">{texts.search.unverified}</strong>}
      {snippet !== null && (
        <div className="snippet">
          <Recorded text={snippet} />
        </div>
      )}
    </li>
  );
}
