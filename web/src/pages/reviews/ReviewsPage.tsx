import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { RiskMark } from '../../parts/RiskMark.tsx';
import { Time } from '../../parts/Time.tsx';
import { useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';

const since = '30d';

/** The sessions that somebody must look at, those with the greatest risk first, and how many were looked at. */
export function ReviewsPage(): ReactNode {
  const reviews = useQuery(asked('GET /api/v1/reviews', { query: { since } }));
  const coverage = useQuery(asked('GET /api/v1/reviews/coverage', { query: { since } }));
  return (
    <>
      <PageTitle text={texts.reviews.title} />
      <Loaded of={coverage}>{({ toReview, reviewed }) => <p>{texts.reviews.coverage(reviewed, toReview)}</p>}</Loaded>
      <Loaded of={reviews}>
        {(all) =>
          all.length === 0 ? (
            <p role="status">{texts.reviews.none}</p>
          ) : (
            <ol className="found">
              {all.map((session) => (
                <ReviewLine key={session.session} of={session} />
              ))}
            </ol>
          )
        }
      </Loaded>
    </>
  );
}

function ReviewLine({ of: { session, title, principal, opened, risk, findings, suggestion } }: { readonly of: Schemas['ReviewedSession'] }): ReactNode {
  const sign = useAct('POST /api/v1/reviews/{session}/sign');
  const maySign = useMay('content');
  return (
    <li>
      <RiskMark risk={risk} />{' '}
      <Link to="/sessions/$session" params={{ session }}>
        {title === null ? texts.sessions.untitled : <Recorded text={title} />}
      </Link>{' '}
      {principal !== null && <Recorded text={principal} />} · <Time of={opened} />
      <ul className="findings">
        {findings.map(({ sign: name, words, seq }) => (
          <li key={name}>
            {seq === null ? (
              words
            ) : (
              <Link to="/sessions/$session" params={{ session }} hash={String(seq)}>
                {words}
              </Link>
            )}
          </li>
        ))}
      </ul>
      {suggestion !== null && (
        <p className="quiet">
          {texts.reviews.suggested} <Recorded text={`${suggestion.model}: ${suggestion.risk}`} />
        </p>
      )}
      {sign.error !== null && <Failure error={sign.error} />}
      {maySign && (
        <NoteForm
          label={texts.reviews.note}
          button={texts.reviews.sign}
          isBusy={sign.isPending}
          onSend={(note) => sign.mutate({ path: { session }, body: { note } })}
        />
      )}
    </li>
  );
}
