import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { Fragment, useEffect, useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { useGrowing } from '../../api/use-growing.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { RiskMark } from '../../parts/RiskMark.tsx';
import { duration, Time } from '../../parts/Time.tsx';
import { TraceLink } from '../../parts/TraceLink.tsx';
import { texts } from '../../texts.ts';
import { noteFollowed } from './followed-classes.ts';
import { Timeline } from './Timeline.tsx';
import { EvidenceButton } from './EvidenceButton.tsx';
import { useJoined } from './use-joined.ts';
import './session.css';

/** A session: what it was, and all that happened in it, joined. One that is open goes on while it is looked at. */
export function SessionPage(): ReactNode {
  const { session } = useParams({ from: '/sessions/$session' });
  const overview = useQuery(asked('GET /api/v1/sessions/{session}', { path: { session } }));
  // Once it is being watched, a session that ends is not read again.
  const [isWatched, setWatched] = useState<boolean | null>(null);
  const isOpen = overview.data?.state === 'open';
  if (overview.data !== undefined && isWatched === null) {
    setWatched(isOpen);
  }
  const input = isWatched === null ? null : { path: { session }, query: { tables: '' } };
  const { lines, isWhole, error } = useLines(isWatched === true ? 'GET /api/v1/sessions/{session}/watch' : 'GET /api/v1/sessions/{session}/records', input);
  const items = useJoined(lines);
  const { refetch } = overview;
  useEffect(() => {
    if (isWhole && isWatched === true) {
      void refetch();
    }
  }, [isWhole, isWatched, refetch]);
  if (overview.error !== null && overview.data === undefined) {
    return <Failure error={overview.error} onAgain={() => void overview.refetch()} />;
  }
  return (
    <>
      {overview.data !== undefined && <Overview of={overview.data} records={lines} />}
      {isOpen && <Halt session={session} />}
      <h2>{texts.session.timeline}</h2>
      {error !== null && <Failure error={error} />}
      <Timeline key={session} records={lines} items={items} isLive={isWatched === true && !isWhole} />
      {!isWhole && <p role="status">{isWatched === true ? texts.session.live : texts.state.loading}</p>}
    </>
  );
}

/** Ends a session that is open. Who may not is told so by the gateway. */
function Halt({ session }: { readonly session: string }): ReactNode {
  const { data: caller } = useQuery(asked('GET /api/v1/whoami'));
  const halt = useAct('POST /api/v1/sessions/{session}/halt');
  return (
    caller?.may.includes('halt') === true && (
      <>
        {halt.error !== null && <Failure error={halt.error} />}
        <NoteForm
          label={texts.session.haltReason}
          button={texts.session.halt}
          isOptional
          isBusy={halt.isPending}
          onSend={(reason) => halt.mutate({ path: { session }, body: { reason } })}
        />
      </>
    )
  );
}

function Overview({
  of: { title, session, principal, targets, opened, durationMs, records, risk, classes, findings, state },
  records: shown,
}: {
  readonly of: Schemas['SessionOverview'];
  readonly records: readonly Schemas['ShownRecord'][];
}): ReactNode {
  return (
    <header className="overview">
      <PageTitle text={title ?? texts.session.title}>{title === null ? <em>{texts.sessions.untitled}</em> : <Recorded text={title} />}</PageTitle>
      <p>
        <RiskMark risk={risk} /> <span className={`mark ${state === 'halted' ? 'high' : 'low'}`}>{texts.session.state[state]}</span>{' '}
        {principal !== null && <Recorded text={principal} />} · <Recorded text={targets.join(', ')} /> · <Time of={opened} /> · {duration(durationMs)} ·{' '}
        {texts.records(records)} · <code>{session}</code> ·{' '}
        <a href={`/api/v1/sessions/${session}/bundle`} download={`${session}.bundle`}>
          {texts.session.evidence}
        </a>{' '}
        <EvidenceButton session={session} />{' '}
        <Link to="/sessions/$session/diff" params={{ session }}>
          {texts.diff.open}
        </Link>
      </p>
      {classes.length > 0 && (
        <p>
          {texts.session.classes}: <Classes names={classes} records={shown} />
        </p>
      )}
      <ul className="findings">
        {findings.map(({ sign, words, seq }) => (
          <li key={sign}>{seq === null ? words : <a href={`#${seq}`}>{words}</a>}</li>
        ))}
      </ul>
    </header>
  );
}

/** The classes of which values were seen. One whose values are followed leads to where they went. */
function Classes({ names, records }: { readonly names: readonly string[]; readonly records: readonly Schemas['ShownRecord'][] }): ReactNode {
  const followed = useGrowing(records, () => new Map<string, string>(), noteFollowed);
  return names.map((name, at) => {
    const record = followed.get(name);
    return (
      <Fragment key={name}>
        {at === 0 ? '' : ', '}
        {record === undefined ? (
          <Recorded text={name} />
        ) : (
          <TraceLink record={record}>
            <Recorded text={name} />
          </TraceLink>
        )}
      </Fragment>
    );
  });
}
