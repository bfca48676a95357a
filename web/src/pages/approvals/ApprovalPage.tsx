import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useEffect, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { asked } from '../../api/asked.ts';
import { useAct } from '../../api/use-act.ts';
import { useLive } from '../../api/use-live.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

/** One request that waits: all that is needed to decide on it, and the decision. */
export function ApprovalPage(): ReactNode {
  const { approval } = useParams({ from: '/approvals/$approval' });
  // That somebody reads a request is recorded, so it is read again only when somebody decided, which the list says.
  const shown = useQuery({ ...asked('GET /api/v1/approvals/{approval}', { path: { approval } }), staleTime: Infinity });
  const { data: all = [] } = useLive('GET /api/v1/approvals', { query: { all: '' } });
  const state = all.find((each) => each.approval === approval)?.state;
  const { refetch } = shown;
  const known = shown.data?.state;
  useEffect(() => {
    if (known !== undefined && state !== undefined && state !== known) {
      void refetch();
    }
  }, [state]);
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
    grants,
    end,
    request,
    before,
  } = of;
  const grant = useAct('POST /api/v1/approvals/{approval}/grant');
  const deny = useAct('POST /api/v1/approvals/{approval}/deny');
  // The form goes, and with it the focus: the page, which says what was decided, has it then.
  const decided = { onSuccess: () => document.getElementById('page')?.focus() };
  const fault = grant.error ?? deny.error;
  return (
    <article className="card">
      <PageTitle text={`${principal}: ${action} ${target}`}>
        <Recorded text={principal} />: <code>{action}</code> <Recorded text={target} />
      </PageTitle>
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
      {(grants.length > 0 || end !== undefined) && (
        <>
          <h2>{texts.approvals.decided}</h2>
          <ol className="found">
            {grants.map(({ by, groups: forGroups, isBreak, note, time, record }) => (
              <li key={record}>
                <Time of={time} /> {isBreak ? texts.approvals.brokenBy : texts.approvals.grantedBy} <Recorded text={by} /> ({forGroups.join(', ')}){' '}
                <Recorded text={note} />
              </li>
            ))}
            {end !== undefined && (
              <li>
                <Time of={end.time} /> {texts.approvals.state[state]}{' '}
                {end.by !== undefined && (
                  <>
                    {texts.approvals.endedBy} <Recorded text={end.by} />
                  </>
                )}{' '}
                <Recorded text={end.reason ?? ''} />
              </li>
            )}
          </ol>
        </>
      )}
      {before.length > 0 && (
        <>
          <h2>{texts.approvals.before}</h2>
          <ol className="found">
            {before.map(({ seq, time, target: where, content }) => (
              <li key={seq}>
                <Link to="/sessions/$session" params={{ session }} hash={String(seq)}>
                  <Time of={time} as="clock" />
                </Link>{' '}
                {where !== null && <Recorded text={where} />}
                <div className="snippet">
                  <Recorded text={content?.text ?? ''} />
                </div>
              </li>
            ))}
          </ol>
        </>
      )}
      {fault !== null && <Failure error={fault} />}
      {(state === 'waiting' || state === 'granted') && (
        <div className="decision">
          {state === 'waiting' && (
            <NoteForm
              label={texts.approvals.note}
              button={texts.approvals.grant}
              isOptional
              isFirst
              isBusy={grant.isPending}
              onSend={(note) => grant.mutate({ path: { approval }, body: { note } }, decided)}
            />
          )}
          <NoteForm
            label={texts.approvals.reason}
            button={state === 'waiting' ? texts.approvals.deny : texts.approvals.takeBack}
            isBusy={deny.isPending}
            onSend={(why) => deny.mutate({ path: { approval }, body: { reason: why } }, decided)}
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
