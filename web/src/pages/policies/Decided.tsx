import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { texts } from '../../texts.ts';

/** A decision, with the policies that determine it. */
export function Decided({ of: { verdict, reason, policies, unreached } }: { readonly of: Schemas['ExplainedDecision'] }): ReactNode {
  return (
    <>
      <p>
        <VerdictMark verdict={verdict} /> <Recorded text={reason} />
      </p>
      {unreached !== null && (
        <p className="mark medium">
          <Recorded text={unreached} />
        </p>
      )}
      {policies.map(({ id, text }) => (
        <details key={id} open>
          <summary>
            <Recorded text={id} />
          </summary>
          <pre className="asked">
            <Recorded text={text ?? texts.policies.explain.grant} />
          </pre>
        </details>
      ))}
      {policies.length === 0 && <p className="quiet">{texts.policies.explain.noPolicy}</p>}
    </>
  );
}
