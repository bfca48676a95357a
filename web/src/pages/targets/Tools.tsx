import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

const levels = { new: 'medium', pinned: 'low', changed: 'high' } as const;

/** The tools that a target has listed, and the pinning of their definitions. Nothing, if it has none. */
export function Tools({ target }: { readonly target: string }): ReactNode {
  const { data: tools = [], error } = useQuery(asked('GET /api/v1/targets/{target}/tools', { path: { target } }));
  const pin = useAct('POST /api/v1/targets/{target}/tools/pin');
  const { title, what, columns, state: states, was, pin: pinOne, accept, pinAll } = texts.targets.tools;
  const isOpen = tools.some(({ state }) => state !== 'pinned');
  if (error !== null) {
    return <Failure error={error} />;
  }
  return (
    tools.length > 0 && (
      <>
        <h2>{title}</h2>
        <p className="quiet">{what}</p>
        {pin.error !== null && <Failure error={pin.error} />}
        <div className="wide" role="region" aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th>{columns.name}</th>
                <th>{columns.state}</th>
                <th>{columns.digest}</th>
                <th>{columns.since}</th>
              </tr>
            </thead>
            <tbody>
              {tools.map(({ name, digest, since, pinned, state }) => (
                <tr key={name}>
                  <td>
                    <Recorded text={name} />
                  </td>
                  <td>
                    <span className={`mark ${levels[state]}`}>{states[state]}</span>{' '}
                    {state !== 'pinned' && (
                      <button
                        type="button"
                        aria-label={`${state === 'new' ? pinOne : accept}: ${name}`}
                        disabled={pin.isPending}
                        onClick={() => pin.mutate({ path: { target }, body: { tools: [name] } })}
                      >
                        {state === 'new' ? pinOne : accept}
                      </button>
                    )}
                  </td>
                  <td>
                    <code title={digest}>{digest.slice(0, 16)}</code>
                    {state === 'changed' && pinned !== null && (
                      <div className="quiet">
                        {was} <code title={pinned}>{pinned.slice(0, 16)}</code>
                      </div>
                    )}
                  </td>
                  <td>{since !== null && <Time of={since} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {isOpen && (
          <button type="button" disabled={pin.isPending} onClick={() => pin.mutate({ path: { target }, body: {} })}>
            {pinAll}
          </button>
        )}
      </>
    )
  );
}
