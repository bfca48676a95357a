import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { maskedCounts } from './masked-counts.ts';

/** The values that masks have changed in a request, or in its answer. */
export function Masked({ masks, label }: { readonly masks: readonly Schemas['ShownRecord'][]; readonly label: string }): ReactNode {
  return (
    masks.length > 0 && (
      <p className="quiet masked" id={String(masks[0]?.seq)}>
        {label} <Recorded text={[...maskedCounts(masks)].map(([name, many]) => `${many} × ${name}`).join(', ')} /> {texts.session.policies}{' '}
        <Recorded text={[...new Set(masks.flatMap(({ policies }) => policies))].join(', ')} />
      </p>
    )
  );
}
