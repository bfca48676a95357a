import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type ReactNode } from 'react';
import { useAllLines } from '../../api/use-live.ts';
import type { Schemas } from '../../api/schema.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { queryTerm } from '../../parts/query-term.ts';
import { dayOf } from '../../parts/Time.tsx';
import { plainText } from '../../parts/visible-text.ts';
import { texts } from '../../texts.ts';

/** Most sessions that one may choose among. */
const limit = 50;
/** Most characters of the title of a session in a choice. */
const titleMax = 80;

/** The choice of an earlier session of the same principal, beside which a session is put. */
export function SessionChoice({ of: { session, principal, opened } }: { readonly of: Schemas['SessionOverview'] }): ReactNode {
  const query = { query: principal === null ? undefined : queryTerm('principal', principal), until: opened, newest: '', limit };
  const found = useAllLines('GET /api/v1/sessions', { query }, { whenChanged: session });
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<string | null>(null);
  const id = useId();
  return (
    <Loaded of={found}>
      {(all) => {
        const earlier = all.filter((each) => 'title' in each).filter((each) => each.session !== session);
        const [first] = earlier;
        return first === undefined ? (
          <p className="quiet">{texts.diff.none}</p>
        ) : (
          <form
            className="note"
            onSubmit={(event) => {
              event.preventDefault();
              void navigate({ to: '/sessions/$session/diff/$other', params: { session: chosen ?? first.session, other: session } });
            }}
          >
            <label htmlFor={id}>{texts.diff.choose}</label>
            <select id={id} value={chosen ?? first.session} onChange={({ target }) => setChosen(target.value)}>
              {earlier.map(({ session: other, title, opened: began }) => (
                <option key={other} value={other}>
                  {`${dayOf(began)} · ${title === null ? texts.sessions.untitled : plainText(title).slice(0, titleMax)}`}
                </option>
              ))}
            </select>
            <button type="submit" className="first">
              {texts.diff.compare}
            </button>
          </form>
        );
      }}
    </Loaded>
  );
}
