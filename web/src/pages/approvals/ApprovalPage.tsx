import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { asked } from '../../api/asked.ts';
import { useAct } from '../../api/use-act.ts';
import { useLive } from '../../api/use-live.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

/** One request that waits: all that is needed to decide on it, and the decision. */
export function ApprovalPage(): ReactNode {
  const { approval } = useParams({ from: '/approvals/$approval' });
  // That somebody reads a request is recorded, so it is read once, and the list says what became of it.
  const shown = useQuery({ ...asked('GET /api/v1/approvals/{approval}', { path: { approval } }), staleTime: Infinity });
  const { data: all = [] } = useLive('GET /api/v1/approvals', { query: { all: '' } });
  const state = all.find((each) => each.approval === approval)?.state;
  return (
    <Loaded of={shown}>
      {(answer) => ('session' in answer ? <Card of={{ ...answer, state: state ?? answer.state }} /> : <p role="status">{texts.approvals.own(answer.state)}</p>)}
    </Loaded>
  );
}

function Card({ of }: { readonly of: Schemas['ApprovalDetails'] }): ReactNode {
  const {
    approval,
    session,
    principal,
    onBehalfOf,
    target,
    action,
    text,
    groups,
    granted,
    state,
    expires,
    policies,
    reason,
    digest,
    estimatedRows,
    request,
    before,
  } = of;
  const grant = useAct('POST /api/v1/approvals/{approval}/grant');
  const deny = useAct('POST /api/v1/approvals/{approval}/deny');
  const fault = grant.error ?? deny.error;
  return (
    <article className="card">
      <h1>
        <Recorded text={principal} />: <code>{action}</code> <Recorded text={target} />
      </h1>
      <p>
        <span className="mark medium">{texts.approvals.state[state]}</span>{' '}
        {onBehalfOf !== null && <Recorded text={`${texts.approvals.onBehalfOf} ${onBehalfOf}`} />} {texts.approvals.by(groups, granted)} ·{' '}
        {texts.approvals.until} <Time of={expires} /> ·{' '}
        <Link to="/sessions/$session" params={{ session }} hash={String(request?.seq ?? '')}>
          {texts.approvals.session}
        </Link>
      </p>
      <p>
        <Recorded text={reason} /> <span className="why">{policies.join(', ')}</span>
      </p>
      <h2>{texts.approvals.bytes}</h2>
      <pre className="asked">
        <Recorded text={text} />
      </pre>
      <dl className="facts-list">
        {factsOf(request, estimatedRows, digest).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Recorded text={value} />
            </dd>
          </div>
        ))}
      </dl>
      {before.length > 0 && (
        <>
          <h2>{texts.approvals.before}</h2>
          <ol className="found">
            {before.map(({ seq, time, target: where, content }) => (
              <li key={seq}>
                <Time of={time} as="clock" /> {where !== null && <Recorded text={where} />}
                <div className="snippet">
                  <Recorded text={content?.text ?? ''} />
                </div>
              </li>
            ))}
          </ol>
        </>
      )}
      {fault !== null && <Failure error={fault} />}
      {state === 'waiting' && (
        <div className="decision">
          <NoteForm
            label={texts.approvals.note}
            button={texts.approvals.grant}
            isOptional
            isBusy={grant.isPending}
            onSend={(note) => grant.mutate({ path: { approval }, body: { note } })}
          />
          <NoteForm
            label={texts.approvals.reason}
            button={texts.approvals.deny}
            isBusy={deny.isPending}
            onSend={(why) => deny.mutate({ path: { approval }, body: { reason: why } })}
          />
        </div>
      )}
    </article>
  );
}

/** Returns what is known of the act, in the words of the page. */
function factsOf(request: Schemas['ShownRecord'] | null, estimatedRows: number | undefined, digest: string): readonly (readonly [string, string])[] {
  const { facts } = texts.approvals;
  const attributes = request?.attributes ?? {};
  const known = [
    [facts.effects, attributes['countersign.effects']],
    [facts.tables, attributes['countersign.tables']],
    [facts.rows, estimatedRows],
    [facts.digest, digest],
  ] as const;
  return known.flatMap(([name, value]) => (value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value.toString()] as const]));
}
