import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useLive } from '../../api/use-live.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { AlertActs } from './AlertActs.tsx';

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
  const mayAct = useMay('administer');
  const [record] = records;
  return (
    <li>
      <span className={`mark ${levels[severity]}`}>{severity}</span> <strong>{rule}</strong> <Recorded text={by.filter(isNamed).join(', ')} /> ·{' '}
      {texts.records(count)} · <Time of={first} /> – <Time of={last} /> · {texts.alerts.state[state]}{' '}
      {assignee !== null && <Recorded text={`${texts.alerts.for} ${assignee}`} />}{' '}
      {record !== undefined && (
        <Link to="/records/$log/$index" params={recordPlace(record)}>
          {texts.alerts.record}
        </Link>
      )}
      <ul className="steps">
        {steps.map((step) => (
          <li key={step.time}>
            <Time of={step.time} /> <Recorded text={step.by} /> {texts.alerts.steps[step.what]} {step.assignee !== null && <Recorded text={step.assignee} />}{' '}
            {step.note !== null && <Recorded text={step.note} />}
          </li>
        ))}
      </ul>
      {mayAct && <AlertActs alert={alert} state={state} />}
    </li>
  );
}

/** Whether what an alert is about, as `principal=ann`, has a value. */
function isNamed(each: string): boolean {
  return !each.endsWith('=');
}

/** Divides `LOG/INDEX`. */
function recordPlace(record: string): { readonly log: string; readonly index: string } {
  const [log = '', index = ''] = record.split('/');
  return { log, index };
}
