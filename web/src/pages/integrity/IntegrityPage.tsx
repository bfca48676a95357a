import { verdictWords, type LogProgress, type LogReport } from '@countersign/ledger';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { Failure } from '../../parts/Failure.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { texts } from '../../texts.ts';
import { EpochList } from './EpochList.tsx';
import { KeyView } from './KeyView.tsx';
import { servedKey, storedLog, storeLog, withServedKey, type KnownLog } from './known-log.ts';
import { useVerification } from './use-verification.ts';
import './integrity.css';

/** The log of the gateway: whose signature this browser trusts, whether the log holds under it, and when the gateway was there. */
export function IntegrityPage(): ReactNode {
  const [known, setKnown] = useState(storedLog);
  const served = useQuery({ queryKey: ['key of the log'], queryFn: servedKey });
  const { data: caller } = useQuery(asked('GET /api/v1/whoami'));
  const keep = (log: KnownLog): void => {
    storeLog(log);
    setKnown(log);
  };
  useEffect(() => {
    if (served.data !== undefined && known === null) {
      keep(withServedKey(known, served.data, new Date()));
    }
  }, [served.data, known]);
  const { state, start } = useVerification((report) => {
    if (known !== null && report.verdict === 'holds' && report.signed !== undefined) {
      keep({ ...known, checkpoint: report.signed.note });
    }
  });
  return (
    <>
      <PageTitle text={texts.integrity.title} />
      <p className="quiet">{texts.integrity.what}</p>
      {served.error !== null && <Failure error={served.error} onAgain={() => void served.refetch()} />}
      <KeyView known={known} served={served.data ?? null} onGiven={keep} />
      {known !== null && served.data !== undefined && (
        <button type="button" className="first" disabled={state.is === 'running'} onClick={() => start(known)}>
          {texts.integrity.verify}
        </button>
      )}
      <div role="status">
        {state.is === 'running' && <Progress of={state.progress} startedMs={state.startedMs} />}
        {state.is === 'done' && <Report of={state.report} />}
      </div>
      {state.is === 'failed' && <Failure error={state.error} />}
      {caller?.may.includes('search') === true && <EpochList />}
    </>
  );
}

function Progress({ of, startedMs }: { readonly of: LogProgress | null; readonly startedMs: number }): ReactNode {
  const seconds = (performance.now() - startedMs) / 1000;
  return (
    <p>
      <progress aria-label={texts.integrity.progress} max={of?.size ?? 1} value={of?.leaves ?? 0} /> {of !== null && texts.integrity.soFar(of, seconds)}
    </p>
  );
}

/** The result, in the words of the verifier. */
function Report({ of: { verdict, findings, findingsDropped, signed, knownSize, counts, elapsedMs } }: { readonly of: LogReport }): ReactNode {
  return (
    <>
      <p className={verdict === 'holds' ? 'verdict low' : 'verdict failure'}>
        <strong>{verdictWords[verdict]}</strong>
      </p>
      <ul className="findings-list">
        {findings.map(({ code, where, what }, at) => (
          <li key={at}>
            {code}: <code>{where}</code> {what}
          </li>
        ))}
        {findingsDropped > 0 && <li>{texts.state.hidden(findingsDropped)}</li>}
      </ul>
      <p>{texts.integrity.checked(counts, elapsedMs / 1000)}</p>
      {signed !== undefined && (
        <>
          <p>{texts.integrity.signed(signed.size)}</p>
          {knownSize !== undefined && <p>{texts.integrity.sinceKnown(knownSize)}</p>}
          <pre aria-label={texts.integrity.checkpoint}>{signed.note}</pre>
        </>
      )}
      {verdict === 'holds' && <p className="quiet">{texts.integrity.proves}</p>}
    </>
  );
}
