import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { Operations, Schemas } from '../../api/schema.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { QueryForm } from '../../parts/QueryForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { RiskMark } from '../../parts/RiskMark.tsx';
import { duration, Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

const pageSize = 50;

/** The sessions, the newest first, or those with a record for which a query holds. */
export function SessionsPage(): ReactNode {
  const { query } = useSearch({ from: '/sessions' });
  const navigate = useNavigate();
  const [limit, setLimit] = useState(pageSize);
  const { lines, isWhole, error } = useLines('GET /api/v1/sessions', { query: { query, newest: '', limit } });
  const sessions = lines.filter(isOverview);
  return (
    <>
      <PageTitle text={texts.sessions.title} />
      <QueryForm
        key={query ?? ''}
        label={texts.sessions.query}
        example={texts.sessions.queryExample}
        button={texts.sessions.show}
        query={query ?? ''}
        onAsk={(asked) => void navigate({ to: '/sessions', search: asked === '' ? {} : { query: asked } })}
      />
      {error !== null && <Failure error={error} />}
      <SessionTable sessions={sessions} />
      {!isWhole && <p role="status">{texts.state.loading}</p>}
      {isWhole && error === null && sessions.length === 0 && <p role="status">{texts.state.nothing}</p>}
      {isWhole && sessions.length === limit && (
        <button type="button" onClick={() => setLimit(limit + pageSize)}>
          {texts.sessions.more}
        </button>
      )}
    </>
  );
}

/** The list has no overviews only where ids are asked for by how they begin. */
function isOverview(line: Operations['GET /api/v1/sessions']['line']): line is Schemas['SessionOverview'] {
  return 'risk' in line;
}

export function SessionTable({ sessions }: { readonly sessions: readonly Schemas['SessionOverview'][] }): ReactNode {
  const { columns } = texts.sessions;
  return (
    <div className="wide">
      <table>
        <thead>
          <tr>
            <th>{columns.title}</th>
            <th>{columns.principal}</th>
            <th>{columns.targets}</th>
            <th>{columns.began}</th>
            <th>{columns.lasted}</th>
            <th className="number">{columns.records}</th>
            <th>{columns.risk}</th>
            <th>{columns.state}</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map(({ session, title, principal, targets, opened, durationMs, records, risk, state }) => (
            <tr key={session}>
              <td className="title">
                <Link to="/sessions/$session" params={{ session }}>
                  {title === null ? <em>{texts.sessions.untitled}</em> : <Recorded text={title} />}
                </Link>
              </td>
              <td>{principal === null ? <em>{texts.sessions.own}</em> : <Recorded text={principal} />}</td>
              <td>
                <Recorded text={targets.join(', ')} />
              </td>
              <td>
                <Time of={opened} />
              </td>
              <td>{duration(durationMs)}</td>
              <td className="number">{records.toLocaleString('en')}</td>
              <td>
                <RiskMark risk={risk} />
              </td>
              <td>{texts.session.state[state]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
