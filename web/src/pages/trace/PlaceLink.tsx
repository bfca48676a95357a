import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';

/** So many digits of a session name it. */
const sessionDigits = 8;

/** Leads to a record in its session: by its number, and by the session too if that is another than the one of the trace. */
export function PlaceLink({
  place: { record, session, seq },
  of,
}: {
  readonly place: Schemas['TracedValue']['from'];
  /** The session of the trace. */
  readonly of: string;
}): ReactNode {
  const [log = '', index = ''] = record.split('/');
  return session === null || seq === null ? (
    <>
      <Recorded text={record} /> {texts.trace.notHere}
    </>
  ) : (
    <Link to="/records/$log/$index" params={{ log, index }}>
      {session === of ? '' : session.slice(0, sessionDigits)}#{seq}
    </Link>
  );
}
