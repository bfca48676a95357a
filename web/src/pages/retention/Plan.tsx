import { useState, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { ClassName } from './ClassTable.tsx';

/** Says what a run on a day would delete, and for who administers does at once what the gateway does once a day. */
export function Plan(): ReactNode {
  const plan = useAct('POST /api/v1/retention/plan');
  const run = useAct('POST /api/v1/retention/run');
  const [at, setAt] = useState('');
  const mayRun = useMay('administer');
  const { plan: words } = texts.retention;
  const isBusy = plan.isPending || run.isPending;
  return (
    <>
      <h2>{words.title}</h2>
      <p className="quiet">{words.what}</p>
      <form
        className="note"
        onSubmit={(event) => {
          event.preventDefault();
          run.reset();
          plan.mutate({ body: at === '' ? {} : { at } });
        }}
      >
        <label>
          {words.day}
          <input type="date" value={at} onChange={({ target }) => setAt(target.value)} />
        </label>
        <button type="submit" disabled={isBusy}>
          {words.show}
        </button>
        {mayRun && (
          <button
            type="button"
            disabled={isBusy}
            onClick={() => {
              plan.reset();
              run.mutate({ body: { today: null } });
            }}
          >
            {words.run}
          </button>
        )}
      </form>
      {plan.error !== null && <Failure error={plan.error} />}
      {run.error !== null && <Failure error={run.error} />}
      <div aria-live="polite">
        {plan.data !== undefined && <Planned of={plan.data} />}
        {run.data !== undefined && <p>{words.done(run.data.destroyed.length, run.data.today)}</p>}
      </div>
    </>
  );
}

function Planned({ of: { at, erases, asked } }: { readonly of: Schemas['RetentionPlan'] }): ReactNode {
  const { plan: words, secrets } = texts.retention;
  return (
    <>
      <p>{erases.length === 0 ? words.nothing(at) : words.erases(at)}</p>
      <ul className="findings">
        {erases.map(({ class: number, query, day, stays, ...counts }) => (
          <li key={`${number} ${day}`}>
            <ClassName of={number} query={query} /> {words.until(day)}: {secrets(counts)}
            {stays.length > 0 && (
              <ul className="findings">
                {stays.map(({ class: other, day: until, ...kept }) => (
                  <li key={`${other} ${until ?? ''}`}>{words.stays(secrets(kept), other, until)}</li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
      {asked.length > 0 && (
        <p>
          {words.asked} <Recorded text={asked.join('; ')} />
        </p>
      )}
    </>
  );
}
