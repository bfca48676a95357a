import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { PolicyView } from './PolicyView.tsx';

/** The policies that decided, for administrators each with its text as it was in force, and the reason that they gave. */
export function Why({ record: { policies, attributes } }: { readonly record: Schemas['ShownRecord'] }): ReactNode {
  const { 'countersign.reason': reason, 'countersign.policy_version': version } = attributes;
  const isReader = useMay('administer');
  return (
    <>
      {policies.length > 0 && <span className="why">{texts.session.policies} </span>}
      {policies.map((policy) =>
        isReader && typeof version === 'string' ? (
          <Later key={policy} className="opened why" summary={<Recorded text={policy} />}>
            <PolicyView policy={policy} version={version} />
          </Later>
        ) : (
          <span key={policy} className="why">
            <Recorded text={policy} />{' '}
          </span>
        ),
      )}
      {typeof reason === 'string' && (
        <span className="why">
          {texts.session.because} <Recorded text={reason} />{' '}
        </span>
      )}
    </>
  );
}
