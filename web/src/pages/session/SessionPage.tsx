import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { RiskMark } from '../../parts/RiskMark.tsx';
import { duration, Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { JoinedTimeline } from './joined-timeline.ts';
import { TimelineList } from './TimelineList.tsx';
import './session.css';

/** A session: what it was, and all that happened in it, joined. */
export function SessionPage(): ReactNode {
  const { session } = useParams({ from: '/sessions/$session' });
  const overview = useQuery(asked('GET /api/v1/sessions/{session}', { path: { session } }));
  const { lines, isWhole, error } = useLines('GET /api/v1/sessions/{session}/records', { path: { session } });
  const items = useMemo(() => {
    const timeline = new JoinedTimeline();
    lines.forEach((record) => timeline.add(record));
    return timeline.items;
  }, [lines]);
  if (overview.error !== null) {
    return <Failure error={overview.error} onAgain={() => void overview.refetch()} />;
  }
  return (
    <>
      {overview.data !== undefined && <Overview of={overview.data} />}
      <h2>{texts.session.timeline}</h2>
      {error !== null && <Failure error={error} />}
      <TimelineList items={items} />
      {!isWhole && <p role="status">{texts.state.loading}</p>}
    </>
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
        {texts.records(records)} · <code>{session}</code>
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
