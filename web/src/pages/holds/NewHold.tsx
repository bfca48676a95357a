import { useId, useState, type ReactNode } from 'react';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { texts } from '../../texts.ts';

const nothing = { matter: '', query: '', reason: '' };

/** Sets a hold for a matter. */
export function NewHold(): ReactNode {
  const create = useAct('POST /api/v1/holds');
  const id = useId();
  const [written, setWritten] = useState(nothing);
  const { create: words } = texts.holds;
  return (
    <>
      <h2>{words.title}</h2>
      {create.error !== null && <Failure error={create.error} />}
      <form
        className="decision"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({ body: written }, { onSuccess: () => setWritten(nothing) });
        }}
      >
        {(['matter', 'query', 'reason'] as const).map((name) => (
          <div key={name} className="note">
            <label htmlFor={`${id}-${name}`}>{words.fields[name]}</label>
            <input
              id={`${id}-${name}`}
              required
              autoComplete="off"
              maxLength={1000}
              value={written[name]}
              onChange={({ target }) => setWritten({ ...written, [name]: target.value })}
            />
          </div>
        ))}
        <button type="submit" className="first" disabled={create.isPending}>
          {words.button}
        </button>
      </form>
    </>
  );
}
