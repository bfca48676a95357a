import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useMemo, useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { countChanges, fold } from './fold.ts';
import { RowView } from './RowView.tsx';
import { SessionChoice } from './SessionChoice.tsx';
import './diff.css';

/** So many differences are drawn before somebody asks for more. */
const shownAtFirst = 200;

/** Two sessions side by side. */
export function DiffPage(): ReactNode {
  const { session, other } = useParams({ from: '/sessions/$session/diff/$other' });
  return (
    <>
      <PageTitle text={texts.diff.title} />
      <div className="pair heads">
        <Head session={session} name="A" />
        <Head session={other} name="B" />
      </div>
      <Comparison key={`${session} ${other}`} session={session} other={other} />
    </>
  );
}

/** The choice of a session to put beside another. */
export function DiffChoicePage(): ReactNode {
  const { session } = useParams({ from: '/sessions/$session/diff' });
  const overview = useQuery(asked('GET /api/v1/sessions/{session}', { path: { session } }));
  return (
    <>
      <PageTitle text={texts.diff.title} />
      <Head session={session} name="A" />
      <Loaded of={overview}>{(of) => <SessionChoice of={of} />}</Loaded>
    </>
  );
}

function Head({ session, name }: { readonly session: string; readonly name: string }): ReactNode {
  const { data: of } = useQuery(asked('GET /api/v1/sessions/{session}', { path: { session } }));
  return (
    <p>
      <strong>{name}</strong>{' '}
      <Link to="/sessions/$session" params={{ session }}>
        {of === undefined ? <code>{session}</code> : of.title === null ? <em>{texts.sessions.untitled}</em> : <Recorded text={of.title} />}
      </Link>
      {of !== undefined && (
        <span className="quiet">
          {' '}
          {of.principal !== null && <Recorded text={of.principal} />} · <Time of={of.opened} /> · {texts.records(of.records)}
        </span>
      )}
    </p>
  );
}

function Comparison({ session, other }: { readonly session: string; readonly other: string }): ReactNode {
  const { lines, isWhole, error } = useLines('GET /api/v1/sessions/{session}/diff/{other}', { path: { session, other } });
  const folded = useMemo(() => fold(lines), [lines]);
  const counts = useMemo(() => countChanges(lines), [lines]);
  const [limit, setLimit] = useState(shownAtFirst);
  return (
    <>
      {error !== null && <Failure error={error} />}
      <p role="status">{isWhole ? texts.diff.summary(counts) : texts.state.loading}</p>
      <p className="quiet">{texts.diff.what}</p>
      {folded.slice(0, limit).map((each, at) =>
        'row' in each ? (
          <RowView key={at} row={each.row} session={session} other={other} />
        ) : (
          <Later key={at} className="same" summary={texts.diff.same(each.same.length)}>
            {each.same.map((row, place) => (
              <RowView key={place} row={row} session={session} other={other} />
            ))}
          </Later>
        ),
      )}
      {folded.length > limit && (
        <button type="button" onClick={() => setLimit(limit * 4)}>
          {texts.state.hidden(folded.length - limit)}
        </button>
      )}
    </>
  );
}
