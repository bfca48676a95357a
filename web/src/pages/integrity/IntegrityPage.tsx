import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { Failure } from '../../parts/Failure.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { useIsAuditor, useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { EpochList } from './EpochList.tsx';
import { KeyView } from './KeyView.tsx';
import { servedKeys, storedLog, storeLog, withServedKeys, type KnownLog } from './known-log.ts';
import { Verification } from './Verification.tsx';
import { WitnessTable } from './WitnessTable.tsx';
import './integrity.css';

/** The log of the gateway: whose signature this browser trusts, whether the log holds under it, and when the gateway was there. */
export function IntegrityPage(): ReactNode {
  const [known, setKnown] = useState(storedLog);
  const served = useQuery({ queryKey: ['key of the log'], queryFn: servedKeys });
  const isAuditor = useIsAuditor();
  const keep = (log: KnownLog): void => {
    storeLog(log);
    setKnown(log);
  };
  useEffect(() => {
    if (served.data !== undefined) {
      void withServedKeys(storedLog(), served.data, new Date()).then(keep);
    }
  }, [served.data]);
  return (
    <>
      <PageTitle text={texts.integrity.title} />
      <p className="quiet">{texts.integrity.what}</p>
      {served.error !== null && <Failure error={served.error} onAgain={() => void served.refetch()} />}
      <KeyView known={known} served={served.data?.key ?? null} onGiven={keep} />
      {known !== null && served.data !== undefined && isAuditor && (
        <Verification key={known.key} known={known} onHolds={(checkpoint) => keep({ ...known, checkpoint })} />
      )}
      {!isAuditor && <p role="status">{texts.integrity.auditors}</p>}
      {isAuditor && <WitnessTable />}
      {useMay('search') && <EpochList />}
    </>
  );
}
