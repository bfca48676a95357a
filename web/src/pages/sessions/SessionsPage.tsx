import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Failure } from '../../parts/Failure.tsx';
import { QueryForm } from '../../parts/QueryForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { RiskMark } from '../../parts/RiskMark.tsx';
import { duration, Time } from '../../parts/Time.tsx';
import { plainText } from '../../parts/visible-text.ts';
import { texts } from '../../texts.ts';
import { ActivityStrips } from './ActivityStrips.tsx';
import { useSessions } from './use-sessions.ts';

const pageSize = 50;

/** The sessions, the newest first, as they come, or those with a record for which a query holds. */
export function SessionsPage(): ReactNode {
  const { query } = useSearch({ from: '/sessions' });
  const navigate = useNavigate();
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
      <SessionList key={`of ${query ?? ''}`} query={query} />
    </>
  );
}

function SessionList({ query }: { readonly query: string | undefined }): ReactNode {
  const [limit, setLimit] = useState(pageSize);
  const { sessions, isWhole, error } = useSessions(query, limit);
  return (
    <>
      {error !== null && <Failure error={error} />}
      {sessions.length > 0 && <SessionTable sessions={sessions} />}
      {!isWhole && error === null && <p role="status">{texts.state.loading}</p>}
      {isWhole && error === null && sessions.length === 0 && <p role="status">{query === undefined ? texts.sessions.none : texts.sessions.noneSo}</p>}
      {isWhole && sessions.length === limit && (
        <button type="button" onClick={() => setLimit(limit + pageSize)}>
          {texts.sessions.more}
        </button>
      )}
    </>
  );
}

const states: Readonly<Record<Schemas['SessionOverview']['state'], string>> = {
  open: 'live',
  closed: '',
  halted: 'high',
  suspended: 'high',
  interrupted: 'medium',
};

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
            <th>{columns.classes}</th>
            <th>{columns.risk}</th>
            <th>{columns.state}</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map(({ session, title, principal, onBehalfOf, targets, opened, durationMs, records, classes, risk, state, activity }) => (
            <tr key={session}>
              <td className="title">
                <Link to="/sessions/$session" params={{ session }}>
                  {title === null ? <em>{texts.sessions.untitled}</em> : <Recorded text={title} />}
                </Link>
              </td>
              <td>
                {principal === null ? <em>{texts.sessions.own}</em> : <Recorded text={principal} />}
                {onBehalfOf.length > 0 && (
                  <div className="quiet">
                    {texts.sessions.onBehalfOf} <Recorded text={onBehalfOf.join(', ')} />
                  </div>
                )}
              </td>
              <td>{activity === undefined ? <Recorded text={targets.join(', ')} /> : <ActivityStrips targets={targets} activity={activity} />}</td>
              <td>
                <Time of={opened} />
              </td>
              <td>{duration(durationMs)}</td>
              <td className="number">{records.toLocaleString('en')}</td>
              <td className="strip">
                {classes.map((name) => (
                  <span key={name} className="mark">
                    <Recorded text={name} />
                  </span>
                ))}
              </td>
              <td>
                <RiskMark risk={risk} />
              </td>
              <td>
                <span className={`mark ${states[state]}`}>{texts.session.state[state]}</span>{' '}
                <Link
                  className="quiet"
                  to="/sessions/$session/diff"
                  params={{ session }}
                  aria-label={texts.diff.openTitled(plainText(title ?? texts.sessions.untitled))}
                >
                  {texts.diff.compare}
                </Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
