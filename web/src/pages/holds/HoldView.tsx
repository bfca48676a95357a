import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

/** A matter: what it keeps, who set the hold and why, and its release, for who may release it. */
export function HoldView({
  of: { matter, query, reason, by, onBehalfOf, since, sessions, records, oldest, releasedBy, unknown },
  mayRelease,
}: {
  readonly of: Schemas['Hold'];
  readonly mayRelease: boolean;
}): ReactNode {
  const release = useAct('POST /api/v1/holds/{matter}/release');
  const { words } = texts.holds;
  return (
    <li>
      <strong>
        <Recorded text={matter} />
      </strong>{' '}
      <Link to="/search" search={{ query }}>
        <Recorded text={query} />
      </Link>
      <div className="quiet">
        {words.by} <Recorded text={onBehalfOf === null ? by : `${by}, ${onBehalfOf}`} />, <Time of={since} />: <Recorded text={reason} />
      </div>
      {records !== null && sessions !== null && (
        <div>
          {words.keeps(records, sessions)}
          {oldest !== null && (
            <>
              {words.from} <Time of={oldest} />
            </>
          )}
        </div>
      )}
      {unknown.map((what) => (
        <p key={what}>
          <Recorded text={what} />
        </p>
      ))}
      {release.error !== null && <Failure error={release.error} />}
      {releasedBy !== null ? (
        <p>{words.released(releasedBy)}</p>
      ) : mayRelease ? (
        <Later summary={words.release}>
          <p className="quiet">{words.releases}</p>
          <NoteForm
            label={words.reason}
            button={words.releaseNow}
            isBusy={release.isPending}
            onSend={(note) => release.mutate({ path: { matter }, body: { reason: note } })}
          />
        </Later>
      ) : null}
    </li>
  );
}
