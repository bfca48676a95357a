import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { texts } from '../../texts.ts';

/** The steps that people take with an alert. */
export function AlertActs({ alert, state }: Pick<Schemas['Alert'], 'alert' | 'state'>): ReactNode {
  const acknowledge = useAct('POST /api/v1/alerts/{alert}/acknowledge');
  const assign = useAct('POST /api/v1/alerts/{alert}/assign');
  const close = useAct('POST /api/v1/alerts/{alert}/close');
  const fault = acknowledge.error ?? assign.error ?? close.error;
  return (
    <>
      {fault !== null && <Failure error={fault} />}
      <div className="decision">
        {state === 'open' && (
          <button type="button" disabled={acknowledge.isPending} onClick={() => acknowledge.mutate({ path: { alert }, body: {} })}>
            {texts.alerts.acknowledge}
          </button>
        )}
        <NoteForm
          label={texts.alerts.assignee}
          button={texts.alerts.assign}
          isBusy={assign.isPending}
          onSend={(to) => assign.mutate({ path: { alert }, body: { to } })}
        />
        <NoteForm
          label={texts.alerts.note}
          button={texts.alerts.close}
          isBusy={close.isPending}
          onSend={(note) => close.mutate({ path: { alert }, body: { note } })}
        />
      </div>
    </>
  );
}
