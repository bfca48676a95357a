import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { useLive } from '../../api/use-live.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

/** The alerts that are not closed, the newest first. */
export function AlertsPage(): ReactNode {
  const alerts = useLive('GET /api/v1/alerts');
  return (
    <>
      <PageTitle text={texts.alerts.title} />
      <Loaded of={alerts}>
        {(all) =>
          all.length === 0 ? (
            <p role="status">{texts.alerts.none}</p>
          ) : (
            <ol className="found">
              {all.toReversed().map((alert) => (
                <AlertLine key={alert.alert} of={alert} />
              ))}
            </ol>
          )
        }
      </Loaded>
    </>
  );
}

const levels: Readonly<Record<Schemas['Alert']['severity'], string>> = { info: 'low', low: 'low', medium: 'medium', high: 'high', critical: 'high' };

function AlertLine({ of: { alert, rule, by, severity, state, assignee, count, first, last, records, steps } }: { readonly of: Schemas['Alert'] }): ReactNode {
  const acknowledge = useAct('POST /api/v1/alerts/{alert}/acknowledge');
  const close = useAct('POST /api/v1/alerts/{alert}/close');
  const fault = acknowledge.error ?? close.error;
  const [record] = records;
  return (
    <li>
      <span className={`mark ${levels[severity]}`}>{severity}</span> <strong>{rule}</strong> <Recorded text={by.join(', ')} /> · {texts.records(count)} ·{' '}
      <Time of={first} /> – <Time of={last} as="clock" /> · {texts.alerts.state[state]} {assignee !== null && <Recorded text={assignee} />}{' '}
      {record !== undefined && (
        <Link to="/records/$log/$index" params={recordPlace(record)}>
          {texts.alerts.record}
        </Link>
      )}
      <ul className="steps">
        {steps.map((step) => (
          <li key={step.time}>
            <Time of={step.time} /> <Recorded text={step.by} /> {texts.alerts.steps[step.what]} {step.note !== null && <Recorded text={step.note} />}
          </li>
        ))}
      </ul>
      {fault !== null && <Failure error={fault} />}
      <div className="decision">
        {state === 'open' && (
          <button type="button" disabled={acknowledge.isPending} onClick={() => acknowledge.mutate({ path: { alert }, body: {} })}>
            {texts.alerts.acknowledge}
          </button>
        )}
        <NoteForm
          label={texts.alerts.note}
          button={texts.alerts.close}
          isBusy={close.isPending}
          onSend={(note) => close.mutate({ path: { alert }, body: { note } })}
        />
      </div>
    </li>
  );
}

/** Divides `LOG/INDEX`. */
function recordPlace(record: string): { readonly log: string; readonly index: string } {
  const [log = '', index = ''] = record.split('/');
  return { log, index };
}
