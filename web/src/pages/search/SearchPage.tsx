import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
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

type Line = Operations['GET /api/v1/search']['line'];

/** Records, or the sessions that they are in, for which a query holds. */
export function SearchPage(): ReactNode {
  const { query, as = 'records' } = useSearch({ from: '/search' });
  const navigate = useNavigate();
  const isOfSessions = as === 'sessions';
  const asked = query === undefined ? null : { query: { query, ...(isOfSessions ? { sessions: '' } : {}) } };
  const { lines, isWhole, error } = useLines('GET /api/v1/search', asked);
  const summary = lines.find(isSummary)?.summary;
  const ask = (wanted: string, way: string): void => void navigate({ to: '/search', search: { query: wanted, ...(way === 'records' ? {} : { as: way }) } });
  return (
    <>
      <PageTitle text={texts.search.title} />
      <QueryForm
        key={query ?? ''}
        label={texts.search.query}
        example={texts.search.queryExample}
        button={texts.search.ask}
        query={query ?? ''}
        onAsk={(wanted) => ask(wanted, as)}
      >
        <select aria-label={texts.search.as} value={as} onChange={({ target }) => ask(query ?? '', target.value)}>
          {Object.entries(texts.search.ways).map(([way, name]) => (
            <option key={way} value={way}>
              {name}
            </option>
          ))}
        </select>
      </QueryForm>
      {error !== null && <Failure error={error} />}
      {asked !== null && (
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
      {isOfSessions ? <SessionTable sessions={lines.filter(isSession)} /> : <ol className="found">{lines.filter(isRecord).map(foundRecord)}</ol>}
    </>
  );
}

function isSummary(line: Line): line is Schemas['SearchSummary'] {
  return 'summary' in line;
}

function isSession(line: Line): line is Schemas['FoundSession'] {
  return 'risk' in line;
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
