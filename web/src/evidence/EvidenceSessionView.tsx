import { Link } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { Timeline } from '../pages/session/Timeline.tsx';
import { useJoined } from '../pages/session/use-joined.ts';
import '../pages/session/session.css';
import { texts } from '../texts.ts';
import { showSession, type Evidence } from './archive.ts';
import { WithheldList } from './WithheldList.tsx';
import { withheldIn } from './erased.ts';

/** A session, as the console plays it. */
export function EvidenceSessionView({ evidence, id }: { readonly evidence: Evidence; readonly id: string }): ReactNode {
  const session = evidence.sessions.find((each) => each.session === id);
  const records = useMemo(() => (session === undefined ? [] : showSession(session).records), [session]);
  const items = useJoined(records);
  return (
    <>
      <p>
        <Link to="/">{texts.evidence.back}</Link> · <code>{id}</code>
      </p>
      {session !== undefined && <WithheldList of={withheldIn(session, evidence)} query={evidence.header.withhold} />}
      <Timeline records={records} items={items} isLive={false} />
    </>
  );
}
