import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { NotFound } from '../../parts/NotFound.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { useIsAuditor, useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { HoldView } from './HoldView.tsx';
import { NewHold } from './NewHold.tsx';

/** The matters for which something is kept, whatever the rules of retention say. Auditors only read them. Others than these and who may set holds find nothing, and nothing is asked for them. */
export function HoldsPage(): ReactNode {
  const [isAuditor, maySet] = [useIsAuditor(), useMay('hold')];
  return isAuditor || maySet ? <Holds maySet={maySet} /> : <NotFound />;
}

function Holds({ maySet }: { readonly maySet: boolean }): ReactNode {
  const holds = useQuery(asked('GET /api/v1/holds'));
  return (
    <>
      <PageTitle text={texts.holds.title} />
      <p className="quiet">{texts.holds.what}</p>
      <Loaded of={holds}>
        {(all) =>
          all.length === 0 ? (
            <p role="status">{texts.holds.none}</p>
          ) : (
            <ol className="found">
              {all.map((hold) => (
                <HoldView key={hold.class} of={hold} mayRelease={maySet} />
              ))}
            </ol>
          )
        }
      </Loaded>
      {maySet && <NewHold />}
    </>
  );
}
