import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

/** An erasure that waits: what it is about, who asks for it and why, until when, and its confirmation, for who may confirm it. Once it is confirmed, who did that. */
export function WaitingErasureView({
  of: { erasure, query, facts, reason, by, onBehalfOf, ends, confirmedBy },
  mayConfirm,
}: {
  readonly of: Schemas['WaitingErasure'];
  readonly mayConfirm: boolean;
}): ReactNode {
  const confirm = useAct('POST /api/v1/erasures/{erasure}/confirm');
  const { waiting: words } = texts.erasures;
  return (
    <li>
      <Link to="/search" search={{ query }}>
        <Recorded text={query} />
      </Link>{' '}
      {facts ? words.facts : words.contents}
      <div className="quiet">
        {words.by} <Recorded text={onBehalfOf === null ? by : `${by}, ${onBehalfOf}`} />: <Recorded text={reason} />
      </div>
      {confirm.error !== null && <Failure error={confirm.error} />}
      {confirmedBy === null ? (
        <>
          <div>
            {words.until} <Time of={ends} />
          </div>
          {mayConfirm && (
            <Later summary={words.confirm}>
              <p className="quiet">{words.confirms}</p>
              <button type="button" disabled={confirm.isPending} onClick={() => confirm.mutate({ path: { erasure }, body: {} })}>
                {words.confirmNow}
              </button>
            </Later>
          )}
        </>
      ) : (
        <p role="status">
          {words.confirmed} <Recorded text={confirmedBy} />
        </p>
      )}
    </li>
  );
}
