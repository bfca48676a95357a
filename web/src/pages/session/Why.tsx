import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';

/** The policies that decided, and the reason that they gave. */
export function Why({ record: { policies, attributes } }: { readonly record: Schemas['ShownRecord'] }): ReactNode {
  const reason = attributes['countersign.reason'];
  return (
    <>
      {policies.length > 0 && (
        <span className="why">
          {texts.session.policies} <Recorded text={policies.join(', ')} />{' '}
        </span>
      )}
      {typeof reason === 'string' && (
        <span className="why">
          {texts.session.because} <Recorded text={reason} />{' '}
        </span>
      )}
    </>
  );
}
