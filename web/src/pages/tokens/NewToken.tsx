import { useQuery } from '@tanstack/react-query';
import { useId, useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { useAct } from '../../api/use-act.ts';
import { CopyText } from '../../parts/CopyText.tsx';
import { Failure } from '../../parts/Failure.tsx';
import { texts } from '../../texts.ts';

const hourMs = 3_600_000;
const times = [
  ['1h', hourMs],
  ['8h', 8 * hourMs],
  ['1d', 24 * hourMs],
  ['7d', 7 * 24 * hourMs],
  ['30d', 30 * 24 * hourMs],
  ['90d', 90 * 24 * hourMs],
  ['366d', 366 * 24 * hourMs],
] as const;

/** Makes a token for a principal of the configuration. It is kept on this page alone, and forgotten with it. */
export function NewToken({ principal }: { readonly principal: string }): ReactNode {
  const { data: principals = [] } = useQuery(asked('GET /api/v1/principals'));
  const create = useAct('POST /api/v1/tokens');
  const [written, setWritten] = useState(principal);
  const [ttlMs, setTtlMs] = useState<number>(24 * hourMs);
  const list = useId();
  const { once, done, create: make, ttls } = texts.tokens;
  if (create.data !== undefined) {
    return (
      <section className="once" aria-live="polite">
        <p>{once(create.data.principal)}</p>
        <CopyText text={create.data.token} />
        <button type="button" className="first" onClick={() => create.reset()}>
          {done}
        </button>
      </section>
    );
  }
  return (
    <>
      {create.error !== null && <Failure error={create.error} />}
      <form
        className="note"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({ body: { principal: written.trim(), ttlMs } });
        }}
      >
        <label>
          {texts.tokens.principal}
          <input list={list} required maxLength={256} autoComplete="off" value={written} onChange={({ target }) => setWritten(target.value)} />
        </label>
        <datalist id={list}>
          {principals.map(({ id }) => (
            <option key={id} value={id} />
          ))}
        </datalist>
        <label>
          {texts.tokens.ttl}
          <select value={ttlMs} onChange={({ target }) => setTtlMs(Number(target.value))}>
            {times.map(([name, ms]) => (
              <option key={name} value={ms}>
                {ttls[name]}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" className="first" disabled={create.isPending}>
          {make}
        </button>
      </form>
    </>
  );
}
