import { useId, useState, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';

const nothing = { query: '', reason: '', facts: false };

/** Shows what an erasure would do, and what keeps it from being done; only then it can be carried out, as it was shown. */
export function NewErasure(): ReactNode {
  const plan = useAct('POST /api/v1/erasures');
  const erase = useAct('POST /api/v1/erasures');
  const id = useId();
  const [written, setWritten] = useState(nothing);
  const { create: words } = texts.erasures;
  const isBusy = plan.isPending || erase.isPending;
  const change = (changed: Partial<typeof nothing>): void => {
    setWritten({ ...written, ...changed });
    plan.reset();
    erase.reset();
  };
  return (
    <>
      <h2>{words.title}</h2>
      <form
        className="decision"
        onSubmit={(event) => {
          event.preventDefault();
          erase.reset();
          plan.mutate({ body: { ...written, plan: true } });
        }}
      >
        {(['query', 'reason'] as const).map((name) => (
          <div key={name} className="note">
            <label htmlFor={`${id}-${name}`}>{words.fields[name]}</label>
            <input
              id={`${id}-${name}`}
              required
              autoComplete="off"
              maxLength={1000}
              value={written[name]}
              onChange={({ target }) => change({ [name]: target.value })}
            />
          </div>
        ))}
        <label>
          <input type="checkbox" checked={written.facts} onChange={({ target }) => change({ facts: target.checked })} /> {words.facts}
        </label>
        <button type="submit" className="first" disabled={isBusy}>
          {words.show}
        </button>
      </form>
      {plan.error !== null && <Failure error={plan.error} />}
      {erase.error !== null && <Failure error={erase.error} />}
      <div aria-live="polite">
        {erase.data !== undefined ? (
          <p>{erase.data.waits === null ? words.erased(erase.data.records + erase.data.besides) : words.waits}</p>
        ) : (
          plan.data !== undefined && (
            <Planned of={plan.data}>
              <button type="button" disabled={isBusy} onClick={() => erase.mutate({ body: { ...written, plan: false } })}>
                {words.erase}
              </button>
            </Planned>
          )
        )}
      </div>
    </>
  );
}

/** `children` is offered if there is something to erase and nothing keeps it. */
function Planned({
  of: { records, besides, own, sessions, refused, unknown },
  children,
}: {
  readonly of: Schemas['ErasureByQuery'];
  readonly children: ReactNode;
}): ReactNode {
  const { create: words } = texts.erasures;
  return (
    <>
      <p>{words.goes(records, sessions)}</p>
      {besides > 0 && <p>{words.besides(besides)}</p>}
      {own > 0 && <p className="quiet">{words.own(own)}</p>}
      {unknown.map((what) => (
        <p key={what}>
          <Recorded text={what} />
        </p>
      ))}
      {refused.length > 0 && (
        <>
          <p>{words.refused}</p>
          <ul className="findings">
            {refused.map(({ by, sessions: kept }) => (
              <li key={by}>
                <Recorded text={by} />: <Recorded text={kept.map((session) => `session:${session}`).join(' ')} />
              </li>
            ))}
          </ul>
        </>
      )}
      {records > 0 && refused.length === 0 && children}
    </>
  );
}
