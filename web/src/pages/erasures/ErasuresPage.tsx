import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { NotFound } from '../../parts/NotFound.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { useIsAuditor, useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { NewErasure } from './NewErasure.tsx';
import { WaitingErasureView } from './WaitingErasureView.tsx';

/** Erases before its day what somebody asked for, and shows what waits for a second person. Auditors only read that. Others than these and who may erase find nothing, and nothing is asked for them. */
export function ErasuresPage(): ReactNode {
  const [isAuditor, mayErase] = [useIsAuditor(), useMay('erase')];
  return isAuditor || mayErase ? <Erasures mayErase={mayErase} /> : <NotFound />;
}

function Erasures({ mayErase }: { readonly mayErase: boolean }): ReactNode {
  const waiting = useQuery(asked('GET /api/v1/erasures'));
  const { erasures: words } = texts;
  return (
    <>
      <PageTitle text={words.title} />
      <p className="quiet">{words.what}</p>
      {mayErase && <NewErasure />}
      <h2>{words.waiting.title}</h2>
      <Loaded of={waiting}>
        {(all) =>
          all.length === 0 ? (
            <p role="status">{words.waiting.none}</p>
          ) : (
            <ol className="found">
              {all.map((erasure) => (
                <WaitingErasureView key={erasure.erasure} of={erasure} mayConfirm={mayErase} />
              ))}
            </ol>
          )
        }
      </Loaded>
    </>
  );
}
