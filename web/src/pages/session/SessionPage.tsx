import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { RiskMark } from '../../parts/RiskMark.tsx';
import { duration, Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { JoinedTimeline, type Item } from './joined-timeline.ts';
import { Timeline } from './Timeline.tsx';
import { EvidenceButton } from './evidence/EvidenceButton.tsx';
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
  if (overview.error !== null) {
    return <Failure error={overview.error} onAgain={() => void overview.refetch()} />;
  }
  return (
    <>
      {overview.data !== undefined && <Overview of={overview.data} />}
      {isOpen && <Halt session={session} />}
      <h2>{texts.session.timeline}</h2>
      {error !== null && <Failure error={error} />}
      <Timeline items={items} />
      {!isWhole && <p role="status">{isWatched === true ? texts.session.live : texts.state.loading}</p>}
    </>
  );
}

/** Joins records, of which more and more come. */
function useJoined(records: readonly Schemas['ShownRecord'][]): readonly Item[] {
  const joined = useRef({ timeline: new JoinedTimeline(), count: 0 });
  return useMemo(() => {
    if (records.length < joined.current.count) {
      joined.current = { timeline: new JoinedTimeline(), count: 0 };
    }
    records.slice(joined.current.count).forEach((record) => joined.current.timeline.add(record));
    joined.current.count = records.length;
    return [...joined.current.timeline.items];
  }, [records]);
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
}: {
  readonly of: Schemas['SessionOverview'];
}): ReactNode {
  return (
    <header className="overview">
      <h1>{title === null ? <em>{texts.sessions.untitled}</em> : <Recorded text={title} />}</h1>
      <p>
        <RiskMark risk={risk} /> <span className={`mark ${state === 'halted' ? 'high' : 'low'}`}>{texts.session.state[state]}</span>{' '}
        {principal !== null && <Recorded text={principal} />} · <Recorded text={targets.join(', ')} /> · <Time of={opened} /> · {duration(durationMs)} ·{' '}
        {texts.records(records)} · <code>{session}</code> ·{' '}
        <a href={`/api/v1/sessions/${session}/bundle`} download={`${session}.bundle`}>
          {texts.session.evidence}
        </a>{' '}
        <EvidenceButton session={session} />
      </p>
      {classes.length > 0 && (
        <p>
          {texts.session.classes}: <Recorded text={classes.join(', ')} />
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
